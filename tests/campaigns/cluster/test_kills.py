"""Working processes of a cluster are killed at random moments, again and again: that costs time, and nothing else."""

import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from campaigns.cluster.results import whole
from helpers.clusters import Cluster, cluster, may_hide, worker
from helpers.runs import KEY, Batch, Gateway, batch

pytest.importorskip("distributed")
KILLS = 25
"""In each of the two ways in which results come."""
SCENES = 30


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("sees", [True, False], ids=["one disk", "no disk shared"])
def test_killed_processes_cost_time_alone(tmp_path: Path, gateway: Gateway, *, sees: bool) -> None:
    if not sees and not may_hide():
        pytest.skip("a process cannot have folders of its own here")
    films, chance, killed = tmp_path / "films", random.Random(17), 0  # noqa: S311 - drawn alike each time
    films.mkdir()
    with ExitStack() as stack:
        made = stack.enter_context(cluster(tmp_path / "cluster", 0))
        for _ in range(2):
            stack.enter_context(worker(made, hidden=None if sees else films))
        while killed < KILLS:
            (films / str(killed)).mkdir()
            film, here = batch(films / str(killed), gateway.from_now(), SCENES), gateway.from_now()
            killed += _struck(film, made, chance, KILLS - killed)
            whole(film, SCENES)
            film.witness(here, SCENES)
            assert KEY not in made.texts()
    print(f"{killed} kills")


def _struck(film: Batch, made: Cluster, chance: random.Random, most: int) -> int:
    """Run a batch to its good end, and kill whatever works meanwhile; how often that was done."""
    done = 0
    with film.started("--executor", made.executor, "--max-in-flight=6") as run:
        while run.poll() is None:
            time.sleep(chance.uniform(0.05, 0.8))
            working = made.working()
            if working and done < most and film.happened("completed"):
                made.kill(chance.choice(working))
                done += 1
        assert run.returncode == 0, run.stderr.read()
    return done
