"""A model is a folder: one of the tests' own, quite unlike the shipped one, works without a line of code."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import batchgen as package
from batchgen.errors import UsageError
from batchgen.manifest.load import LoadedManifest, load_manifest
from batchgen.providers.registry import request_form
from batchgen.schemas import DEFAULT_MODEL, MODELS_VARIABLE, Catalogue, shipped

from helpers.support import batchgen, told

MODELS = Path(__file__).parents[2] / "examples" / "models"
SCHEMAS = Path(__file__).parents[3] / "schemas"
SHIPPED = ["wan26_i2v", DEFAULT_MODEL, "wan26_t2v"]
KNOWN: dict[str, Any] = {MODELS_VARIABLE: str(MODELS)}
HEAD = "version: 1\nname: sketches\nmodel: sketch\nscenes:\n"


def checked(folder: Path, text: str) -> LoadedManifest:
    path = folder / "manifest.yaml"
    path.write_text(text)
    return load_manifest(path, Catalogue(SCHEMAS, MODELS), request_form)


def test_scenes_are_expanded_by_the_model_of_the_folder(tmp_path: Path) -> None:
    found = checked(tmp_path, HEAD + "  - {id: a, prompt: a cat}\n  - {id: b, prompt: b, steps: 9, size: 128*64}\n")
    assert found.problems == ()
    assert found.manifest is not None
    assert [scene.request.as_json() for scene in found.manifest.scenes] == [
        {"model": "sketch", "input": {"prompt": "a cat"}, "parameters": {"size": "64*64", "steps": 3}},
        {"model": "sketch", "input": {"prompt": "b"}, "parameters": {"size": "128*64", "steps": 9}},
    ]
    assert [scene.tier for scene in found.manifest.scenes] == ["draft", "draft"]


REFUSED = {
    "prompt too long": ("  - {id: a, prompt: this is more than twenty}\n", ["5 prompt.maxLength"]),
    "no prompt": ("  - {id: a}\n", ["5 prompt.required"]),
    "steps": ("  - {id: a, prompt: a, steps: 10}\n", ["5 steps.maximum"]),
    "a size of the other model": ("  - {id: a, prompt: a, size: 1280*720}\n", ["5 size.enum"]),
    "a size by habit": ("  - {id: a, prompt: a, size: 2:1}\n", ["5 size.enum"]),
    "references": ("  - {id: a, prompt: a, references: [gone.png]}\n", ["5 unknown-key"]),
    "sound": ("  - {id: a, prompt: a, audio_url: http://a/b}\n", ["5 unknown-key"]),
    "seed": ("  - {id: a, prompt: a, seed: 5}\n", ["5 unknown-key"]),
    "a cast": ("  - {id: a, prompt: a}\ncast: {hero: gone.png}\n", ["6 cast.not-here"]),
    "a tier of the other model": ("  - {id: a, prompt: a}\npricing: {720P: 1}\n", ["6 unknown-key"]),
    "a budget without a price": (
        "  - {id: a, prompt: a}\nbudget_usd: 1\n",
        ["6 budget_usd.pricing", "6 budget_usd.duration"],
    ),
    "a cast name": ('  - {id: a, prompt: "{hero}"}\n', ["5 cast.unknown"]),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.values(), ids=REFUSED.keys())
def test_the_limits_are_those_of_the_folder(tmp_path: Path, text: str, expected: list[str]) -> None:
    found = checked(tmp_path, HEAD + text)
    assert told(found.problems) == expected


def test_what_only_other_models_have_is_refused_with_the_reason(tmp_path: Path) -> None:
    text = "  - {id: a, prompt: a, references: [gone.png]}\ncast: {hero: gone.png}\npricing: {reference_video: same}\n"
    messages = {problem.message.split(";")[0] for problem in checked(tmp_path, HEAD + text).problems}
    assert messages == {
        "references cannot stand in scene 1: this model takes none",
        "cast cannot stand in the manifest: prompts of this model do not name references",
        "reference_video cannot stand in pricing: this model has no price for reference video",
    }


def test_a_size_by_habit_is_answered_with_the_sizes_of_the_folder(tmp_path: Path) -> None:
    [problem] = checked(tmp_path, HEAD + '  - {id: a, prompt: a, size: "2:1"}\n').problems
    assert problem.message.endswith('write "128*64"')


def test_the_command_line_knows_the_model_once_its_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(HEAD + "  - {id: a, prompt: a cat}\n")
    without = batchgen("validate", path)
    assert without.code == 3
    assert "there is no model 'sketch'" in without.err
    ended = batchgen("validate", path, **KNOWN)
    assert (ended.code, ended.err) == (0, f"{path}: ok, 1 scene\n")
    printed = batchgen("schema", "--model", "sketch", **KNOWN)
    validator = Draft202012Validator(json.loads(printed.out))
    manifest = {"version": 1, "name": "a", "scenes": [{"id": "a", "prompt": "a", "steps": 9}]}
    assert validator.is_valid(manifest)
    assert not validator.is_valid({**manifest, "cast": {}})
    assert batchgen("schema", "models/sketch/request", **KNOWN).code == 0


def test_a_catalogue_lists_what_it_has() -> None:
    assert shipped().models() == SHIPPED
    assert Catalogue(SCHEMAS, MODELS).models() == ["sketch", *SHIPPED]
    with pytest.raises(UsageError, match="there is no schema 'nothing'; there are: audit, findings, "):
        shipped().document("nothing")


@pytest.mark.parametrize("model", ["sketch", *SHIPPED])
def test_each_model_describes_itself_by_the_schema_of_models(model: str) -> None:
    catalogue = Catalogue(SCHEMAS, MODELS)
    description = catalogue.for_model(model, "model.json")
    Draft202012Validator(catalogue.document("model")).validate(description)
    assert description["name"] == model


@pytest.mark.parametrize("path", sorted(SCHEMAS.rglob("*.schema.json")), ids=lambda path: path.stem)
def test_each_schema_is_one_and_its_examples_and_defaults_keep_to_it(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text()))
    checks = 0
    pending: list[object] = [shipped().document(path.relative_to(SCHEMAS).as_posix())]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pending.extend(node.values())
            shown = node.get("examples", []) if isinstance(node.get("examples"), list) else []
            for value in [*shown, *([node["default"]] if "default" in node and "type" in node else [])]:
                Draft202012Validator(node).validate(value)
                checks += 1
        elif isinstance(node, list):
            pending.extend(node)
    assert checks > 0 or path.stem in ("findings.schema", "model.schema", "media.schema")


def test_no_code_names_the_shipped_model_but_as_the_default() -> None:
    root = Path(package.__file__).parent
    sources = sorted(path for path in root.rglob("*.py") if path.parent.name != "vtrix")
    named = [path.name for path in sources if DEFAULT_MODEL in path.read_text(encoding="utf-8")]
    assert len(sources) > 20
    assert named == ["schemas.py"]


@pytest.mark.parametrize("model", SHIPPED)
def test_each_shipped_model_has_a_schema_for_editors_and_for_either_form(model: str) -> None:
    manifest = {"version": 1, "name": "a", "model": model, "scenes": [{"id": "a", "prompt": "character1 waves"}]}
    assert Draft202012Validator(shipped().document("manifest", model)).is_valid(manifest)
    names = set(shipped().names())
    assert {f"models/{model}/{part}" for part in ("media", "request", "settings")} <= names
    shown = shipped().document("request-params", model)["properties"]["input"]["items"]["properties"]["params"]
    assert shown["properties"]["input"] == shipped().for_model(model, "request")["properties"]["input"]


def test_what_a_model_lacks_of_a_shared_schema_it_does_not_take(tmp_path: Path) -> None:
    shutil.copytree(MODELS / "sketch", tmp_path / "models" / "sketch")
    request = json.loads((MODELS / "sketch" / "request.schema.json").read_text())
    del request["properties"]["parameters"]
    (tmp_path / "models" / "sketch" / "request.schema.json").write_text(json.dumps(request))
    body = Catalogue(SCHEMAS, tmp_path / "models").document("request-params", "sketch")
    inside = {"input": {"prompt": "a"}}
    assert Draft202012Validator(body).is_valid({"model": "sketch", "input": [{"params": inside}]})
    assert not Draft202012Validator(body).is_valid(
        {"model": "sketch", "input": [{"params": {**inside, "parameters": {}}}]}
    )
