"""Results that nothing replaces, and the folder that shows those that count."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from batchgen.store.interface import Checked, Fetched, Wanted
from batchgen.store.links import digest, link_or_copy
from batchgen.store.local import Limits, LocalStore
from batchgen.store.view import show

IDS = ("s1", "s2", "gone")
"""What scenes were ever called."""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def keep(folder: Path, attempt: int, content: bytes) -> str:
    """Keep what has been fetched for an attempt at s1."""
    wanted = Wanted("s1", attempt, "http://127.0.0.1:9/x", "960*960", 2)
    fetched = folder / "results" / f"s1@{attempt}.fetched"
    fetched.parent.mkdir(exist_ok=True)
    fetched.write_bytes(content)
    checked = Checked(Fetched(fetched, len(content), sha256(content)), None)
    return LocalStore(folder, Limits()).keep(wanted, checked)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


@pytest.fixture
def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that has no hard links."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)


def test_what_lies_under_the_name_of_a_result_is_put_aside(tmp_path: Path) -> None:
    assert keep(tmp_path, 1, b"first") == "results/s1@1.mp4"
    keep(tmp_path, 1, b"another")
    found = contents(tmp_path / "results")
    assert found["s1@1.mp4"] == b"another"
    assert sorted(found.values()) == [b"another", b"first"]


def test_nobody_writes_to_a_result_by_accident(tmp_path: Path) -> None:
    keep(tmp_path, 1, b"first")
    assert not (tmp_path / "results" / "s1@1.mp4").stat().st_mode & 0o222


def test_the_view_is_what_counts_and_nothing_else(tmp_path: Path) -> None:
    one, two = keep(tmp_path, 1, b"one"), keep(tmp_path, 2, b"two")
    known = {sha256(b"one"), sha256(b"two")}
    show(tmp_path, {"s1": one, "s2": two}, IDS, known)
    assert contents(tmp_path / "videos") == {"s1.mp4": b"one", "s2.mp4": b"two"}
    assert (tmp_path / "videos" / "s1.mp4").samefile(tmp_path / one)
    show(tmp_path, {"s1": two}, IDS, known)
    assert contents(tmp_path / "videos") == {"s1.mp4": b"two"}
    assert contents(tmp_path / "results") == {"s1@1.mp4": b"one", "s1@2.mp4": b"two"}


@pytest.mark.usefixtures("without_links")
def test_where_the_disk_has_no_links_there_are_copies(tmp_path: Path) -> None:
    one = keep(tmp_path, 1, b"one")
    show(tmp_path, {"s1": one}, IDS, {sha256(b"one")})
    copy = tmp_path / "videos" / "s1.mp4"
    assert (copy.read_bytes(), copy.samefile(tmp_path / one)) == (b"one", False)
    before = copy.stat().st_ino
    show(tmp_path, {"s1": one}, IDS, {sha256(b"one")})
    assert copy.stat().st_ino == before, "copied once"
    show(tmp_path, {}, IDS, {sha256(b"one")})
    assert contents(tmp_path / "videos") == {}


def test_what_is_the_users_own_is_never_lost(tmp_path: Path) -> None:
    one = keep(tmp_path, 1, b"one")
    (tmp_path / "videos").mkdir()
    for name in ("s1.mp4", "own.mp4", "notes.txt"):
        (tmp_path / "videos" / name).write_bytes(name.encode())
    show(tmp_path, {"s1": one}, IDS, {sha256(b"one")})
    found = contents(tmp_path / "videos")
    assert {found["own.mp4"], found["notes.txt"], found["s1.mp4"]} == {b"own.mp4", b"notes.txt", b"one"}
    assert b"s1.mp4" in found.values()


def test_a_copy_that_the_user_named_is_left_alone(tmp_path: Path) -> None:
    one = keep(tmp_path, 1, b"one")
    show(tmp_path, {"s1": one}, IDS, {sha256(b"one")})
    os.link(tmp_path / one, tmp_path / "videos" / "my favourite.mp4")
    show(tmp_path, {}, IDS, {sha256(b"one")})
    assert contents(tmp_path / "videos") == {"my favourite.mp4": b"one"}


def test_a_result_that_is_kept_nowhere_else_is_not_taken_for_a_view(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "gone.mp4").write_bytes(b"one")
    show(tmp_path, {}, IDS, {sha256(b"one")})
    assert contents(tmp_path / "videos") == {"gone.mp4": b"one"}


def test_a_result_elsewhere_is_linked_in_only_where_it_is_the_one(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, Limits())
    (tmp_path / "elsewhere.mp4").write_bytes(b"one")
    assert not store.link(tmp_path / "elsewhere.mp4", "results/s1@1.mp4", sha256(b"two"))
    assert not store.link(tmp_path / "gone.mp4", "results/s1@1.mp4", sha256(b"two"))
    assert not store.has("results/s1@1.mp4")
    assert store.link(tmp_path / "elsewhere.mp4", "results/s1@1.mp4", sha256(b"one"))
    assert store.link(tmp_path / "gone.mp4", "results/s1@1.mp4", sha256(b"one")), "it is here already"
    assert store.holds("results/s1@1.mp4", sha256(b"one"))


def test_an_error_of_the_disk_is_not_taken_for_a_want_of_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    (tmp_path / "one").write_bytes(b"one")
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", full)
        with pytest.raises(OSError, match="full"):
            link_or_copy(tmp_path / "one", tmp_path / "two")
    assert digest(tmp_path / "two") is None
    assert contents(tmp_path) == {"one": b"one"}
