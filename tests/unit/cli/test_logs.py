"""The log of a run."""

import errno
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from batchgen.cli import log_file
from batchgen.cli.logs import logging_to
from batchgen.layout import LOG
from batchgen.runner import LOG_WRITER


def test_a_log_that_cannot_be_opened_is_told_of_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(log_file, "LogFile", refuse)
    with logging_to(tmp_path, None):
        logging.getLogger("batchgen").info("words")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"warning: {tmp_path / LOG} cannot be written, and this run has no log: Too many open files\n"


def test_what_is_logged_is_a_line_each_and_without_the_key(tmp_path: Path) -> None:
    with logging_to(tmp_path, None):
        logging.getLogger("batchgen").info("one\ntwo \x1b[31m")
    (line,) = (tmp_path / LOG).read_text(encoding="utf-8").splitlines()
    assert line.endswith("one\\ntwo \\u001b[31m")


def test_no_line_is_lost_however_a_run_ends(tmp_path: Path) -> None:
    log = logging.getLogger("batchgen")

    def say(speaker: int) -> None:
        for number in range(200):
            log.info("%d says %d", speaker, number)

    def fail() -> None:
        with ThreadPoolExecutor(4) as pool, logging_to(tmp_path, None):
            list(pool.map(say, range(4)))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    said = [line.split(" ")[-3:] for line in (tmp_path / LOG).read_text(encoding="utf-8").splitlines()]
    for speaker in range(4):
        assert [int(number) for who, _, number in said if who == str(speaker)] == list(range(200))


def test_the_log_is_written_while_the_run_goes_on(tmp_path: Path) -> None:
    with logging_to(tmp_path, None):
        (handler,) = (each for each in logging.getLogger("batchgen").handlers if isinstance(each, log_file.LogFile))
        for number in range(3):
            logging.getLogger("batchgen").info("line %d", number)
            handler.flush()
            assert (tmp_path / LOG).read_text(encoding="utf-8").endswith(f"line {number}\n")


def test_a_log_of_which_nothing_is_said_is_not_made(tmp_path: Path) -> None:
    with logging_to(tmp_path, None):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_any_more_does_not_hold_up_the_end(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with logging_to(tmp_path, None):
        (handler,) = (each for each in logging.getLogger("batchgen").handlers if isinstance(each, log_file.LogFile))
        logging.getLogger("batchgen").info("one")
        handler.flush()
        lock = next(tmp_path.glob(".__*.lock")).open("a", encoding="utf-8")
        fcntl.flock(lock, fcntl.LOCK_EX)
        logging.getLogger("batchgen").info("two")
    (writer,) = (thread for thread in threading.enumerate() if thread.name == LOG_WRITER)
    lock.close()
    writer.join(30)
    assert "two" in (tmp_path / LOG).read_text(encoding="utf-8")
