"""Drawn graphs of scenes, run again and again with edits, picks and failures: a run does what its plan has said."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from batchgen.engine import events as ev
from batchgen.engine.events import SceneFacts
from batchgen.engine.steps import Choice

from helpers.engine_support import ENDED, UNCERTAIN, WRONG
from helpers.linked_play import Play, shot, takes

HISTORIES = 150
MOMENTS = ("", "#last", "#first", "#2.5")


def graph(draw: Random) -> list[SceneFacts]:
    """Shots that are built on those drawn before them, in any order of the manifest."""
    shots: list[list[SceneFacts]] = []
    for number in range(draw.randint(2, 7)):
        earlier = [f"n{other}{draw.choice(MOMENTS)}" for other in range(number) if draw.random() < 0.4]
        review = draw.random() < 0.1
        if draw.random() < 0.3:
            shots.append(takes(f"n{number}", draw.randint(2, 3), *earlier[:3], review=review))
        else:
            shots.append([shot(f"n{number}", *earlier[:3], review=review)])
    draw.shuffle(shots)
    return [scene for listed in shots for scene in listed]


def edited(listed: Sequence[SceneFacts], draw: Random) -> list[SceneFacts]:
    """One shot asks for something else, or for what it asked for before."""
    name, version = draw.choice(listed).shot, draw.choice(("", " b", " c"))
    return [
        replace(one, request=shot(one.scene_id, version=version).request) if one.shot == name else one
        for one in listed
    ]  # fmt: skip


def pick(play: Play, draw: Random) -> None:
    of = draw.choice(play.state.scenes)
    brought = [attempt for attempt in play.state.attempts.get(of.scene_id, ()) if attempt.has_file]
    if draw.random() < 0.3:
        play.state.apply(ev.PicksCleared("t", of.shot))
        return
    play.state.apply(ev.Picked("t", of.scene_id, None, None))
    if brought and draw.random() < 0.5:
        play.state.apply(ev.Picked("t", of.scene_id, of.scene_id, draw.choice(brought).number))


def settle(play: Play, draw: Random, share: float) -> None:
    for attempt in [one for one in play.state.all_attempts() if one.is_unknown and draw.random() < share]:
        task = draw.choice((None, f"by-hand-{len(play.events)}-{attempt.name}"))
        play.state.apply(ev.Resolved("t", attempt.scene_id, attempt.number, task))


def choice(listed: Sequence[SceneFacts], draw: Random) -> Choice:
    again, globs = ((draw.choice(listed).scene_id,) if draw.random() < share else () for share in (0.15, 0.1))
    return Choice(globs, retry_failed=draw.random() < 0.2, again=again)


def one_more_run(play: Play, draw: Random) -> None:
    if draw.random() < 0.4:
        play.listed = edited(play.listed, draw)
    if play.state.scenes and draw.random() < 0.3:
        pick(play, draw)
    settle(play, draw, 0.5)
    wrong = {one.scene_id: draw.choice((WRONG, ENDED, UNCERTAIN)) for one in play.listed if draw.random() < 0.1}
    wanted = choice(play.listed, draw)
    planned = sorted(step.scene.scene_id for step in play.planned(wanted)[1] if step.buys)
    play.run(wrong, wanted)
    if not wrong:
        assert sorted(play.told) == planned
    assert set(play.told) <= set(planned)
    assert len(play.told) == len(set(play.told)), "each at most once a run"


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_a_run_buys_what_its_plan_has_said_and_everything_comes_in_the_end(seed: int) -> None:
    draw = Random(seed)  # noqa: S311 - a game
    play = Play(graph(draw))
    for _ in range(draw.randint(1, 6)):
        one_more_run(play, draw)
    for gate in {one.shot: one for one in play.listed if one.review}.values():
        play.state.apply(ev.Picked("t", gate.scene_id, None, None))
    for _ in range(3):
        settle(play, draw, 1)
        play.run(choice=Choice(retry_failed=True))
    assert play.run().told == []
    assert set(play.steps().values()) <= {"done", "reuse"}
