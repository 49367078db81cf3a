"""The API key: out of a file or the environment, never from the command line or a manifest."""

import codecs
import os
import stat
from pathlib import Path

from batchgen.app.keys import key_in_environment
from batchgen.cli.output import show_notes
from batchgen.errors import UsageError
from batchgen.providers.api_key import ApiKey

_MOST_BYTES = 64 * 1024
"""A larger file, or one without an end, is not a key."""


def found(provider: str, path: Path | None) -> ApiKey | None:
    """The key for a provider: that in a file where one is given, or else that of its variable."""
    if path is not None:
        return from_file(path)
    return key_in_environment(provider)


def from_file(path: Path) -> ApiKey:
    """The key in a file, or in a pipe that a password manager writes into.

    Warns where other users of this machine may read the file. Raises `UsageError`, which does not
    show what is in it.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the API key cannot be read from {path}: {error.strerror}") from None
    if os.name == "posix" and stat.S_ISREG(mode) and mode & stat.S_IROTH:
        warning = f"warning: {path} can be read by other users of this machine; take that from them: chmod 600 {path}"
        show_notes([warning])
    content = content.removeprefix(codecs.BOM_UTF8)  # which editors of Windows put before what they save
    try:
        return ApiKey(content.decode("ascii") if len(content) <= _MOST_BYTES else "")
    except (UnicodeDecodeError, UsageError):
        raise UsageError(f"{path} is empty or has characters that no API key has") from None
