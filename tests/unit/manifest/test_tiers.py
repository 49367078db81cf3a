"""Price tiers of any setting, and budgets of models that say less than the shipped ones."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from batchgen.errors import UsageError
from batchgen.manifest.load import LoadedManifest, load_manifest
from batchgen.manifest.tiers import Tiers
from batchgen.providers.registry import request_form
from batchgen.schemas import Catalogue

from helpers.support import told

ROOT = Path(__file__).parents[3]
SKETCH = ROOT / "tests" / "examples" / "models" / "sketch"
HEAD = "version: 1\nname: sketches\nmodel: sketch\n"


def sketch(folder: Path, parameters: Mapping[str, Any], tiers: Mapping[str, Any], **described: Any) -> Catalogue:
    """The model sketch with other parameters, and prices that hang on another one."""
    target = folder / "models" / "sketch"
    target.mkdir(parents=True)
    request = json.loads((SKETCH / "request.schema.json").read_text())
    request["properties"]["parameters"]["properties"] = dict(parameters)
    settings = json.loads((SKETCH / "settings.schema.json").read_text())
    taken = settings["$defs"]["settings"]["properties"]
    for name in ("size", "steps"):
        del taken[name]
    settings["$defs"]["settings"]["properties"] = {**taken, **parameters}
    money = {"$ref": "../../manifest.schema.json#/$defs/money"}
    settings["$defs"]["pricing"]["properties"] = dict.fromkeys(tiers or ["default"], money)
    description = {"name": "sketch", "title": "", "fields": {}, "errors": {}, "tiers": dict(tiers), **described}
    for name, schema in (("request.schema", request), ("settings.schema", settings), ("model", description)):
        (target / f"{name}.json").write_text(json.dumps(schema))
    return Catalogue(ROOT / "schemas", folder / "models")


def checked(folder: Path, catalogue: Catalogue, text: str) -> LoadedManifest:
    path = folder / "manifest.yaml"
    path.write_text(HEAD + text)
    return load_manifest(path, catalogue, request_form)


def tiers_of(folder: Path, catalogue: Catalogue, text: str) -> list[str | None]:
    found = checked(folder, catalogue, text)
    assert found.problems == ()
    assert found.manifest is not None
    return [scene.tier for scene in found.manifest.scenes]


RESOLUTION = {"resolution": {"type": "string", "enum": ["480p", "720p"], "default": "480p"}}
BY_RESOLUTION = {"low": {"enum": ["480p"]}, "high": {"enum": ["720p"]}}
SOUND = {"sound": {"type": "boolean", "default": False}, "steps": {"type": "integer"}}
SCENES = "scenes:\n  - {id: a, prompt: a}\n  - {id: b, prompt: b, resolution: 720p}\n"


def test_prices_hang_on_the_setting_that_the_model_names(tmp_path: Path) -> None:
    known = sketch(tmp_path, RESOLUTION, BY_RESOLUTION, tiers_by="resolution")
    assert tiers_of(tmp_path, known, SCENES) == ["low", "high"]


def test_true_is_no_one(tmp_path: Path) -> None:
    tiers = Tiers("steps", {"one": (1,), "yes": (True,), "rest": None})
    assert [tiers.of(value) for value in (1, True, Decimal(1), 2, None)] == ["one", "yes", "one", "rest", "rest"]
    known = sketch(tmp_path, SOUND, {"mute": {"enum": [False]}, "loud": {"enum": [True]}}, tiers_by="sound")
    assert tiers_of(tmp_path, known, "scenes:\n  - {id: a, prompt: a}\n  - {id: b, prompt: b, sound: true}\n") == [
        "mute",
        "loud",
    ]


@pytest.mark.parametrize("tiers", [{}, {"default": {}}])
def test_a_model_without_tiers_has_one_price(tmp_path: Path, tiers: Mapping[str, Any]) -> None:
    known = sketch(tmp_path, RESOLUTION, tiers)
    assert tiers_of(tmp_path, known, SCENES + 'pricing: {default: "0.10"}\n') == ["default", "default"]


def test_a_tier_without_a_list_takes_what_is_left(tmp_path: Path) -> None:
    known = sketch(tmp_path, RESOLUTION, {"high": {"enum": ["720p"]}, "other": {}}, tiers_by="resolution")
    assert tiers_of(tmp_path, known, SCENES) == ["other", "high"]


def test_each_video_may_be_known_to_last_as_long(tmp_path: Path) -> None:
    known = sketch(tmp_path, RESOLUTION, {}, seconds=6)
    found = checked(tmp_path, known, SCENES + 'pricing: {default: "0.10"}\nbudget_usd: 1\n')
    assert found.problems == ()
    assert found.manifest is not None
    assert [scene.facts().seconds for scene in found.manifest.scenes] == [6, 6]


def test_a_duration_may_be_a_text(tmp_path: Path) -> None:
    known = sketch(tmp_path, {"duration": {"type": "string", "enum": ["5", "10"], "default": "5"}}, {}, seconds=6)
    found = checked(tmp_path, known, 'scenes:\n  - {id: a, prompt: a}\n  - {id: b, prompt: b, duration: "10"}\n')
    assert found.manifest is not None
    assert [scene.facts().seconds for scene in found.manifest.scenes] == [5, 10]


BUDGETS = {
    "no price": ("budget_usd: 1\n", ["7 budget_usd.pricing"]),
    "a price for one tier only": ("budget_usd: 1\npricing: {low: 1}\n", ["7 budget_usd.pricing"]),
    "prices": ("budget_usd: 1\npricing: {low: 1, high: 1}\n", []),
}


@pytest.mark.parametrize(("text", "expected"), BUDGETS.values(), ids=BUDGETS.keys())
def test_a_budget_needs_a_price_for_every_tier(tmp_path: Path, text: str, expected: list[str]) -> None:
    known = sketch(tmp_path, RESOLUTION, BY_RESOLUTION, tiers_by="resolution", seconds=5)
    assert told(checked(tmp_path, known, SCENES + text).problems) == expected


def test_a_budget_needs_a_tier_for_every_scene(tmp_path: Path) -> None:
    mode = {"mode": {"type": "string", "enum": ["a"]}}
    known = sketch(tmp_path, mode, {"a": {"enum": ["a"]}}, tiers_by="mode", seconds=5)
    found = checked(tmp_path, known, "scenes:\n  - {id: a, prompt: a}\nbudget_usd: 1\npricing: {a: 1}\n")
    assert told(found.problems) == ["6 budget_usd.tier"]
    assert found.problems[0].message.endswith("that of scene a hangs on mode; add mode")


@pytest.mark.parametrize(
    ("parameters", "remedy"),
    [({}, "write seconds into the model.json of the model"), ({"duration": {"type": "integer"}}, "add duration")],
)
def test_a_budget_needs_a_length_for_every_scene(tmp_path: Path, parameters: Any, remedy: str) -> None:
    known = sketch(tmp_path, parameters, {})
    found = checked(tmp_path, known, "scenes:\n  - {id: a, prompt: a}\nbudget_usd: 1\npricing: {default: 1}\n")
    assert told(found.problems) == ["6 budget_usd.duration"]
    assert found.problems[0].message.endswith(remedy)


@pytest.mark.parametrize(("written", "expected"), [("5", []), ("5.0", []), ("5.5", ["6 budget_usd.duration"])])
def test_a_budget_needs_lengths_in_whole_seconds(tmp_path: Path, written: str, expected: list[str]) -> None:
    known = sketch(tmp_path, {"duration": {"type": "number"}}, {})
    scene = f"scenes:\n  - {{id: a, prompt: a, duration: {written}}}\n"
    found = checked(tmp_path, known, f"{scene}budget_usd: 1\npricing: {{default: 1}}\n")
    assert told(found.problems) == expected
    assert all(problem.message.endswith("write duration in whole seconds") for problem in found.problems)


def test_a_wrong_resolution_is_answered_with_those_there_are(tmp_path: Path) -> None:
    known = sketch(tmp_path, RESOLUTION, BY_RESOLUTION, tiers_by="resolution")
    for written in ("1280x720", "16:9", "720"):
        found = checked(tmp_path, known, f'scenes:\n  - {{id: a, prompt: a, resolution: "{written}"}}\n')
        assert found.problems[0].message == f'resolution cannot be "{written}"; write "480p" or "720p"'
    found = checked(tmp_path, known, "scenes:\n  - {id: a, prompt: a, resolution: high}\n")
    assert found.problems[0].message == 'resolution cannot be "high"; write "720p"'


NUMBERS = [("1", 1), ("1.0", 1), ("0.50", 0.5), ("12345678901234567890.0", 12345678901234567890)]


@pytest.mark.parametrize(("written", "sent"), NUMBERS)
def test_a_number_is_the_same_request_however_it_is_written(tmp_path: Path, written: str, sent: float) -> None:
    known = sketch(tmp_path, {"scale": {"type": "number"}}, {})
    found = checked(tmp_path, known, f"scenes:\n  - {{id: a, prompt: a, scale: {written}}}\n")
    assert found.manifest is not None
    [scene] = found.manifest.scenes
    assert scene.request.as_json()["parameters"] == {"scale": sent}
    assert json.loads(json.dumps(scene.request.as_json()))["parameters"] == {"scale": sent}
    assert len(scene.request.sha256) == 64


BROKEN = [
    ("model.json", "{", r"model\.json cannot be read as JSON: .*line 1"),
    ("model.json", "[]", r"model\.json has to hold a JSON object"),
    ("model.json", '{"name": "sketch"}', r"model\.json does not describe a model: the whole: 'title' is a required"),
    ("request.schema.json", '{"properties": {"input": {"$ref": "#/$defs/gone"}}}', r"refers to request\.schema\.json#"),
    ("settings.schema.json", "{}", r"the model sketch has no settings; its settings\.schema\.json needs"),
    ("settings.schema.json", '{"$ref": "gone.json"}', r"refers to gone\.json, and that is not there"),
]


def test_a_model_without_a_prompt_is_named(tmp_path: Path) -> None:
    known = sketch(tmp_path, RESOLUTION, {})
    schemas: dict[str, Any] = {
        "request": {"properties": {"input": {"properties": {"text": {}}}}},
        "settings": {"$defs": {"settings": {"properties": {"id": {}}}}},
    }
    for part, schema in schemas.items():
        (tmp_path / "models" / "sketch" / f"{part}.schema.json").write_text(json.dumps(schema))
    with pytest.raises(UsageError, match=r"the model sketch has no prompt; its request\.schema\.json needs one"):
        checked(tmp_path, known, SCENES)


@pytest.mark.parametrize(("file", "text", "message"), BROKEN)
def test_a_folder_that_is_no_model_is_named(tmp_path: Path, file: str, text: str, message: str) -> None:
    sketch(tmp_path, RESOLUTION, {})
    (tmp_path / "models" / "sketch" / file).write_text(text)
    with pytest.raises(UsageError, match=message):
        checked(tmp_path, Catalogue(ROOT / "schemas", tmp_path / "models"), SCENES)
