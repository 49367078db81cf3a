"""The journal on disk: torn tails, damage, locks, full disks and folders that vanish."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from batchgen.engine import events as ev
from batchgen.engine.attempts import AttemptState
from batchgen.errors import RunDirectoryError
from batchgen.journal.journal import Journal
from batchgen.journal.records import decode, encode
from batchgen.journal.replay import read
from batchgen.layout import JOURNAL

from helpers.attempts import EVENTS, WAYS, replay
from helpers.engine_support import scene
from helpers.support import modes_hold, started, unprivileged

EVERY: list[ev.Event] = [
    ev.RunStarted("t", "1"),
    ev.ManifestRead("t", "garden", "m", (scene(),)),
    *WAYS[AttemptState.DELIVERED],
    ev.HeldBack("t", "s2", "budget", "ünïcode \u2028 \ud800 \x00"),
    ev.RunEnded("t", 0),
]
NEXT = ev.RunStarted("t", "2")
POSIX = pytest.mark.skipif(os.name == "nt", reason="file modes and limits of POSIX")
HOLDER = """
import sys, time
from pathlib import Path
from batchgen.journal.journal import Journal
with Journal(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from batchgen.engine.events import RunStarted
from batchgen.errors import RunDirectoryError
from batchgen.layout import JOURNAL
from batchgen.journal.journal import Journal
folder = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Journal(folder) as journal:
    journal.append([RunStarted("t", "1")])
    size = (folder / JOURNAL).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200, size + 200))
    try:
        journal.append([RunStarted("t", "x" * 99), RunStarted("t", "y" * 99)])
    except RunDirectoryError as error:
        print(error)
    print(size == (folder / JOURNAL).stat().st_size)
    journal.append([RunStarted("t", "2")])
"""
CLOSED = """
import sys
from pathlib import Path
from batchgen.errors import RunDirectoryError
from batchgen.journal.journal import Journal
try:
    Journal(Path(sys.argv[1]))
except RunDirectoryError as error:
    print(error)
"""


def written(folder: Path, events: Sequence[ev.Event] = EVERY) -> Path:
    """A journal with these events."""
    with Journal(folder) as journal:
        journal.append(events)
    return folder / JOURNAL


def refusal(folder: Path) -> str:
    """How opening the journal is refused; reading it is refused as well."""
    with pytest.raises(RunDirectoryError) as caught:
        Journal(folder)
    assert caught.value.exit_code == 6
    return str(caught.value)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    written(tmp_path)
    assert read(tmp_path) == replay(EVERY)
    with Journal(tmp_path) as journal:
        assert journal.state == replay(EVERY)
        assert journal.torn == 0


def test_appending_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_bytes()
    written(tmp_path, [NEXT])
    after = path.read_bytes()
    assert after.startswith(before)
    assert [record.event for record in map(decode, after[len(before) :].splitlines())] == [NEXT]
    written(tmp_path, [])
    assert path.read_bytes() == after


def test_folders_are_made(tmp_path: Path) -> None:
    written(tmp_path / "runs" / "garden")
    assert read(tmp_path / "runs" / "garden").runs == 1


@POSIX
def test_the_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert written(tmp_path).stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_nothing_is_left_behind_but_the_journal(tmp_path: Path) -> None:
    written(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {JOURNAL, "state.lock"}


@pytest.mark.parametrize("last", [encode(event) for event in EVERY[-3:]], ids=["downloaded", "held", "ended"])
def test_a_tail_torn_anywhere_is_cut_off_and_nothing_else(tmp_path: Path, last: bytes) -> None:
    whole = b"".join(map(encode, EVERY[:-3]))
    path = tmp_path / JOURNAL
    for length in range(len(last)):
        path.write_bytes(whole + last[:length])
        assert read(tmp_path) == replay(EVERY[:-3]), "reading changes nothing"
        assert path.stat().st_size == len(whole) + length
        with Journal(tmp_path) as journal:
            assert journal.torn == length
            assert journal.state == replay(EVERY[:-3])
            journal.append([NEXT])
        after = path.read_bytes()
        assert after.startswith(whole)
        assert [record.event for record in map(decode, after[len(whole) :].splitlines())] == [NEXT]


def test_a_tail_of_zeros_is_cut_off(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(500))
    with Journal(tmp_path) as journal:
        assert journal.torn == 500
    assert path.read_bytes() == whole


def test_a_lost_newline_before_a_torn_tail_is_damage_and_no_longer_tail(tmp_path: Path) -> None:
    first, second = encode(EVERY[0]), encode(NEXT)
    path = tmp_path / JOURNAL
    for torn in range(len(second)):
        path.write_bytes(first[:-1] + b"?" + second[:torn])
        with pytest.raises(RunDirectoryError, match=f"{JOURNAL}:1: .* newline"):
            read(tmp_path)
        path.write_bytes(first + first[:-1])
        assert read(tmp_path).runs == 1, "a line whose newline was not written yet is a torn one"


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80, 0x0A ^ 0x0D])
def test_a_flipped_bit_anywhere_is_damage_with_a_place(tmp_path: Path, flip: int) -> None:
    content = b"".join(map(encode, [*EVERY[:1], *EVERY[-2:]]))
    path, line, damaged = tmp_path / JOURNAL, 0, bytearray()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= flip
        path.write_bytes(damaged)
        line = content.count(b"\n", 0, position) + 1
        with pytest.raises(RunDirectoryError) as caught:
            read(tmp_path)
        assert str(caught.value).startswith(f"{path}:{line}: the journal is damaged")
        assert caught.value.exit_code == 6
    assert f"{path}:{line}:" in refusal(tmp_path)
    assert path.read_bytes() == damaged
    assert {entry.name for entry in tmp_path.iterdir()} <= {JOURNAL, "state.lock"}


def test_a_missing_line_is_damage(tmp_path: Path) -> None:
    path = written(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert f"{path}:3: " in refusal(tmp_path)
    assert "line 3 of the process that wrote it is missing" in refusal(tmp_path)
    path.write_bytes(b"".join(map(encode, [*EVERY[:2], *EVERY[3:]])))
    assert "Submitted while not begun" in refusal(tmp_path), "versions before did not count their lines"


def test_a_folder_without_a_journal(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="is not a run directory"):
        read(tmp_path)
    (tmp_path / JOURNAL).mkdir()
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        read(tmp_path)
    assert "is not a regular file" in refusal(tmp_path)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be used" in refusal(tmp_path / "file")


@contextmanager
def held(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process holds the journal."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_another_process_keeps_us_out_until_it_is_killed(tmp_path: Path) -> None:
    with held(tmp_path) as process:
        assert f"by process {process.pid} on " in refusal(tmp_path)
        assert read(tmp_path).runs == 0, "reading needs no lock"
    written(tmp_path)


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b'{"pid": "x", "host": 1}', b"\xff"])
def test_whatever_a_holder_said_of_itself(tmp_path: Path, said: bytes) -> None:
    with held(tmp_path):
        (tmp_path / "state.lock.holder").write_bytes(said)
        assert "in use by another process" in refusal(tmp_path)


def test_a_damaged_journal_does_not_keep_its_lock(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(b"x" + whole)
    refusal(tmp_path)
    path.write_bytes(whole)
    written(tmp_path, [NEXT])


@POSIX
def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    ended = started([sys.executable, "-c", FULL_DISK, str(tmp_path)])
    assert "cannot be written: File too large" in ended.out, ended.err
    assert ended.out.endswith("\nTrue\n")
    assert read(tmp_path).runs == 2


@POSIX
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_journal_that_was_deleted_is_noticed(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "run"
    with Journal(folder) as journal:
        journal.append([NEXT])
        if what == "file":
            (folder / JOURNAL).unlink()
        else:
            shutil.rmtree(folder)
        with pytest.raises(RunDirectoryError, match="deleted while the run went on"):
            journal.append([NEXT])


@POSIX
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    if not modes_hold(tmp_path):
        pytest.skip("file modes do not hold here")
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o500)
    try:
        assert "cannot be used: Permission denied" in started(unprivileged("-c", CLOSED, folder)).out
        assert list(folder.iterdir()) == []
    finally:
        folder.chmod(0o700)
    written(folder)
    (folder / JOURNAL).chmod(0o400)
    assert "cannot be written: Permission denied" in started(unprivileged("-c", CLOSED, folder)).out


def test_events_that_were_not_written_do_not_count(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        before = journal.state
        journal.append([EVENTS[ev.Submitting]])
        assert before == replay([]), "the state is the scheduler's to change"
    assert read(tmp_path).latest("s1") is not None


def test_opening_is_quick_even_where_much_happened(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes() + encode(NEXT) * 20_000)
    assert read(tmp_path).runs == 20_001


def test_scenes_that_are_built_on_one_another_in_a_circle_are_damage(tmp_path: Path) -> None:
    """No manifest has such, but a journal from elsewhere may: nothing would come of following it."""
    first, second = (replace(scene(name), sources=(f"{other}#last",)) for name, other in (("s1", "s2"), ("s2", "s1")))
    (tmp_path / JOURNAL).write_bytes(
        encode(ev.ManifestRead("t", "n", "m", (first,)))
        + encode(ev.ManifestChanged("t", "n", "m", (second,), {}, (), ()))
    )
    with pytest.raises(RunDirectoryError, match=r":2: the journal is damaged: scenes are built on one another"):
        read(tmp_path)
