"""What is told of a run while it goes on."""

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import count
from random import Random

import pytest

from batchgen.app.notices import Advanced, Notice, Standing
from batchgen.app.watching import Watch
from batchgen.cli.progress import Progress
from batchgen.engine.attempts import AttemptState as S
from batchgen.engine.budget import charged, exposure
from batchgen.engine.commands import Command, CommandResult, Fetch, FetchResult, Poll, PollResult, Submit, SubmitResult
from batchgen.engine.events import Completed, Downloaded, Event, Reused, RunStarted, SceneFacts, Submitted, Submitting
from batchgen.engine.outcome_events import kind_of
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Scheduler, Settings
from batchgen.engine.states import State
from batchgen.engine.steerable import Steerable
from batchgen.engine.steering import Change
from batchgen.engine.steps import Choice
from batchgen.model import TaskResult
from batchgen.runner.clock import RealClock

from helpers.engine_support import (
    BUSY,
    CREATED,
    DONE,
    ENDED,
    HICCUP,
    PRICE,
    REFUSED,
    RUNNING,
    UNCERTAIN,
    URL,
    clock,
    scene,
)


class _Clock(RealClock):
    def now(self) -> float:
        """A minute later each time."""
        return next(_MINUTES) * 60.0


_MINUTES = count()


class _Journal:
    def append(self, events: Iterable[Event]) -> None:
        """Keep nothing."""


def _listed() -> list[SceneFacts]:
    """Scenes of their own, twins, takes of which any seed will do, and takes without a seed."""
    own = [scene(f"s{number}", request=f"r{number}") for number in range(8)]
    twins = [scene(f"twin{number}", request="r1") for number in range(3)]
    seeds = [replace(scene(f"seed{number}", request=f"q{number}"), any_seed="q") for number in range(4)]
    lone = [scene(f"lone{number}", request="random") for number in range(4)]
    return [*own, *twins, *seeds, *(replace(each, any_seed=each.request.sha256) for each in lone)]


def _counted(state: State, scenes: list[SceneFacts]) -> Standing:
    found = (state.current_attempt(each) for each in scenes)
    states = Counter(attempt.state for attempt in found if attempt is not None)
    over = states[S.DELIVERED] + states[S.FAILED] + states[S.MISMATCHED] + states[S.DOWNLOAD_FAILED]
    return Standing(
        len(scenes),
        over + states[S.UNKNOWN],
        states[S.RUNNING],
        states[S.FAILED] + states[S.MISMATCHED],
        states[S.UNKNOWN],
        charged(state.all_attempts()).usd,
        exposure(state.all_attempts()).usd,
    )


def _answered(command: Command, random: Random, number: int) -> CommandResult:
    if isinstance(command, Submit):
        said = random.choice([CREATED, CREATED, CREATED, BUSY, REFUSED, UNCERTAIN])
        return SubmitResult(command, said, f"t{number}" if said is CREATED else None)
    if isinstance(command, Poll):
        said = random.choice([RUNNING, HICCUP, DONE, DONE, ENDED])
        return PollResult(command, said, TaskResult(URL, cost_usd=PRICE) if said is DONE else TaskResult())
    assert isinstance(command, Fetch)
    return random.choice([
        FetchResult(command, path="a.mp4", sha256="ab" * 32),
        FetchResult(command, path="a.mp4", sha256="ab" * 32, mismatch="too short"),
        FetchResult(command, failure="it broke"),
    ])  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_what_is_counted_along_is_what_a_count_of_all_finds(seed: int) -> None:
    random, now, state, listed = Random(seed), 0.0, State(), _listed()  # noqa: S311 - a game
    state.apply(RunStarted(clock(0), "1"))
    scheduler = Scheduler(state, plan(listed, state, Choice()), Settings(attempts=2), random.random, lambda: "q1")
    watch = Watch(scheduler, listed, RealClock(), _Journal(), lambda _: None)
    under_way: list[Command] = []
    number = 0
    while not scheduler.is_finished() and number < 2_000:
        events, commands = scheduler.begin(now, clock(now))
        under_way += commands
        while under_way and random.random() < 0.5:
            number += 1
            ended = _answered(under_way.pop(random.randrange(len(under_way))), random, number)
            events += scheduler.end(ended, now, clock(now))
        watch.append(events)
        if random.random() < 0.5:
            assert watch.standing() == _counted(state, listed)
        if not under_way:
            now = max(now, scheduler.wakes_at() or now)
    assert watch.standing() == _counted(state, listed)
    assert number > len(listed)


def test_scenes_that_were_over_before_are_counted_and_not_waited_for() -> None:
    state, now = State(), clock(0)
    before, at_work = scene("s1", request="r1"), scene("s2", request="r2")
    for event in (
        RunStarted(now, "1"),
        Submitting(now, "s1", 1, before.request, PRICE),
        Submitted(now, "s1", 1, "t1"),
        Completed(now, "s1", 1, TaskResult(URL, cost_usd=PRICE)),
        Downloaded(now, "s1", 1, "results/s1@1.mp4", "ab" * 32, None),
    ):
        state.apply(event)
    steps = plan([before, at_work], state, Choice())
    scheduler = Scheduler(state, steps, Settings(), lambda: 0.5, lambda: "q1")
    watch = Watch(scheduler, [at_work], RealClock(), _Journal(), lambda _: None, [before])
    assert (watch.standing().over, watch.standing().scenes) == (1, 2)
    assert watch.forecast().done == 0


def test_a_scene_that_is_bought_again_is_work_though_it_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("WT_SESSION", "a terminal that shows progress")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    shown = {}
    for again, scenes in ((True, [scene("s1")]), (False, [])):
        state = State()
        state.apply(RunStarted(clock(0), "1"))
        state.apply(Reused(clock(0), "s1", 1, scene("s1").request, "other:s1@1", "results/s1@1.mp4", "ab" * 32, None))
        scheduler = Scheduler(state, plan([scene("s1")], state, Choice()), Settings(), lambda: 0.5, lambda: "q1")
        before = [] if again else [scene("s1")]
        watch = Watch(scheduler, scenes, _Clock(), _Journal(), lambda _: None, before)
        with Progress(wanted=True) as progress:
            progress.notify(Advanced(watch))
            progress.notify(Advanced(watch))
        shown[again] = "\x1b]9;4;" in capsys.readouterr().err
    assert shown == {True: True, False: False}


def test_while_a_run_is_paused_nobody_knows_how_long_it_takes() -> None:
    state, listed = State(), [scene("s1", request="r1"), scene("s2", request="r2")]
    state.apply(RunStarted(clock(0), "1"))
    lengths = {kind_of(listed[0].request): [(58.0, 60.0)]}
    scheduler = Scheduler(
        state, plan(listed, state, Choice()), Settings(earlier_lengths=lengths), lambda: 0.5, lambda: "q1"
    )
    watch = Watch(scheduler, listed, RealClock(), _Journal(), lambda _: None)
    assert watch.forecast().left_s
    scheduler.steer([Change(Steerable.PAUSED, Decimal(1))], 0, clock(0))
    assert watch.forecast().left_s is None
    assert watch.waits_for() == "paused"


def test_a_notice_can_be_asked_where_the_scenes_stand() -> None:
    state, listed, told = State(), _listed(), list[Notice]()
    watch = Watch(
        Scheduler(state, plan(listed, state, Choice()), Settings(), lambda: 0.5, lambda: "q1"),
        listed,
        RealClock(),
        _Journal(),
        told.append,
    )
    watch.turn()
    (notice,) = told
    assert isinstance(notice, Advanced)
    assert notice.view.standing() == _counted(state, listed)
