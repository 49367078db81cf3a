"""A folder for a client: what is in it and what is nowhere in it, and whose files it takes the place of."""

import csv
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from batchgen.app import storyboard
from batchgen.app.exporting import write_export
from batchgen.app.picking import pick
from batchgen.app.run_directory import RunDirectory
from batchgen.engine import events as ev
from batchgen.errors import UsageError
from batchgen.model import TaskResult

from helpers import boards
from helpers.films import fingerprints
from helpers.support import in_process

ESTIMATE, COST, BUDGET, SEED = Decimal("0.8461"), Decimal("0.7352"), "97.31", 918_273
CODE, SAID = "001028095", f"cannot be paid from {BUDGET} USD"


def dear(events: Iterable[ev.Event]) -> list[ev.Event]:
    """The same events with amounts that stand in no style and no script."""
    return [_dear(event) for event in events]


def _dear(event: ev.Event) -> ev.Event:
    if isinstance(event, ev.Submitting):
        return replace(event, estimated_cost_usd=ESTIMATE)
    if isinstance(event, ev.Completed):
        return replace(event, result=TaskResult("https://cdn.example/v.mp4", "job-77", COST, Decimal("0.9173")))
    return event


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with two takes, an edited scene, a failure, what is held back, and a result from elsewhere."""
    board = boards.Board(tmp_path_factory.mktemp("dear") / "garden", budget=BUDGET)
    board.reference("hero.png")
    folder = str(board.folder)

    def scene(name: str, prompt: str, **how: object) -> ev.SceneFacts:
        made = boards.scene(name, prompt, seed=SEED, references=(f"{folder}/hero.png",), **how)
        return replace(made, estimated_cost_usd=ESTIMATE)

    for number in (1, 2):
        take = scene(f"s01-t{number}", f"waves {number}", shot="s01", take=number, title="Gate")
        board.add(take, *dear(board.kept(take)))
    edited, failed, held, reused = (scene(f"s0{number}", f"runs {number}") for number in (2, 3, 4, 5))
    before = boards.asked("was asked before", seed=SEED)
    board.add(edited, *dear([*board.kept(edited, request=before), *board.kept(edited, attempt=2)]))
    board.add(failed, *dear(boards.failed(failed, CODE, SAID)))
    board.add(held, ev.HeldBack(boards.SENT, "s04", "budget", SAID))
    path = boards.write_film(board.folder / "results" / "s05@1.mp4").relative_to(board.folder).as_posix()
    board.add(reused, ev.Reused(boards.SENT, "s05", 1, reused.request, f"{folder}/old:x@3", path, "ab" * 32))
    board.write()
    return board.folder


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def amounts(run_dir: Path) -> set[bytes]:
    """Every amount that a report or a total of the run has."""
    totals = RunDirectory(run_dir).totals()
    found = {BUDGET, f"{totals.charged.usd:f}", f"{totals.exposure.usd:f}"}
    for name in ("report.csv", "ledger.csv"):
        with (run_dir / name).open(encoding="utf-8", newline="") as file:
            cells = [row[column] for row in csv.DictReader(file) for column in ("cost_usd", "estimated_cost_usd")]
        found |= {cell for cell in cells if Decimal(cell or 0)}
    return {text.encode() for text in found if Decimal(text)}


def test_no_amount_of_the_run_and_nothing_private_is_anywhere_in_it(whole: Path, tmp_path: Path) -> None:
    write_export(whole, "html", tmp_path / "client", costs=False)
    private = [CODE, "task-s0", str(whole), whole.parent.name, str(SEED), "job-77", "0.9173", "was asked before"]
    secrets = amounts(whole) | {text.encode() for text in private}
    assert len(amounts(whole)) >= 5
    contents = [(tmp_path / "client" / name).read_bytes() for name in files(tmp_path / "client")]
    assert {secret for secret in secrets for content in contents if secret in content} == set()
    page = (tmp_path / "client" / "index.html").read_text(encoding="utf-8")
    assert [word for word in ("USD", "dearest", ">charged<", ">budget<", "data-cost") if word in page] == []
    assert page.count("hero") >= 5, "references keep their names"


def test_with_costs_it_is_as_the_report_is(whole: Path, tmp_path: Path) -> None:
    write_export(whole, "html", tmp_path / "client")
    page = (tmp_path / "client" / "index.html").read_bytes()
    assert {amount for amount in amounts(whole) if amount not in page} == set()
    assert CODE.encode() in page


@pytest.mark.parametrize("costs", [True, False])
def test_it_holds_the_videos_that_stand_for_shots_and_pictures_of_all(
    whole: Path, tmp_path: Path, *, costs: bool
) -> None:
    before = fingerprints(whole)
    write_export(whole, "html", tmp_path / "client", costs=costs)
    assert fingerprints(whole) == before
    sent = ["results/s01-t1@1.mp4", "results/s02@2.mp4", "results/s05@1.mp4"]
    assert files(tmp_path / "client") == ["index.html", *sent]
    for name in sent:
        copy = tmp_path / "client" / name
        assert copy.read_bytes() == (whole / name).read_bytes()
        assert (copy.stat().st_nlink, copy.samefile(whole / name)) == (1, False)
    page = (tmp_path / "client" / "index.html").read_text(encoding="utf-8")
    assert page.count("Pictures only") == 1
    assert page.count("data:image/") > 6
    assert "results/s01-t2" not in page


def test_pictures_that_are_missing_are_made_for_it_alone(whole: Path, tmp_path: Path) -> None:
    for path in (whole / "posters").iterdir():
        path.rename(tmp_path / path.name)
    write_export(whole, "html", tmp_path / "client")
    assert not list((whole / "posters").iterdir())
    for path in tmp_path.glob("*.webp"):
        path.rename(whole / "posters" / path.name)
    assert "data:image/" in (tmp_path / "client" / "index.html").read_text(encoding="utf-8")


def test_pictures_that_the_page_does_not_hold_lie_beside_it(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storyboard, "_MOST_BYTES", 22_000)
    for _ in range(2):
        write_export(whole, "html", tmp_path / "client")
        page = (tmp_path / "client" / "index.html").read_text(encoding="utf-8")
        beside = {part.partition('"')[0] for part in page.split('"posters/')[1:]}
        assert beside
        assert {path.name for path in (tmp_path / "client" / "posters").iterdir()} == beside


def test_an_earlier_export_is_replaced_and_what_else_lies_there_stays(tmp_path: Path) -> None:
    run_dir = boards.every_status(tmp_path / "garden").parent
    out = tmp_path / "client"
    out.mkdir()
    write_export(run_dir, "html", out)
    (out / "read me.txt").touch()
    (out / "results" / "mine.mp4").touch()
    pick(run_dir, ["s01-t2"])
    write_export(run_dir, "html", out)
    expected = ["index.html", "read me.txt", "results/mine.mp4", "results/s01-t2@1.mp4", "results/s02@2.mp4"]
    assert files(out) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["client", "garden"]


def _occupied(folder: Path, run_dir: Path) -> dict[str, tuple[Path, str]]:
    (folder / "file").touch()
    for name in ("site", "linked"):
        (folder / name).mkdir()
        (folder / name / "index.html").write_text("<!doctype html><p>mine", encoding="utf-8")
    write_export(run_dir, "html", folder / "export")
    (folder / "export" / "posters").symlink_to(run_dir / "posters")
    something = "holds something else than an earlier export; name a new or an empty folder"
    return {
        "file": (folder / "file", "is a file, and html is a folder"),
        "page": (folder / "page.html", r"name it without \.html"),
        "site": (folder / "site", something),
        "links out of it": (folder / "export", something),
        "run directory": (run_dir, something),
        "rehearsal": (run_dir / "emulator", "where batchgen keeps what a run leaves"),
        "too long": (folder / ("x" * 300), "cannot be used: File name too long"),
        "nowhere": (folder / "no" / "where", "there is no folder"),
    }


def test_what_somebody_else_put_there_is_never_replaced(whole: Path, tmp_path: Path) -> None:
    refused = _occupied(tmp_path, whole)
    before = fingerprints(tmp_path), fingerprints(whole)
    for out, said in refused.values():
        with pytest.raises(UsageError, match=said):
            write_export(whole, "html", out)
    assert (fingerprints(tmp_path), fingerprints(whole)) == before


def test_a_rehearsal_says_so_without_a_word_of_money(tmp_path: Path) -> None:
    run_dir = boards.every_status(tmp_path / "garden").parent
    (run_dir / "emulator").mkdir()
    ended = in_process("export", str(run_dir), "--format", "html", "--no-costs", "--out", str(tmp_path / "client"))
    assert (ended.code, ended.out) == (0, "")
    page = (tmp_path / "client" / "index.html").read_text(encoding="utf-8")
    assert "A rehearsal: the videos are drawn by an emulator." in page
    assert "storyboard (rehearsal)</title>" in page
    assert "charged" not in page
