"""Errors that end a command with a message instead of a result.

::

    BatchgenError              a message for the user, and the exit code it ends with
    ├── UsageError         2   the command cannot start: wrong arguments, a missing file
    ├── RefusedRun         3   nothing was submitted: the plan or the manifest does not allow it
    ├── InvalidInput       3   a file to import is not what it should be; nothing was written
    └── RunDirectoryError  6   the run directory is in use, damaged, or cannot be written

Problems inside a manifest are no exceptions: they are collected, as `batchgen.model.Problem`.
Anything else that escapes a command is a bug in batchgen and is reported as one.
"""

from enum import StrEnum
from typing import ClassVar

EXIT_BUG = 70
"""sysexits.h: internal software error. No exit code of the contract is used for a bug."""


class Remedy(StrEnum):
    """What can be done about an error, where that is said in other words from Python than on a command line."""

    GIVE_KEY = "give_key"
    """``about`` is the environment variable that may hold the API key."""
    GO_ON_THERE = "go_on_there"
    """``about`` is the run directory of the earlier runs."""
    LIST_FAULTS = "list_faults"
    INSTALL_EXTRA = "install_extra"
    """``about`` is the name of the extra that brings what is missing."""
    MAP_COLUMN = "map_column"
    NAME_MODEL = "name_model"
    OTHER_FORM = "other_form"
    OTHER_GATEWAY = "other_gateway"
    """``about`` is the address of the gateway that the run directory belongs to."""
    OTHER_RUN_DIR = "other_run_dir"
    PUBLISH = "publish"
    REPLACE = "replace"
    REUSE_FROM = "reuse_from"
    """``about`` is the run directory that has the results."""
    SAVE_PLAN = "save_plan"
    SAY_WHAT_BECAME = "say_what_became"
    SAY_ENCODING = "say_encoding"
    SALVAGE = "salvage"
    """``about`` is the run directory."""


class BatchgenError(Exception):
    """Something the user can act on. ``str(error)`` is the message, ``remedy`` what can be done ``about`` what."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", remedy: Remedy | None = None, about: str = "") -> None:
        """Take the message for the user, without names of options."""
        super().__init__(message)
        self.remedy = remedy
        self.about = about


class UsageError(BatchgenError):
    """The command cannot start as it was called."""

    exit_code = 2


class RefusedRun(BatchgenError):  # noqa: N818 - reads as a sentence where it is raised
    """A run that may not begin; nothing was submitted."""

    exit_code = 3


class InvalidInput(BatchgenError):  # noqa: N818 - the file is at fault
    """A file that nothing can be imported from; nothing was written."""

    exit_code = 3


class RunDirectoryError(BatchgenError):
    """The run directory cannot be used as it is."""

    exit_code = 6
