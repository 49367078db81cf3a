"""The log of a run."""

import errno
import logging
from pathlib import Path

import pytest

from batchgen.cli import log_file
from batchgen.cli.logs import logging_to
from batchgen.layout import LOG


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
