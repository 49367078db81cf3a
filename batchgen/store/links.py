"""Files under several names: linked where the disk can, copied where it cannot, and none ever lost to another."""

import errno
import hashlib
import os
import secrets
import shutil
from pathlib import Path

_NO_LINKS = frozenset({errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
"""What a disk says that has no hard links, no more of them, or none from there."""
_SHORT = 8
_NOT_WRITING = 0o555


def digest(path: Path) -> str | None:
    """The SHA-256 of a file, None where there is none that can be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, at once and whole; what stood under that name is replaced. Raises OSError."""
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        os.link(source, temporary)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        shutil.copy2(source, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
    temporary.replace(target)


def make_read_only(path: Path) -> None:
    """Let nobody write to a file by accident; who may read it stays as it is."""
    path.chmod(path.stat().st_mode & _NOT_WRITING)


def put_aside(path: Path) -> None:
    """Give what stands under a name another one, which says what it is: nobody told of it, and it may be dear."""
    found = digest(path)
    if found is not None:
        path.rename(path.with_name(f"{path.stem}.found-{found[:_SHORT]}{path.suffix}"))


def is_same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, or of one and its copy."""
    try:
        first, second = one.stat(), other.stat()
    except OSError:
        return False
    linked = (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
    return linked or (first.st_size, first.st_mtime_ns) == (second.st_size, second.st_mtime_ns)
