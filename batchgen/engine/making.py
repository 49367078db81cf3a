"""Scenes that are built on results get their requests, as far as these results are there. Pure, but for ``make``."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from batchgen.engine.commands import SourceFile
from batchgen.engine.events import RequestMade, SceneFacts
from batchgen.engine.planner import ahead_of
from batchgen.engine.states import State
from batchgen.engine.steps import Choice, Step
from batchgen.engine.waiting import Waiting, in_order

StepsOf: TypeAlias = Callable[[tuple[SceneFacts, ...]], Sequence[Step]]
"""Plans scenes, as far as they have requests."""
Make: TypeAlias = Callable[[SceneFacts, tuple[SourceFile, ...], State], RequestMade | None]
"""Makes the request of a scene from what it is built on; None where that cannot be."""


def made_whole(
    scenes: tuple[SceneFacts, ...], state: State, choice: Choice, steps_of: StepsOf, make: Make
) -> tuple[SceneFacts, ...]:
    """The scenes, with the requests of all those whose sources are there.

    What stands for a shot may hang on what is to come of its other takes, and what is linked in from elsewhere on
    requests that are known only here: so it is planned until nothing new comes of it.
    """
    while any(not scene.has_request for scene in scenes):
        ahead = ahead_of(state, scenes)
        waiting = Waiting(ahead, choice, [step for step in steps_of(scenes) if not step.removed])
        made = {event.scene_id: event for event in _made(scenes, ahead, waiting, make)}
        if not made:
            break
        scenes = tuple(_whole(scene, made.get(scene.scene_id)) for scene in scenes)
    return scenes


def _made(scenes: Sequence[SceneFacts], ahead: State, waiting: Waiting, make: Make) -> list[RequestMade]:
    """The requests that can be made now, each behind its sources, so that whole chains are made at once."""
    events: list[RequestMade] = []
    for scene in in_order(scenes, ahead):
        files = None if scene.has_request else waiting.files_of(scene)
        event = None if files is None else make(scene, files, ahead)
        if event is not None:
            ahead.apply(event)
            events.append(event)
    return events


def _whole(scene: SceneFacts, made: RequestMade | None) -> SceneFacts:
    if made is None:
        return scene
    return replace(scene, request=made.request, any_seed=made.any_seed, built_on=made.built_on)
