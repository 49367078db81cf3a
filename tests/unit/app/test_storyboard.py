"""Writing the storyboard: what is in the page, what beside it, and that nothing hangs on it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from batchgen.app import storyboard
from batchgen.app.reporting import write_reports
from batchgen.files import write_atomically

from helpers import boards


def test_pictures_that_are_missing_are_made_by_report(tmp_path: Path) -> None:
    page = boards.every_status(tmp_path / "garden")
    before = {path.name for path in (tmp_path / "garden" / "posters").iterdir()}
    for path in (tmp_path / "garden" / "posters").iterdir():
        path.unlink()
    write_reports(tmp_path / "garden")
    after = {path.name for path in (tmp_path / "garden" / "posters").iterdir()}
    shown = {name for name in after if "frames" not in name}
    assert len(shown) == 5
    assert shown < before
    assert page.read_text(encoding="utf-8").count('loading="lazy"') == 10


@pytest.mark.parametrize("kind", ["damaged", "gone", "folder"])
def test_a_damaged_picture_is_left_out(tmp_path: Path, kind: str) -> None:
    page = boards.every_status(tmp_path / "garden")
    for path in (tmp_path / "garden" / "posters").iterdir():
        path.write_bytes(b"no picture")
        if kind != "damaged":
            path.unlink()
        if kind == "folder":
            path.mkdir()
    write_reports(tmp_path / "garden")
    assert ("data:image" in page.read_text(encoding="utf-8")) is (kind == "gone")


def test_what_does_not_fit_into_the_page_is_shown_from_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = boards.every_status(tmp_path / "garden")
    monkeypatch.setattr(storyboard, "_MOST_BYTES", 37_000)
    write_reports(tmp_path / "garden")
    text = page.read_text(encoding="utf-8")
    assert text.count('src="data:image/webp') in range(1, 10)
    beside = [part.partition('"')[0] for part in text.split('src="posters/')[1:]]
    assert beside
    assert all((tmp_path / "garden" / "posters" / name).is_file() for name in beside)


def test_a_page_that_cannot_be_written_is_a_warning_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    page = boards.every_status(tmp_path / "garden")
    page.unlink()
    page.mkdir()
    (page / "in the way").touch()
    (tmp_path / "garden" / "report.csv").unlink()
    logging.getLogger("batchgen").propagate = True
    with caplog.at_level(logging.WARNING, "batchgen"):
        write_reports(tmp_path / "garden")
    assert (tmp_path / "garden" / "report.csv").is_file()
    assert "report.html cannot be written, and nothing else is wrong: Is a directory" in caplog.text


def test_a_bug_in_the_page_is_a_warning_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    boards.every_status(tmp_path / "garden")
    monkeypatch.setattr(storyboard, "as_html", None)
    logging.getLogger("batchgen").propagate = True
    with caplog.at_level(logging.WARNING, "batchgen"):
        write_reports(tmp_path / "garden")
    assert "report.html cannot be written, and nothing else is wrong: TypeError" in caplog.text


def test_the_page_of_a_model_that_is_not_known_any_more(tmp_path: Path) -> None:
    board = boards.Board(tmp_path / "garden")
    one = boards.scene("s01", "character1 waves")
    board.add(one, *board.kept(one))
    journal = board.write().with_name("state.jsonl")
    assert "wan26_r2v" in journal.read_text(encoding="utf-8")
    board.model = "gone"
    assert "character1" in board.write().read_text(encoding="utf-8")


def test_a_page_that_breaks_off_leaves_the_one_before(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half a page"
        raise ZeroDivisionError

    page = tmp_path / "report.html"
    page.write_bytes(b"the one before")
    with pytest.raises(ZeroDivisionError):
        write_atomically(page, broken())
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("report.html", b"the one before")]
