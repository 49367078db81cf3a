"""What is different in a manifest since the journal told of it last, and the scenes that follow from that. Pure.

A manifest of 10,000 scenes takes ten megabytes of the journal. Of one that was edited only the difference is
written down, and of one whose estimates have changed, since prices were learned, the estimates alone.
"""

from collections.abc import Sequence
from dataclasses import replace

from batchgen.engine.attempts import IllegalTransition
from batchgen.engine.events import ManifestChanged, ManifestRead, SceneFacts


def news_of(
    before: Sequence[SceneFacts], at: str, name: str, model: str, scenes: Sequence[SceneFacts]
) -> ManifestRead | ManifestChanged:
    """The event that makes ``scenes`` of those that were known before; all of them where none of those stays."""
    was, now = ({scene.scene_id: scene for scene in listed} for listed in (before, scenes))
    changed = [scene for scene in scenes if was.get(scene.scene_id) != scene]
    repriced = {scene.scene_id: scene.estimated_cost_usd for scene in changed if _is_repriced(was, scene)}
    told = tuple(scene for scene in changed if scene.scene_id not in repriced)
    if len(told) == len(scenes) or len(was) < len(before):
        return ManifestRead(at, name, model, tuple(scenes))
    removed = tuple(scene_id for scene_id in was if scene_id not in now)
    by_itself = [scene_id for scene_id in {**was, **now} if scene_id in now]
    order = () if by_itself == list(now) else tuple(now)
    return ManifestChanged(at, name, model, told, repriced, removed, order)


def _is_repriced(was: dict[str, SceneFacts], scene: SceneFacts) -> bool:
    """Whether the estimate is all that is different."""
    old = was.get(scene.scene_id)
    return old is not None and replace(old, estimated_cost_usd=scene.estimated_cost_usd) == scene


def scenes_after(before: Sequence[SceneFacts], event: ManifestChanged) -> tuple[SceneFacts, ...]:
    """The scenes once a change has been taken in. Raises `IllegalTransition` where it is not one of these scenes."""
    listed = {scene.scene_id: scene for scene in before}
    unknown = [name for name in (*event.removed, *event.estimates) if name not in listed]
    if unknown:
        raise IllegalTransition(f"{unknown[0]}: changes, and is not in the manifest")
    for name, usd in event.estimates.items():
        listed[name] = replace(listed[name], estimated_cost_usd=usd)
    listed |= {scene.scene_id: scene for scene in event.scenes}
    for name in dict.fromkeys(event.removed):
        del listed[name]
    order = event.order or tuple(listed)
    if len(order) != len(listed) or set(order) != listed.keys():
        raise IllegalTransition("the manifest has other scenes than those that are put in order")
    return tuple(listed[name] for name in order)
