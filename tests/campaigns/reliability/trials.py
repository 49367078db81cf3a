"""One trial: a batch in bad weather with one kind of fault, a last run in fair weather, and the books."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from campaigns.reliability.books import Books, reconcile
from campaigns.reliability.place import Place
from campaigns.reliability.strikes import FAULTS

SCENES = 9
"""Of each batch, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Which one; the same seed draws the same batch and the same strikes, at nearly the same moments."""

    fault: str
    number: int
    seed: int
    scenes: int = SCENES

    @property
    def again(self) -> str:
        """The command that does it again."""
        options = f"--seed {self.seed} --faults {self.fault} --scenes {self.scenes} --only {self.number}"
        return f"python tests/campaigns/reliability {options}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial.

    ``books`` are those after the last run in fair weather, ``settled`` those after the unknown scenes
    were resolved with what the gateway knows. Without objections all is as promised.
    """

    trial: Trial
    runs: int
    strikes: Counter[str]
    seconds: float
    objections: tuple[str, ...]
    books: Books | None = None
    settled: Books | None = None


def trials_of(fault: str, trials: int, seed: int, scenes: int = SCENES) -> list[Trial]:
    """So many trials of a fault; of kills, which are what this is most about, twice as many."""
    return [Trial(fault, number, seed, scenes) for number in range(trials * (1 + (fault == "kill")))]


def play(trial: Trial, folder: Path) -> Outcome:
    """Do one trial in an empty folder."""
    begun = time.monotonic()
    chance = Random(f"{trial.seed}/{trial.fault}/{trial.number}")  # noqa: S311 - a game and no secret
    place = Place(folder, chance, trial.scenes)
    books = settled = None
    try:
        place.open_gateway()
        FAULTS[trial.fault](place)
        place.kill_gateway()
        place.open_gateway(fair=True)
        books = _run_and_reconcile(place)
        settled = _settle(place, books)
        if settled.unknown:
            place.objections.append(f"unknown although it was resolved: {settled.unknown}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told with the trial's number
        place.objections.append(f"the trial broke off: {type(error).__name__}: {error}")
    finally:
        place.close()
    told = [text for some in (books, settled) if some for text in some.objections]
    objections = (*place.objections, *told)
    return Outcome(trial, place.runs, place.strikes, time.monotonic() - begun, objections, books, settled)


def _run_and_reconcile(place: Place) -> Books:
    with place.run() as run:
        place.ended(run)
    return reconcile(place.film, place.gateway, place.state)


def _settle(place: Place, books: Books) -> Books:
    """Say of each unknown scene what the gateway knows of it, as its user would, and run once more."""
    if not books.unknown:
        return books
    named = {row["task_id"] for row in place.film.ledger()}
    for scene_id in books.unknown:
        tasks = place.gateway_tasks_for(place.film.scenes[scene_id]["prompt"])
        unnamed = [task for task in tasks if task not in named]
        answer = f"--task-id={unnamed[0]}" if unnamed else "--not-created"
        place.film.do("resolve", place.film.run_dir, scene_id, answer)
    return _run_and_reconcile(place)


def play_all(trials: list[Trial], jobs: int) -> Iterator[Outcome]:
    """Do many trials, so many at once; the folder of one that is objected to is kept."""
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(_play_apart, trials)


def _play_apart(trial: Trial) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix=f"trial-{trial.fault}-{trial.number}-"))
    outcome = play(trial, folder)
    if outcome.objections:
        print(f"kept: {folder}", flush=True)
    else:
        with suppress(OSError):
            shutil.rmtree(folder)
    return outcome
