"""Errors that end a command with a message instead of a result.

::

    BatchgenError       a message for the user, and the exit code it ends with
    └── UsageError  2   the command cannot start: wrong arguments, a missing file

Problems inside a manifest are no exceptions: they are collected, as `batchgen.model.Problem`.
Anything else that escapes a command is a bug in batchgen and is reported as one.
"""

from typing import ClassVar


class BatchgenError(Exception):
    """Something the user can act on. ``str(error)`` is the whole message."""

    exit_code: ClassVar[int] = 1


class UsageError(BatchgenError):
    """The command cannot start as it was called."""

    exit_code = 2
