"""`--output` in runs within this process, fsspec's memory in place of an object store."""

import json
import logging
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import fsspec
import pytest

import batchgen
from batchgen.app.keywords import file_size
from batchgen.app.output import Output
from batchgen.app.output_places import output_of
from batchgen.app.reporting import write_reports
from batchgen.cli.remedies import message_of
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.engine.states import State
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.journal.journal import Journal
from batchgen.providers.registry import asked_before
from batchgen.schemas import shipped
from batchgen.store.output import OutputFolder
from batchgen.store.output_index import OutputIndex

from helpers.support import write_image

KEY = "sk-0123456789-of-the-test"
_numbers = count()


class Film:
    """A manifest of two scenes, and a place for its results."""

    def __init__(self, folder: Path, address: str, log: Path) -> None:
        self.folder, self._address, self._log = folder, address, log
        self.place = f"memory://app{next(_numbers)}/films"
        self.url = f"{self.place}/film"
        self.run_dir = folder / "runs" / "film"
        self.store: Any = fsspec.filesystem("memory")
        self.scenes: list[dict[str, Any]] = [
            {"id": name, "prompt": f"character1 walks {folder.name} {name}", "seed": 1} for name in ("s1", "s2")
        ]
        write_image(folder / "hero.png")

    def run(self, **options: Any) -> batchgen.RunResult:
        """Run it, for real unless it is a rehearsal."""
        defaults = {"size": "960*960", "duration": 3, "references": ["hero.png"]}
        document = {"version": 1, "name": "film", "defaults": defaults, "scenes": self.scenes}
        (self.folder / "film.yaml").write_text(json.dumps(document))
        where: dict[str, Any] = {} if options.get("emulator") else {"base_url": self._address, "api_key": KEY}
        return batchgen.run(self.folder / "film.yaml", poll_interval=0.01, **where, **options)

    def posts(self) -> int:
        """How many scenes of this film were submitted."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        asked = [entry.get("request") for entry in map(json.loads, lines)]
        return sum(self.folder.name in json.dumps(one) for one in asked if one)

    def there(self) -> set[str]:
        """What lies there, by its name from the folder of the run directory."""
        return {name.partition("films/film/")[2] for name in self.store.find(self.url)}

    def here(self) -> list[str]:
        """The results that are on this disk."""
        return sorted(path.name for path in (self.run_dir / "results").glob("*.mp4"))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    log = tmp_path_factory.mktemp("emulator") / "requests.jsonl"
    with EmbeddedEmulator(Settings(latency=(0.0, 0.0), seed=1, log=log), shipped()) as emulator:
        yield emulator.base_url, log


@pytest.fixture
def film(tmp_path: Path, gateway: tuple[str, Path]) -> Film:
    return Film(tmp_path, *gateway)


LAYOUT = {
    *(f"results/{name}@1.{kind}" for name in ("s1", "s2") for kind in ("mp4", "json")),
    *("videos/s1.mp4", "videos/s2.mp4", "report.csv", "ledger.csv", "report.html", "run_directory.json"),
}


def test_results_lie_there_and_only_what_fits_lies_here(film: Film, caplog: pytest.LogCaptureFixture) -> None:
    result = film.run(output=f"{film.place}/", cache_size="1KB")
    assert (result.exit_code, result.output, film.there()) == (0, film.url, LAYOUT)
    assert [(one.video, one.output_url) for one in result.scenes] == [
        (None, f"{film.url}/videos/{name}.mp4") for name in ("s1", "s2")
    ]
    assert film.here() == []
    assert list((film.run_dir / "videos").iterdir()) == []
    assert [one.status for one in batchgen.RunDirectory(film.run_dir).scenes()] == ["completed", "completed"]
    with pytest.raises(UsageError, match="and memory://other/films is another place") as refused:
        film.run(output="memory://other/films")
    said = message_of(refused.value)
    assert said.endswith(f"or have them there, free, with: --run-dir NEW --reuse {film.run_dir}"), "nothing is bought"
    with pytest.raises(UsageError, match="knows nothing of its results, and buys them again"):
        film.run(output=film.place, run_dir=film.folder / "other")

    # What only lies there is followed, shown and picked; what is gone there is fetched again, and nothing is bought.
    film.scenes += [
        {"id": "f1", "prompt": f"character1 turns {film.folder.name}", "references": [{"scene": "s1"}]},
        {"id": "f2", "prompt": f"character1 sits {film.folder.name}", "references": [{"scene": "s1", "frame": "last"}]},
    ]
    film.store.rm_file(f"{film.url}/results/s2@1.mp4")
    with pytest.raises(RunDirectoryError, match=r"s2@1\.mp4 is not there any more; the next run fetches it"):
        batchgen.write_export(film.run_dir, "mp4", film.folder / "film.mp4")
    with caplog.at_level(logging.WARNING):
        write_reports(film.run_dir)
    assert "the result is gone of s2; the next run fetches it" in caplog.text
    (film.run_dir / "output.json").unlink()
    assert film.run().exit_code == 0
    assert (film.posts(), film.here()) == (4, ["f1@1.mp4", "f2@1.mp4", "s1@1.mp4", "s2@1.mp4"])
    film.scenes.pop(1)
    assert film.run(cache_size=1).exit_code == 0
    (film.run_dir / "output.json").unlink()
    assert {step.action for step in batchgen.plan(film.folder / "film.yaml").steps} == {"done"}
    assert "videos/s2.mp4" not in film.there()
    assert {"results/s2@1.mp4", "videos/f1.mp4"} <= film.there()
    assert film.here() == []
    film.store.pipe_file(f"{film.url}/report.html", b"")
    batchgen.pick(film.run_dir, "f1")
    assert film.store.cat_file(f"{film.url}/report.html").startswith(b"<!doctype html>")
    film.store.pipe_file(f"{film.url}/run_directory.json", b"?")
    with caplog.at_level(logging.WARNING):
        batchgen.pick(film.run_dir, "f2")
    assert "holds the results of another run directory" in caplog.text
    with pytest.raises(RunDirectoryError, match="the reports are written here, and not all went up"):
        write_reports(film.run_dir)
    assert film.posts() == 4


def test_a_result_that_became_another_file_there_is_fetched_again(film: Film) -> None:
    film.run(output=film.place, cache_size=1)
    (before,) = (film.store.cat_file(name) for name in film.store.find(film.url) if name.endswith("results/s1@1.mp4"))
    film.store.pipe_file(f"{film.url}/results/s1@1.mp4", b"something else")
    write_reports(film.run_dir)
    statuses = [(one.status, one.output_url) for one in batchgen.RunDirectory(film.run_dir).scenes()]
    assert statuses == [("running", None), ("completed", f"{film.url}/videos/s2.mp4")]
    assert film.run().exit_code == 0
    assert (film.here(), film.posts()) == (["s1@1.mp4"], 2)
    assert film.store.cat_file(f"{film.url}/results/s1@1.mp4") == before
    assert film.store.cat_file(f"{film.url}/videos/s1.mp4") == before


def test_videos_are_shown_of_results_that_only_lie_there_and_that_nobody_has_compared(film: Film) -> None:
    film.run(output=film.place, cache_size=1)
    film.scenes[0]["id"] = "renamed"
    (film.run_dir / "output.json").unlink()
    result = film.run()
    assert (result.exit_code, film.posts(), film.here()) == (0, 2, [])
    assert result.scenes[0].output_url == f"{film.url}/videos/renamed.mp4"
    assert film.store.cat_file(f"{film.url}/videos/renamed.mp4") == film.store.cat_file(f"{film.url}/results/s1@1.mp4")

    film.store.pipe_file(f"{film.url}/results/s2@1.mp4", b"something else")
    (film.run_dir / "output.json").unlink()
    result = film.run()
    assert (result.exit_code, result.scenes[1].status) == (1, "running")
    assert film.run().exit_code == 0
    assert film.posts() == 2


def test_what_does_not_go_up_stays_and_goes_up_later(film: Film, caplog: pytest.LogCaptureFixture) -> None:
    film.store.pipe_file(f"{film.url}/results", b"where the folder would be")
    warned: list[str] = []
    result = film.run(output=film.place, cache_size=1, on_event=lambda event: warned.append(getattr(event, "text", "")))
    assert (result.exit_code, result.is_complete) == (6, True)
    assert any(text.startswith("2 results are kept here and are not there: memory://") for text in warned)
    assert "is kept here, and did not go up" in caplog.text
    assert film.here() == ["s1@1.mp4", "s2@1.mp4"]
    assert [(one.video, one.output_url) for one in result.scenes] == [
        (film.run_dir / "videos" / f"{name}.mp4", None) for name in ("s1", "s2")
    ]
    film.store.rm_file(f"{film.url}/results")
    with Journal(film.run_dir, asked_before):
        write_reports(film.run_dir)
        assert "results/s1@1.mp4" not in film.there(), "a run that is under way does it itself"
    write_reports(film.run_dir)
    assert (film.there(), film.posts()) == (LAYOUT, 2)


def test_a_damaged_result_does_not_go_up_and_keeps_no_other_one_back(film: Film) -> None:
    film.run()
    damaged = film.run_dir / "results" / "s1@1.mp4"
    damaged.chmod(0o600)
    damaged.write_bytes(b"not a video")
    result = film.run(output=film.place)
    assert result.exit_code == 6
    assert film.there() == LAYOUT - {"results/s1@1.mp4", "videos/s1.mp4"}
    assert film.posts() == 2


def test_who_ends_a_run_does_not_wait_for_earlier_results(film: Film) -> None:
    film.run()
    stop = threading.Event()
    stop.set()
    film.scenes.append({"id": "s3", "prompt": f"character1 waves {film.folder.name}"})
    assert film.run(output=film.place, stop=stop).exit_code == 130
    assert film.there() == {
        "report.csv",
        "ledger.csv",
        "report.html",
        "run_directory.json",
        *(f"results/{name}@1.json" for name in ("s1", "s2")),
    }
    assert film.run(scenes="s[12]").exit_code == 0
    assert film.there() == LAYOUT


def test_reports_of_somebody_else_are_put_aside_before_the_place_is_taken(film: Film) -> None:
    state = film.run().state
    film.store.pipe_file(f"{film.url}/report.csv", b"mine")
    directory = batchgen.RunDirectory(film.run_dir)
    cut_off, later = (Output(directory, state, OutputFolder(OutputIndex(film.url))) for _ in range(2))
    for output in (cut_off, later):
        output.look()
        output.claim()
    later.write_reports()
    assert [film.store.cat_file(name) for name in film.store.find(film.url) if ".found-" in name] == [b"mine"]
    assert film.store.cat_file(f"{film.url}/report.csv") == (film.run_dir / "report.csv").read_bytes()


def test_of_two_run_directories_that_begin_at_once_one_has_the_place(film: Film) -> None:
    states = [film.run(run_dir=film.folder / name).state for name in ("one", "other")]
    outputs = [
        Output(batchgen.RunDirectory(film.folder / name), state, OutputFolder(OutputIndex(film.url)))
        for name, state in zip(("one", "other"), states, strict=True)
    ]
    for output in outputs:
        output.look()
    outputs[0].claim()
    with pytest.raises(UsageError, match="holds the results of another run directory"):
        outputs[1].claim()
    outputs[0].look()


def test_a_run_directory_without_results_may_have_another_place(film: Film) -> None:
    directory = batchgen.RunDirectory(film.folder)
    state = State(output="memory://taken/films")
    found = output_of(directory, state, film.place, None, name="film", rehearsal=False)
    assert found is not None
    assert found.url == film.url


class HangingFolder(OutputFolder):
    """One in a store that gives no answer to anything that is written."""

    asked = threading.Event()
    answers = threading.Event()

    def bring_up(self, name: str, path: Path, sha256: str) -> None:
        self.asked.set()
        self.answers.wait(10)
        super().bring_up(name, path, sha256)

    def write(self, name: str, content: bytes) -> None:
        self.answers.wait(10)
        super().write(name, content)


def test_who_ends_a_run_does_not_wait_for_a_store_that_gives_no_answer(film: Film, caplog: Any) -> None:
    state = film.run().state
    folder = HangingFolder(OutputIndex(film.url))
    output = Output(batchgen.RunDirectory(film.run_dir), state, folder, ends_within_s=0.05)
    output.bring_up(folder.asked.is_set)
    assert output.trouble == "2 results are kept here and are not there: it was interrupted"
    assert f"what goes up to {film.url} is waited for" in caplog.text
    output.write_reports()
    assert film.there() == set()
    folder.answers.set()


@pytest.mark.parametrize(("rehearsal", "name"), [(True, "film-rehearsal"), (False, "film")])
def test_a_rehearsal_has_a_place_of_its_own(tmp_path: Path, *, rehearsal: bool, name: str) -> None:
    directory = batchgen.RunDirectory(tmp_path)
    found = output_of(directory, State(), "memory://rehearsed/films", None, name="film", rehearsal=rehearsal)
    assert found is not None
    assert found.url == f"memory://rehearsed/films/{name}"


def test_nothing_is_bought_for_a_place_of_no_use(film: Film) -> None:
    for url, why in {"https://example.com/films": "to no other address", "memory://": "a bucket alone"}.items():
        with pytest.raises(UsageError, match=why):
            film.run(output=url)
    with pytest.raises(UsageError, match="that needs an output, and results of"):
        film.run(cache_size="1GB")
    with pytest.raises(RunDirectoryError, match=r"install batchgen\[azure\]"):
        film.run(output="abfs://box/films")
    film.store.pipe_file(film.url, b"where the folder would be")
    with pytest.raises(RunDirectoryError, match="cannot be used"):
        film.run(output=film.place)
    assert film.posts() == 0
    assert batchgen.RunDirectory(film.run_dir).output == "", "no run has begun there"


@pytest.mark.parametrize(
    ("said", "size"),
    [("500MB", 500_000_000), ("20 gb", 2 * 10**10), ("1.5GiB", 3 * 2**29), ("7", 7), ("1KB", 1000), (12, 12)],
)
def test_a_size_as_people_write_it(said: str | int, size: int) -> None:
    assert file_size(said) == size


@pytest.mark.parametrize(
    "said", ["", "GB", "-1GB", "1,5GB", "0", "20 GBit", "nan", "1e9", 0, -1, True, 1.5, None, "9" * 18 + "TB"]
)
def test_what_is_not_a_size(said: object) -> None:
    with pytest.raises(UsageError, match="is not a size: write it as 500MB or 20GB"):
        file_size(said)
