"""Profiles: settings laid over the defaults, each checked as the manifest that it makes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from batchgen.manifest.load import LoadedManifest, load_manifest
from batchgen.manifest.profiles import UnknownProfile
from batchgen.providers.registry import request_form
from batchgen.scenes import Manifest
from batchgen.schemas import shipped

from helpers.support import in_process, one_scene, told

HEAD = """\
version: 1
name: film
defaults: {size: 960*960, duration: 6}
profiles:
  draft: {size: 1280*720, watermark: true, takes: 2}
  final:
    size: 1920*1080
    duration: 10
scenes:
  - id: s01
    prompt: character1 walks
    references: [https://example.com/hero.png]
  - id: s02
    prompt: character1 waits
    references: [https://example.com/hero.png]
    duration: 3
"""


def loaded(folder: Path, text: str, profile: str | None = None, *, every: bool = False) -> LoadedManifest:
    path = folder / "manifest.yaml"
    path.write_text(text)
    return load_manifest(path, shipped(), request_form, profile=profile, every_profile=every)


def made(folder: Path, text: str, profile: str | None = None) -> Manifest:
    found = loaded(folder, text, profile)
    assert found.manifest is not None, found.problems
    return found.manifest


def settings(manifest: Manifest) -> dict[str, tuple[object, ...]]:
    return {scene.id: (scene.request.asked.size, scene.request.asked.seconds) for scene in manifest.scenes}


def test_a_profile_goes_before_the_defaults_and_a_scene_before_both(tmp_path: Path) -> None:
    assert settings(made(tmp_path, HEAD)) == {"s01": ("960*960", 6), "s02": ("960*960", 3)}
    draft = made(tmp_path, HEAD, "draft")
    assert settings(draft) == {
        **dict.fromkeys(("s01-t1", "s01-t2"), ("1280*720", 6)),
        **dict.fromkeys(("s02-t1", "s02-t2"), ("1280*720", 3)),
    }
    assert {scene.request.as_json()["parameters"]["watermark"] for scene in draft.scenes} == {True}
    assert settings(made(tmp_path, HEAD, "final")) == {"s01": ("1920*1080", 10), "s02": ("1920*1080", 3)}


def test_a_manifest_without_defaults_may_have_profiles(tmp_path: Path) -> None:
    text = HEAD.replace("defaults: {size: 960*960, duration: 6}\n", "")
    assert settings(made(tmp_path, text, "final"))["s01"] == ("1920*1080", 10)
    found = loaded(tmp_path, text.replace("duration: 10", "duration: 99"), "final")
    assert [(one.path, one.place) for one in found.problems] == [(("profiles", "final", "duration"), (7, 15))]


def test_the_manifest_may_name_the_profile_and_the_caller_goes_before_it(tmp_path: Path) -> None:
    text = f"{HEAD}run: {{profile: draft}}\n"
    assert made(tmp_path, text).profile == "draft"
    assert made(tmp_path, text, "final").profile == "final"
    assert made(tmp_path, HEAD).profile is None
    assert made(tmp_path, HEAD).profiles == ("draft", "final")


def test_a_profile_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownProfile, match="there is no profile 'fnal'; there is draft and final"):
        loaded(tmp_path, HEAD, "fnal")
    with pytest.raises(UnknownProfile, match="the manifest has no profiles"):
        loaded(tmp_path, one_scene(), "x")
    (problem,) = loaded(tmp_path, f"{HEAD}run: {{profile: fnal}}\n").problems
    assert (problem.place, problem.path, problem.rule) == ((17, 16), ("run", "profile"), "profile.unknown")
    ended = in_process("validate", str(tmp_path / "manifest.yaml"), "--profile", "x")
    assert (ended.code, ended.out) == (2, "")
    assert "manifest.yaml: there is no profile 'x'; there is draft and final" in ended.err


BUDGET = 'budget_usd: "9"\npricing: {720P: "0.10"}\n'
# What is wrong: where, and in which profiles.
WRONG = {
    "a value": (HEAD.replace("duration: 10", "duration: 99"), ["8 duration.maximum"], ""),
    "a key": (HEAD.replace("duration: 10", "durtion: 10"), ["8 unknown-key"], ""),
    "a prompt": (HEAD.replace("duration: 10", "prompt: x"), ["8 prompt.not-here"], ""),
    "a name": (HEAD.replace("  final:", "  a b:"), ["6 profiles.name"], ""),
    "too many": (
        HEAD.replace("  final:", "".join(f"  p{number}: {{}}\n" for number in range(20)) + "  final:"),
        ["5 profiles.maxProperties"],
        "",
    ),
    "no mapping": (HEAD.replace("{size: 1280*720, watermark: true, takes: 2}", "5"), ["5 profiles.type"], ""),
    "a price": (HEAD + BUDGET, ["17 budget_usd.pricing"], "(profile final)"),
    "a price of two": (
        HEAD.replace("defaults: {size: 960*960", "defaults: {size: 1920*1080") + BUDGET,
        ["17 budget_usd.pricing"],
        "(profile final, and without a profile)",
    ),
    "a price of all": (
        HEAD + BUDGET.replace("720P", "1080P"),
        ["17 budget_usd.pricing"],
        "(profile draft, and without a profile)",
    ),
    "a price without a profile": (
        HEAD.replace("1920*1080", "1280*720").replace("960*960", "1920*1080") + BUDGET,
        ["17 budget_usd.pricing"],
        "(without a profile)",
    ),
    "an id": (HEAD.replace("id: s02", "id: s01-t2\n    takes: 1"), ["13 id.unique"], "(profile draft)"),
    "of every profile": (HEAD.replace("1 waits", "2 waits"), ["14 prompt.character"] * 3, "character2"),
}


@pytest.mark.parametrize(("text", "expected", "words"), WRONG.values(), ids=WRONG)
def test_all_profiles_are_checked_in_one_go(tmp_path: Path, text: str, expected: list[str], words: str) -> None:
    found = loaded(tmp_path, text, every=True)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    assert set(told(errors)) == set(expected)
    assert all(words in problem.message for problem in errors[:1])
    assert found.manifest is None


def test_a_problem_of_all_profiles_names_none(tmp_path: Path) -> None:
    text = HEAD.replace("takes: 2", "audio: true").replace("character1 waits", "character2 waits")
    errors = [one.message for one in loaded(tmp_path, text, every=True).problems if one.severity == "error"]
    assert len(errors) == 1
    assert "profile" not in errors[0]


def test_a_warning_of_one_profile_names_it(tmp_path: Path) -> None:
    text = HEAD.replace("duration: 10", "duration: 12")
    (warning,) = loaded(tmp_path, text, every=True).problems
    assert (warning.path, warning.rule) == (("profiles", "final", "duration"), "duration.upstream")
    assert warning.message.endswith("(profile final)")
    assert loaded(tmp_path, text, "draft").problems == ()
    assert "profile" not in loaded(tmp_path, text, "final").problems[0].message


def test_a_wrong_profile_keeps_no_other_from_being_run(tmp_path: Path) -> None:
    text = HEAD + BUDGET
    assert loaded(tmp_path, text, "draft").manifest is not None
    assert loaded(tmp_path, text, "final").manifest is None


def test_without_a_profile_nothing_is_checked_where_every_run_has_one(tmp_path: Path) -> None:
    text = HEAD.replace("1920*1080", "1280*720").replace("960*960", "1920*1080") + BUDGET + "run: {profile: draft}\n"
    assert loaded(tmp_path, text, every=True).problems == ()


def test_each_file_is_measured_once_for_all_profiles(tmp_path: Path) -> None:
    text = HEAD.replace("https://example.com/hero.png", "gone.png")
    found = [problem.rule for problem in loaded(tmp_path, text, every=True).problems if problem.severity == "error"]
    assert found == ["reference.unusable"] * 2


sizes = st.sampled_from(["1280*720", "960*960", "1920*1080", None])
lengths = st.integers(2, 10) | st.none()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profiles")


def written(size: str | None, length: int | None) -> str:
    found = ([f"size: {size}"] if size else []) + ([f"duration: {length}"] if length else [])
    return f"{{{', '.join(found)}}}"


@given(below=st.tuples(sizes, lengths), over=st.tuples(sizes, lengths), own=st.tuples(sizes, lengths))
def test_of_three_the_nearest_holds(
    place: Path,
    below: tuple[str | None, int | None],
    over: tuple[str | None, int | None],
    own: tuple[str | None, int | None],
) -> None:
    scene = "{id: s, prompt: character1, references: [https://example.com/a.png], " + written(*own)[1:]
    text = (
        f"version: 1\nname: n\ndefaults: {written(*below)}\nprofiles: {{p: {written(*over)}}}\n"
        f"scenes:\n  - {scene.replace(', }', '}')}\n"
    )
    held = tuple(a or b or c or d for a, b, c, d in zip(own, over, below, ("1920*1080", 5), strict=True))
    assert settings(made(place, text, "p")) == {"s": held}


def test_the_schema_takes_in_a_profile_what_it_takes_in_defaults() -> None:
    whole = shipped().document("manifest")["properties"]
    assert whole["profiles"]["additionalProperties"]["allOf"] == whole["defaults"]["allOf"]
    assert Draft202012Validator(whole["profiles"]).is_valid({"draft": {"size": "1280*720", "takes": 3}})
    assert not Draft202012Validator(whole["profiles"]).is_valid({"draft": {"prompt": "x"}})
