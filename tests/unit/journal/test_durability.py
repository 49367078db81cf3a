"""One fsync for all events of a turn, and none without events."""

import os
from pathlib import Path

import pytest

from batchgen.engine import events as ev
from batchgen.journal.journal import Journal
from batchgen.journal.line_log import LineLog

from helpers.attempts import EVENTS


class Bytes:
    """A medium that counts how often it is made durable."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.synced = 0

    def read(self) -> bytes:
        return bytes(self.content)

    def length(self) -> int:
        return len(self.content)

    def write(self, content: memoryview) -> int:
        self.content += content
        return len(content)

    def cut(self, length: int) -> None:
        del self.content[length:]

    def make_durable(self) -> None:
        self.synced += 1


@pytest.mark.parametrize("count", [0, 1, 2, 1000])
def test_events_that_are_written_together_are_made_durable_once(count: int) -> None:
    medium = Bytes()
    log = LineLog(medium, Path("state.jsonl"), "w1")
    medium.synced = 0
    log.append([ev.HeldBack("t", f"s{number}", "budget", "") for number in range(count)])
    assert medium.synced == min(count, 1)
    assert medium.content.count(b"\n") == count


def test_a_disk_is_asked_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    sync = os.fsync

    def counted(handle: int) -> None:
        asked.append(handle)
        sync(handle)

    with Journal(tmp_path) as journal:
        monkeypatch.setattr(os, "fsync", counted)
        journal.append([])
        assert asked == []
        journal.record(ev.RunStarted("t", "1"), EVENTS[ev.Submitting], EVENTS[ev.Submitted])
        assert len(asked) == 1
