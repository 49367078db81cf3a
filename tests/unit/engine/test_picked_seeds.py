"""The seed of a picked take, for the scene that its shot is in another profile."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from batchgen.engine import events as ev
from batchgen.engine.estimate import scene_facts
from batchgen.engine.picked_seeds import takes_without_seed, unknown_seeds, with_picked_seeds
from batchgen.engine.prices import Prices
from batchgen.engine.states import State
from batchgen.manifest.load import load_manifest
from batchgen.providers.registry import request_form
from batchgen.scenes import Manifest
from batchgen.schemas import shipped

from helpers.attempts import replay
from helpers.takes import bought

TEXT = """\
version: 1
name: film
profiles:
  draft: {size: 1280*720, takes: 3}
  final: {size: 1920*1080}
scenes:
  - {id: s01, prompt: character1 walks, references: [https://example.com/hero.png], SEED}
  - {id: s02, prompt: character1 waits, references: [https://example.com/hero.png], takes: 1}
"""
WRITTEN = "seed: 100"


def manifest(folder: Path, profile: str | None, seed: str = "duration: 5", text: str = TEXT) -> Manifest:
    path = folder / "manifest.yaml"
    path.write_text(text.replace("SEED", seed))
    loaded = load_manifest(path, shipped(), request_form, profile=profile)
    assert loaded.manifest is not None, loaded.problems
    return loaded.manifest


def run_of(made: Manifest, *names: str) -> list[ev.Event]:
    """A run that bought all of it, or what is named."""
    scenes = scene_facts(made, Prices())
    return [
        ev.ManifestRead("t", "film", "m", scenes),
        *(event for scene in scenes if not names or scene.scene_id in names for event in bought(scene)),
    ]


def pick(scene_id: str, attempt: int | None = None) -> list[ev.Event]:
    of = [] if attempt is None else [ev.Picked("t", scene_id, scene_id, attempt)]
    return [ev.Picked("t", scene_id, None, None), *of]


def seeds(made: Manifest) -> dict[str, int | None]:
    return {scene.id: scene.request.asked.seed for scene in made.scenes}


def after(folder: Path, events: Sequence[ev.Event], seed: str = "duration: 5") -> State:
    return replay([*run_of(manifest(folder, "draft", seed)), *events])


@pytest.mark.parametrize("seed", ["duration: 5", WRITTEN])
@pytest.mark.parametrize(("attempt", "name"), [(None, "s01-t2"), (1, "s01-t2@1")])
def test_a_picked_take_gives_its_seed_to_the_final(tmp_path: Path, seed: str, attempt: int | None, name: str) -> None:
    drafted, final = seeds(manifest(tmp_path, "draft", seed)), manifest(tmp_path, "final", seed)
    made, named = with_picked_seeds(final, after(tmp_path, pick("s01-t2", attempt), seed))
    assert named == {"s01": name}
    assert seeds(made) == {"s01": drafted["s01-t2"], "s02": seeds(final)["s02"]}
    (scene, *_), (before, *_) = made.scenes, final.scenes
    assert scene.any_seed is None, "it has this seed and no other"
    assert scene.request.as_json()["parameters"]["seed"] == drafted["s01-t2"]
    assert {**scene.request.as_json()["parameters"], "seed": 0} == {**before.request.as_json()["parameters"], "seed": 0}


def test_without_a_pick_or_a_profile_nothing_changes(tmp_path: Path) -> None:
    final = manifest(tmp_path, "final")
    assert with_picked_seeds(final, after(tmp_path, [])) == (final, {})
    cleared = [*pick("s01-t2"), ev.PicksCleared("t", "s01")]
    assert with_picked_seeds(final, after(tmp_path, cleared)) == (final, {})
    plain = replace(manifest(tmp_path, None), profiles=())
    assert with_picked_seeds(plain, after(tmp_path, pick("s01-t2"))) == (plain, {})


def test_the_final_may_be_the_manifest_without_a_profile(tmp_path: Path) -> None:
    plain, state = manifest(tmp_path, None), after(tmp_path, pick("s01-t3"))
    made, named = with_picked_seeds(plain, state)
    assert named == {"s01": "s01-t3"}
    assert seeds(made)["s01"] == seeds(manifest(tmp_path, "draft"))["s01-t3"]


def test_takes_keep_their_seeds(tmp_path: Path) -> None:
    draft = manifest(tmp_path, "draft")
    assert with_picked_seeds(draft, after(tmp_path, pick("s01-t2"))) == (draft, {})


def test_a_take_without_a_known_seed_gives_none(tmp_path: Path) -> None:
    final = manifest(tmp_path, "final", "seed: random")
    assert with_picked_seeds(final, after(tmp_path, pick("s01-t2"), "seed: random")) == (final, {})


def test_a_take_that_has_no_result_gives_none(tmp_path: Path) -> None:
    final = manifest(tmp_path, "final")
    scenes = scene_facts(manifest(tmp_path, "draft"), Prices())
    state = replay([ev.ManifestRead("t", "film", "m", scenes), *pick("s01-t2")])
    assert with_picked_seeds(final, state) == (final, {})


def test_a_model_without_seeds_is_let_be(tmp_path: Path) -> None:
    final = manifest(tmp_path, "final")
    final = replace(final, scenes=tuple(replace(scene, with_seed=None) for scene in final.scenes))
    assert with_picked_seeds(final, after(tmp_path, pick("s01-t2"))) == (final, {})


def test_picking_the_final_does_not_have_it_made_anew(tmp_path: Path) -> None:
    drafted, final = after(tmp_path, pick("s01-t2")), manifest(tmp_path, "final")
    made, _ = with_picked_seeds(final, drafted)
    done = replay([*run_of(manifest(tmp_path, "draft")), *pick("s01-t2"), *run_of(made, "s01"), *pick("s01")])
    assert with_picked_seeds(final, done) == (made, {"s01": "s01-t2"})


def test_a_picked_scene_without_takes_follows_its_edits(tmp_path: Path) -> None:
    text = TEXT.replace("waits", "sleeps").replace("takes: 1}", "takes: 1, seed: 7}")
    final = manifest(tmp_path, "final", text=text)
    made, named = with_picked_seeds(final, after(tmp_path, pick("s02")))
    assert (seeds(made)["s02"], named) == (7, {})


def test_a_take_whose_seed_nobody_knows_is_named(tmp_path: Path) -> None:
    """The API does not tell which seed it drew where none was sent; a derived one was sent, and is known."""
    drawn, state = manifest(tmp_path, "final", "seed: random"), after(tmp_path, pick("s01-t2"), "seed: random")
    assert unknown_seeds(drawn, state) == {"s01": "s01-t2"}
    assert unknown_seeds(replace(drawn, profiles=()), state) == {}
    assert unknown_seeds(manifest(tmp_path, "draft", "seed: random"), state) == {}, "takes are what they are"
    assert unknown_seeds(manifest(tmp_path, "final"), after(tmp_path, pick("s01-t2"))) == {}


def test_a_pick_tells_of_a_seed_that_nobody_knows_where_there_are_profiles(tmp_path: Path) -> None:
    drawn, derived = after(tmp_path, pick("s01-t2", 1), "seed: random"), after(tmp_path, pick("s01-t2"))
    picked = ["s01-t2", "s02", "s01-t9"]
    assert takes_without_seed(picked, drawn) == [], "without profiles there is no final"
    assert takes_without_seed(picked, replace(drawn, profile="draft")) == ["s01-t2@1"]
    assert takes_without_seed(picked, replace(derived, profile="draft")) == []
