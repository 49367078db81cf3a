"""Makes the scenes of a batch whole, as far as the results that they are built on are there. Nothing is written."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from batchgen.app.sources import SceneMaker, UnusableSource
from batchgen.engine.estimate import scene_facts
from batchgen.engine.events import RequestMade, SceneFacts
from batchgen.engine.planner import ahead_of
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.engine.steps import Choice, Step
from batchgen.engine.waiting import Waiting, in_order
from batchgen.model import Manifest, Scene

StepsOf: TypeAlias = Callable[[tuple[SceneFacts, ...]], Sequence[Step]]
"""Plans scenes, as far as they are whole."""
_log = logging.getLogger("batchgen")


def whole_scenes(  # noqa: PLR0913, PLR0917 - what a plan is made of
    manifest: Manifest, maker: SceneMaker, state: State, prices: Prices, choice: Choice, steps_of: StepsOf
) -> tuple[Scene, ...]:
    """The scenes of a manifest; those whose sources are all there have their requests.

    What stands for a shot may hang on what is to come of its other takes, and what is linked in from elsewhere on
    requests that are known only here: so it is planned until nothing new comes of it.
    """
    scenes = manifest.scenes
    found: dict[str, Scene] = {}
    while any(scene.results and scene.id not in found for scene in scenes):
        facts = scene_facts(replace(manifest, scenes=scenes), prices)
        ahead = ahead_of(state, facts)
        waiting = Waiting(ahead, choice, [step for step in steps_of(facts) if not step.removed])
        made = _made(facts, ahead, waiting, maker)
        if not made:
            break
        found |= made
        scenes = tuple(found.get(scene.id, scene) for scene in scenes)
    return scenes


def _made(facts: Sequence[SceneFacts], ahead: State, waiting: Waiting, maker: SceneMaker) -> dict[str, Scene]:
    """The scenes that can be made whole now, each behind its sources, so that whole chains are made at once."""
    made: dict[str, Scene] = {}
    for scene in in_order(facts, ahead):
        files = None if scene.has_request else waiting.files_of(scene)
        if files is None:
            continue
        try:
            whole = maker.made(scene.scene_id, files, ahead.frames)
        except UnusableSource as error:
            _log.info("scene %s: waits, since %s", scene.scene_id, error)
            continue
        made[scene.scene_id] = whole
        ahead.apply(RequestMade("", whole.id, whole.facts(), whole.any_seed, whole.built_on))
    return made
