"""Files that are whole or not there, and folders without traps."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_KEEPS_OTHERS_OUT = 0o077


@contextmanager
def made_for_their_owner() -> Iterator[None]:
    """Whatever this process makes meanwhile, no other user of the machine may open.

    The umask belongs to the whole process, so this stands around a command and not inside of one.
    Windows has no such modes; there the folder decides.
    """
    before = os.umask(_KEEPS_OTHERS_OUT)
    try:
        yield
    finally:
        os.umask(before)


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Replace ``path`` with ``content``, also piece by piece, so that no crash leaves a half-written file.

    Written beside the target, made durable, renamed, and the rename made durable. The folder has
    to exist. A file that was there keeps its mode, a link that was there is not followed. Raises
    OSError and whatever the making of a piece raises, and leaves nothing behind, where any of that fails.
    """
    temporary = path.with_name(f".batchgen-{os.urandom(8).hex()}")
    mode = _mode_of(path)
    try:
        # "x" never opens what is there already, be it a link.
        with temporary.open("xb") as file:
            file.writelines([content] if isinstance(content, bytes) else content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _mode_of(path: Path) -> int | None:
    """The mode of a file that is to be replaced: who shared it wants it shared."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def open_to_append(path: Path) -> BinaryIO:
    """Open a file to be read and appended to, made where it is missing; nothing but a regular file, and no link.

    Raises OSError.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    for name in ("O_NOFOLLOW", "O_BINARY", "O_NONBLOCK"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is not a regular file")
    return os.fdopen(descriptor, "r+b")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if os.name == "nt":  # pragma: no cover - Windows cannot open folders, and needs no sync of them
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
