"""What is planned of a manifest: what was chosen has to be there."""

import gc
from pathlib import Path

import pytest

from batchgen.app.loading import Loading, load
from batchgen.app.planning import plan
from batchgen.app.profiles import with_profile_costs
from batchgen.engine.steps import Choice
from batchgen.errors import UsageError
from batchgen.manifest.document import Document

from helpers.support import write_image

TEXT = """version: 1
name: film
defaults: {size: 960*960, duration: 3, references: [https://example.com/a.png]}
scenes:
  - {id: s01, prompt: character1 walks}
  - {id: s02, prompt: character1 runs, takes: 2}
"""


def chosen(folder: Path, **choice: tuple[str, ...]) -> list[str]:
    """The scenes that are planned."""
    path = folder / "film.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return [step.scene.scene_id for step in plan(load(Loading(path=path)), Choice(**choice)).steps]  # type: ignore[arg-type] # all are texts


@pytest.mark.parametrize(
    ("globs", "again", "said"),
    [
        (("s01",), ("s02",), "s02 is to be paid for once more, and is not among the scenes that are selected: s01"),
        (("s01",), ("s01", "s02-t*"), "s02-t[*] is to be paid for once more, and is not among"),
        ((), ("nobody",), "there is no scene nobody to be paid for once more"),
        (("nobody",), ("nobody",), "no scene matches nobody"),
    ],
)
def test_a_wish_for_what_is_not_selected_is_wrong_usage(
    tmp_path: Path, globs: tuple[str, ...], again: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        chosen(tmp_path, globs=globs, again=again)


def test_a_wish_may_be_for_one_of_those_that_match(tmp_path: Path) -> None:
    assert chosen(tmp_path, globs=("s02-t1",), again=("s*",)) == ["s02-t1"]
    assert chosen(tmp_path, globs=("s02",), again=("s02-t2",)) == ["s02-t1", "s02-t2"]


PROFILES = TEXT.replace(
    "scenes:",
    'pricing: {720P: "0.10", 1080P: "0.20"}\nprofiles:\n'
    "  draft: {duration: 3}\n  final: {size: 1920*1080}\n  wrong: {references: [gone.png]}\n  long: {duration: 12}\n"
    "scenes:",
)


@pytest.mark.parametrize(("strict", "long"), [(False, "3.60"), (True, None)])
def test_what_profiles_would_cost_takes_no_second_look_at_the_manifest(
    tmp_path: Path,
    strict: bool,  # noqa: FBT001 - a column
    long: str | None,
) -> None:
    """The manifest is read once, for whichever profile: by then it may be another one, or gone."""
    path = tmp_path / "film.yaml"
    path.write_text(PROFILES, encoding="utf-8")
    batch = load(Loading(path=path, profile="draft", strict=strict))
    path.unlink()
    made = with_profile_costs(plan(batch, Choice())).profile_costs
    assert made is not None
    costs = {name: cost.new and str(cost.new.usd) for name, cost in made.items()}
    assert costs == {"draft": "0.90", "final": "1.80", "wrong": None, "long": long}
    assert [name for name, cost in made.items() if cost.is_in_force] == ["draft"]


def test_a_reference_that_only_another_profile_has_is_measured_then(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    text = PROFILES.replace("{size: 1920*1080}", "{references: [hero.png]}").replace(
        "duration: 3, references: [https://example.com/a.png]", "duration: 3"
    )
    path.write_text(text.replace("{duration: 3}", "{references: [https://example.com/a.png]}"), encoding="utf-8")
    write_image(tmp_path / "hero.png")
    batch = load(Loading(path=path, profile="draft"))
    final = batch.in_profile("final")
    assert final is not None
    assert {one.request.references[0].source for one in final.scenes} == {"hero.png"}
    (tmp_path / "hero.png").unlink()
    assert load(Loading(path=path, profile="draft")).in_profile("final") is None


def test_what_a_manifest_was_read_from_does_not_stay_in_memory(tmp_path: Path) -> None:
    """Freed at once, and not by the next search for garbage: of 10,000 scenes it is as much as all else of a run."""
    path = tmp_path / "film.yaml"
    path.write_text(TEXT, encoding="utf-8")
    gc.collect()
    gc.disable()
    try:
        batch = load(Loading(path=path))
        assert not any(isinstance(each, Document) for each in gc.get_objects())
    finally:
        gc.enable()
    assert batch.in_profile("final") is None
