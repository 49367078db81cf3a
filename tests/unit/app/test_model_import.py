"""Models from specifications: what is drafted, what is said of it, what is refused; nothing stays half done."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from batchgen.app.model_import import ImportedModel, import_model
from batchgen.errors import InvalidInput, Remedy, UsageError
from batchgen.manifest.load import load_manifest
from batchgen.providers.registry import request_form
from batchgen.schemas import DEFAULT_MODEL, Catalogue

from helpers.support import in_process, told

ROOT = Path(__file__).parents[3]
SPECIFICATIONS = ROOT / "tests" / "examples" / "specifications"
FILES = ["media.schema.json", "model.json", "request.schema.json", "settings.schema.json"]
PROMPT = {"name": "prompt", "path": "input.prompt", "type": "string", "required": True}


def imported(folder: Path, document: object, **options: Any) -> ImportedModel:
    source = folder / "spec.json"
    source.write_text(json.dumps(document))
    return import_model(source, out=folder / "models", **options)


def of_list(folder: Path, *parameters: Mapping[str, Any], **options: Any) -> ImportedModel:
    return imported(folder, {"model_id": "reel", "parameters": [PROMPT, *parameters]}, **options)


def described(made: ImportedModel) -> Any:
    return json.loads((made.folder / "model.json").read_text())


def setting(made: ImportedModel, name: str) -> Any:
    """The schema of a setting, as a manifest is checked by it."""
    form = request_form(Catalogue(ROOT / "schemas", made.folder.parent), made.name)
    return form.settings[name]


def requests(made: ImportedModel, *scenes: Mapping[str, Any], **settings: Any) -> list[Any]:
    """The requests that scenes become; there is nothing wrong with them."""
    path = made.folder.parent / "manifest.yaml"
    head = {"version": 1, "name": "reels", "model": made.name, **settings}
    path.write_text(json.dumps({**head, "scenes": [{"id": f"s{n}", **scene} for n, scene in enumerate(scenes)]}))
    found = load_manifest(path, Catalogue(ROOT / "schemas", made.folder.parent), request_form)
    assert told(found.problems) == []
    assert found.manifest is not None
    return [scene.request.as_json() for scene in found.manifest.scenes]


def test_a_list_of_parameters_becomes_a_model(tmp_path: Path) -> None:
    made = import_model(SPECIFICATIONS / "list.json", out=tmp_path)
    assert (made.name, made.folder) == ("reel_v1_i2v", tmp_path / "reel_v1_i2v")
    assert sorted(path.name for path in made.folder.iterdir()) == FILES
    assert described(made) == {
        "name": "reel_v1_i2v",
        "title": "Reel V1 image-to-video",
        "provider": "vtrix",
        "fields": {"references": "image", "api_title": "title", "camera_type": "type", "camera_speed": "speed"},
        "characters": False,
        "tiers_by": "resolution",
        "tiers": {"540p": {"enum": ["540p"]}, "720p": {"enum": ["720p"]}},
        "errors": {},
    }
    url = "https://example.com/a.png"
    scene = {"prompt": "it runs", "references": [url], "seed": 7, "camera_speed": 2, "api_title": "T", "title": "mine"}
    [request] = requests(made, scene)
    assert request == {
        "model": "reel_v1_i2v",
        "input": [
            {
                "params": {
                    "prompt": "it runs",
                    "image": {"source": url, "url": url},
                    "duration": "2",
                    "resolution": "540p",
                    "cfg_scale": 0.5,
                    "seed": 7,
                    "title": "T",
                    "camera": {"speed": 2},
                }
            }
        ],
    }


def test_a_contract_becomes_a_model(tmp_path: Path) -> None:
    made = import_model(SPECIFICATIONS / "contract.json", out=tmp_path, contract=True)
    assert made.settings == ("prompt", "negative_prompt", "mode", "duration", "aspect_ratio")
    assert described(made)["tiers"] == {"std": {"enum": ["std"]}, "pro": {"enum": ["pro"]}}
    assert setting(made, "duration")["maximum"] == 8
    assert requests(made, {"prompt": "it runs", "mode": "pro"}) == [
        {
            "model": "reel_v2_t2v",
            "input": {"prompt": "it runs"},
            "parameters": {"mode": "pro", "duration": 2, "aspect_ratio": "16:9"},
        }
    ]


@pytest.mark.parametrize(("file", "contract"), [("list.json", False), ("contract.json", True)])
def test_what_is_drafted_is_sound(tmp_path: Path, file: str, *, contract: bool) -> None:
    made = import_model(SPECIFICATIONS / file, out=tmp_path, contract=contract)
    for path in made.files:
        Draft202012Validator.check_schema(json.loads(path.read_text()))
    Draft202012Validator(Catalogue(ROOT / "schemas").document("model")).validate(described(made))


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    said = " ".join(import_model(SPECIFICATIONS / "list.json", out=tmp_path).notes)
    for words in (
        "shots is left out: it is an object",
        "image is set as references",
        "title is set as api_title",
        "that they hang on resolution, with a tier for each of its values, is assumed; correct tiers_by",
        "seeds go from 0 to 9999",
        "any image that opens is taken; write formats",
        "list them under errors in model.json",
    ):
        assert words in said
    assert "where the parameters stand" not in said


PLACES: dict[str, tuple[str | None, Any]] = {
    "documented": ("input.prompt", {"input": {"prompt": "p"}}),
    "in a list": ("input[0].params.prompt", {"input": [{"params": {"prompt": "p"}}]}),
    "in a list of both": ("input[0].params.input.prompt", {"input": [{"params": {"input": {"prompt": "p"}}}]}),
    "from the root": ("$.input[].params.prompt", {"input": [{"params": {"prompt": "p"}}]}),
    "from params": ("params.prompt", {"input": [{"params": {"prompt": "p"}}]}),
    "bare": ("prompt", {"input": [{"params": {"prompt": "p"}}]}),
    "not said": (None, {"input": [{"params": {"prompt": "p"}}]}),
}


@pytest.mark.parametrize(("path", "body"), PLACES.values(), ids=PLACES.keys())
def test_a_parameter_stands_where_its_path_says(tmp_path: Path, path: str | None, body: Any) -> None:
    entry = {"name": "prompt", "type": "string", **({} if path is None else {"path": path})}
    made = imported(tmp_path, {"model_id": "reel", "parameters": [entry]})
    assert requests(made, {"prompt": "p"}) == [{"model": "reel", **body}]
    assumed = any(note.startswith("where the parameters stand in a request is not said") for note in made.notes)
    assert assumed == (path in ("prompt", None))


TYPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "whole": ({"type": "int", "constraints": {"min": 1, "max": "9", "default": "3"}}, {"maximum": 9, "default": 3}),
    "number": ({"type": "float", "constraints": {"min": 0.5}}, {"type": "number", "minimum": 0.5}),
    "choice of numbers": ({"type": "integer", "constraints": {"enum": ["5", "10"]}}, {"enum": [5, 10]}),
    "yes or no": ({"type": "bool", "constraints": {"default": "true"}}, {"type": "boolean", "default": True}),
    "text": ({"type": "str", "constraints": {"min_length": 1, "max_length": 9}}, {"minLength": 1, "maxLength": 9}),
    "limits without constraints": ({"type": "int", "max": 4}, {"maximum": 4}),
    "no constraints": ({"type": "string", "constraints": None}, {"type": "string"}),
    "a default that is no number": ({"type": "float", "constraints": {"default": "x"}}, {"default": None}),
    "one that is none of any kind": ({"type": "float", "constraints": {"default": []}}, {"default": None}),
    "one that is infinite": ({"type": "float", "constraints": {"default": "1e999"}}, {"default": None}),
    "an unknown type": ({"type": "vector3"}, {"title": "Thing"}),
}


@pytest.mark.parametrize(("entry", "expected"), TYPES.values(), ids=TYPES.keys())
def test_types_and_limits(tmp_path: Path, entry: dict[str, Any], expected: dict[str, Any]) -> None:
    schema = setting(of_list(tmp_path, {"name": "thing", **entry}), "thing")
    assert {key: schema.get(key) for key in expected} == expected


def test_a_default_beyond_its_limits_is_left_out_and_said(tmp_path: Path) -> None:
    made = of_list(tmp_path, {"name": "n", "type": "int", "constraints": {"max": 3, "default": 5}})
    assert "default" not in setting(made, "n")
    assert "n: its default 5 is beyond its own limits, and is left out" in made.notes


NAMES: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    "those of the house": (
        [("input.id", "string"), ("input.note", "string"), ("input.takes", "int"), ("input.references", "int")],
        ["prompt", "api_id", "api_note", "api_takes", "api_references"],
    ),
    "a seed that is a text": ([("input.seed", "string")], ["prompt", "api_seed"]),
    "one name twice": (
        [("input.mode", "string"), ("parameters.mode", "string")],
        ["prompt", "mode", "parameters_mode"],
    ),
    "one path twice": ([("input.mode", "string"), ("input.mode", "string")], ["prompt", "mode"]),
    "no plain name": ([("input.Cfg scale/2", "string")], ["prompt", "Cfg_scale_2"]),
    "a duration by another name": ([("input.seconds", "int")], ["prompt", "duration"]),
    "a list of files": ([("input.image_urls", "array[string]")], ["prompt", "references"]),
    "a list that is none of files": ([("input.tags", "array[string]")], ["prompt"]),
    "a second file": (
        [("input.image", "string"), ("input.last_frame", "string")],
        ["prompt", "references", "last_frame"],
    ),
}


@pytest.mark.parametrize(("entries", "expected"), NAMES.values(), ids=NAMES.keys())
def test_the_settings_that_parameters_become(
    tmp_path: Path, entries: list[tuple[str, str]], expected: list[str]
) -> None:
    made = of_list(tmp_path, *[{"name": path.rpartition(".")[2], "path": path, "type": kind} for path, kind in entries])
    assert list(made.settings) == expected
    assert requests(made, {"prompt": "p"} | ({"references": ["https://a/b"]} if "references" in expected else {}))


def test_names_that_occur_twice_keep_their_places(tmp_path: Path) -> None:
    made = of_list(
        tmp_path, *[{"name": "mode", "path": path, "type": "string"} for path in ("input.mode", "parameters.mode")]
    )
    assert described(made)["fields"] == {"parameters_mode": "parameters.mode"}
    [request] = requests(made, {"prompt": "p", "mode": "a", "parameters_mode": "b"})
    assert request == {"model": "reel", "input": {"prompt": "p", "mode": "a"}, "parameters": {"mode": "b"}}


def test_a_model_without_tiers_has_one(tmp_path: Path) -> None:
    made = of_list(tmp_path, {"name": "duration", "path": "parameters.duration", "type": "int"})
    assert described(made)["tiers"] == {"default": {}}
    assert requests(made, {"prompt": "p", "duration": 5}, pricing={"default": "0.10"}, budget_usd="1")


def test_prices_hang_on_what_is_named(tmp_path: Path) -> None:
    sound = {"name": "sound", "path": "parameters.sound", "type": "bool"}
    mode = {"name": "mode", "path": "parameters.mode", "type": "string", "constraints": {"enum": ["a", "b"]}}
    made = of_list(tmp_path, mode, sound, priced_by="sound")
    assert described(made)["tiers"] == {"true": {"enum": [True]}, "false": {"enum": [False]}}
    with pytest.raises(
        InvalidInput, match="prices cannot hang on fps: there is no such setting; there is mode, prompt"
    ):
        of_list(tmp_path, mode, sound, priced_by="fps", force=True)
    with pytest.raises(InvalidInput, match="prices cannot hang on prompt: the specification does not list its values"):
        of_list(tmp_path, mode, sound, priced_by="prompt", force=True)


WRONG: dict[str, tuple[Any, str]] = {
    "no list": ({"model_id": "a"}, r"at \$\.parameters, rule specification.form"),
    "an empty list": ({"parameters": []}, r"at \$\.parameters, rule specification.form"),
    "no parameter": ({"parameters": [PROMPT, 5]}, r"at \$\.parameters\[1\], rule parameter.type"),
    "no name": ({"parameters": [PROMPT, {}]}, r"neither a name nor a path; add one\n    at \$\.parameters\[1\]\.name"),
    "another item": ({"parameters": [{**PROMPT, "path": "input[3].prompt"}]}, "rule parameter.path"),
    "a limit": ({"parameters": [{**PROMPT, "constraints": {"max_length": "x"}}]}, "rule parameter.max_length"),
    "turned limits": ({"parameters": [PROMPT, {"name": "n", "type": "int", "min": 3, "max": 2}]}, "rule parameter.max"),
    "choices": ({"parameters": [PROMPT, {"name": "n", "type": "int", "enum": ["x"]}]}, "rule parameter.enum"),
    "no prompt": ({"parameters": [{"name": "size", "type": "string"}]}, "rule prompt.required"),
    "in a value": ({"parameters": [PROMPT, {"name": "x", "path": "input.prompt.x", "type": "int"}]}, "is a value too"),
    "a value around": ({"parameters": [PROMPT, {"name": "input", "type": "string"}]}, "rule parameter.place"),
    "in the model": (
        {"parameters": [PROMPT, {"name": "x", "path": "model.x", "type": "int"}]},
        "stands in model, which",
    ),
    "a list and an object": (
        {"parameters": [PROMPT, {"name": "x", "path": "input[0].x", "type": "int"}]},
        "x stands in input, which is an object and a list too",
    ),
    "half a character": ({"parameters": [PROMPT], "name": "\ud800"}, "half a character"),
    "a required object": (
        {"parameters": [PROMPT, {"name": "o", "type": "object", "required": True}]},
        "cannot be used",
    ),
}


@pytest.mark.parametrize(("document", "message"), WRONG.values(), ids=WRONG.keys())
def test_what_no_model_can_be_made_of(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        imported(tmp_path, {"model_id": "reel", **document})
    assert str(caught.value).endswith("nothing was written")
    assert not (tmp_path / "models").exists()


TREE = {"properties": {"left": {"$ref": "#/$defs/n"}, "right": {"$ref": "#/$defs/n"}}}
WRONG_CONTRACTS: dict[str, tuple[Any, str]] = {
    "no schema": ({"parameters": [PROMPT]}, "rule specification.form"),
    "no properties": ({"input_schema": {"type": "object"}}, "rule properties.required"),
    "a property": ({"input_schema": {"properties": {"prompt": 5}}}, r"at \$\.input_schema\.properties\.prompt"),
    "properties": ({"input_schema": {"properties": []}}, "rule properties.type"),
    "required": ({"input_schema": {"properties": {}, "required": "prompt"}}, "rule properties.type"),
    "no JSON Schema": ({"input_schema": {"properties": {"prompt": {"type": "string", "maxLength": "x"}}}}, "no JSON"),
    "gone": ({"input_schema": {"properties": {"prompt": {"$ref": "#/$defs/x"}}}}, "which is not in the file"),
    "a tree": (
        {"input_schema": {"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": TREE}}},
        "refer to one another too often",
    ),
    "a circle": ({"input_schema": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}}, "in a circle"),
}


@pytest.mark.parametrize(("document", "message"), WRONG_CONTRACTS.values(), ids=WRONG_CONTRACTS.keys())
def test_what_no_contract_is(tmp_path: Path, document: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        imported(tmp_path, {"model": "reel", **document}, contract=True)
    assert not (tmp_path / "models").exists()


def test_a_contract_read_as_a_list_is_told_how_to_be_read() -> None:
    with pytest.raises(InvalidInput) as caught:
        import_model(SPECIFICATIONS / "contract.json", out="nowhere")
    assert caught.value.remedy is Remedy.OTHER_FORM


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', '{"a": 1e999}', '{"a": 1,}', "[1]", "\ufeff5", "[" * 100_000])
def test_what_is_not_json(tmp_path: Path, text: str) -> None:
    source = tmp_path / "spec.json"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"spec\.json:.*(not JSON|JSON object)"):
        import_model(source, out=tmp_path / "models")


@pytest.mark.parametrize(
    ("document", "options", "message"),
    [
        ({}, {}, "the file does not say the model's name"),
        ({"model_id": "a/b"}, {}, "'a/b' cannot be the name of a model"),
        ({"model_id": "reel"}, {"name": ".."}, "cannot be the name of a model"),
        ({"model_id": DEFAULT_MODEL}, {}, f"there is a model {DEFAULT_MODEL} already"),
    ],
)
def test_names_that_no_model_can_have(tmp_path: Path, document: Any, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        imported(tmp_path, {"parameters": [PROMPT], **document}, **options)


def test_a_folder_that_is_there_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    made = of_list(tmp_path)
    (made.folder / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="is there already, and would be replaced"):
        of_list(tmp_path)
    assert (made.folder / "notes.txt").read_text() == "mine"
    of_list(tmp_path, force=True)
    assert sorted(path.name for path in made.folder.iterdir()) == FILES
    assert [path.name for path in made.folder.parent.iterdir()] == ["reel"]


def test_where_no_folder_can_be_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(UsageError, match="cannot write"):
        of_list(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["models", "spec.json"]


def test_a_folder_that_was_left_half_done_is_no_model(tmp_path: Path) -> None:
    made = of_list(tmp_path)
    made.folder.rename(made.folder.with_name(".batchgen-0123"))
    assert "reel" not in Catalogue(ROOT / "schemas", tmp_path / "models").models()


def test_the_command_says_what_it_wrote_and_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BATCHGEN_MODELS", raising=False)
    source = str(SPECIFICATIONS / "list.json")
    nowhere = in_process("model", "import", source)
    assert (nowhere.code, nowhere.out) == (2, "")
    assert "--out DIR or in BATCHGEN_MODELS" in nowhere.err
    done = in_process("model", "import", source, "--out", "models")
    assert (done.code, done.out) == (0, "")
    assert "wrote models/reel_v1_i2v/model.json\n" in done.err
    assert f"  export BATCHGEN_MODELS={tmp_path / 'models'}\n" in done.err
    assert "  batchgen schema --model reel_v1_i2v > manifest.schema.json\n" in done.err
    monkeypatch.setenv("BATCHGEN_MODELS", "models")
    again = in_process("model", "import", source)
    assert (again.code, again.out) == (2, "")
    assert "is there already" in again.err
    forced = in_process("model", "import", source, "--force")
    assert forced.code == 0
    assert "export" not in forced.err
    wrong = in_process("model", "import", source, "--contract", "--force")
    assert (wrong.code, wrong.out) == (3, "")
    assert wrong.err.endswith("a contract is read with --contract, a list of parameters without\n")


def of_contract(folder: Path, required: tuple[str, ...] = (), **properties: Any) -> ImportedModel:
    schema = {"properties": {"prompt": {"type": "string"}, **properties}, "required": ["prompt", *required]}
    return imported(folder, {"model": "reel", "input_schema": schema}, contract=True)


OF_CONTRACTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "a pattern": ({"type": "string", "pattern": "^a+$"}, {"pattern": "^a+$"}),
    "a pattern that is none here": ({"type": "string", "pattern": "(?<a"}, {"pattern": None}),
    "a constant": ({"const": "x"}, {"enum": ["x"]}),
    "examples": ({"type": "integer", "maximum": 5, "examples": [3, 9]}, {"examples": [3]}),
    "a default beyond its limits": ({"type": "integer", "maximum": 5, "default": 9}, {"default": None}),
    "one of several types": ({"type": ["null", "integer"]}, {"type": "integer"}),
    "the first alternative": ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, {"type": "integer"}),
    "values only": ({"enum": ["a", "b"]}, {"type": "string"}),
    "anything": ({}, {"type": None}),
    "keywords that are not understood": ({"type": "number", "multipleOf": 0.1}, {"multipleOf": None}),
}


@pytest.mark.parametrize(("part", "expected"), OF_CONTRACTS.values(), ids=OF_CONTRACTS.keys())
def test_parts_of_contracts(tmp_path: Path, part: Any, expected: dict[str, Any]) -> None:
    schema = setting(of_contract(tmp_path, thing=part), "thing")
    assert {key: schema.get(key) for key in expected} == expected


def test_lists_of_contracts(tmp_path: Path) -> None:
    made = of_contract(
        tmp_path,
        reference_urls={"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        tags={"type": "array"},
        shots={"type": "array", "items": {"type": "object", "properties": {"prompt": {"type": "string"}}}},
        boxes={"type": "array", "items": {"type": "array"}},
    )
    assert made.settings == ("prompt", "references")
    urls = ["https://a/1.png", "https://a/2.png"]
    [request] = requests(made, {"prompt": "p", "references": urls})
    assert request["input"] == [
        {"params": {"prompt": "p", "reference_urls": [{"source": url, "url": url} for url in urls]}}
    ]


def test_a_contract_may_lay_out_the_whole_body(tmp_path: Path) -> None:
    params = {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}}
    item = {"type": "object", "required": ["params"], "properties": {"params": params}}
    schema = {"properties": {"model": {"type": "string"}, "input": {"type": "array", "items": item}}}
    made = imported(tmp_path, {"model": "reel", "input_schema": schema}, contract=True)
    assert requests(made, {"prompt": "p"}) == [{"model": "reel", "input": [{"params": {"prompt": "p"}}]}]


def test_a_model_whose_prompts_name_characters_has_a_cast(tmp_path: Path) -> None:
    prompt = {**PROMPT, "description": "Names references as character1, character2."}
    images = {"name": "images", "path": "input.images", "type": "array[string]", "required": True}
    made = imported(tmp_path, {"model_id": "reel", "parameters": [prompt, images]})
    assert described(made)["characters"] is True
    hero = "https://example.com/hero.png"
    [request] = requests(made, {"prompt": "{hero} waves"}, cast={"hero": hero})
    assert request["input"] == {"prompt": "character1 waves", "images": [{"source": hero, "url": hero}]}


def test_a_sound_is_measured_and_a_second_picture_is_an_address(tmp_path: Path) -> None:
    names = ("audio_url", "image", "image_tail")
    made = of_list(tmp_path, *[{"name": name, "path": f"input.{name}", "type": "string"} for name in names])
    media = json.loads((made.folder / "media.schema.json").read_text())["properties"]
    assert media["audio_url"]["properties"]["kind"]["x-advice"] == "the model takes a sound here"
    path = tmp_path / "manifest.yaml"
    path.write_text("version: 1\nname: a\nmodel: reel\nscenes:\n  - {id: a, prompt: a, image_tail: last.png}\n")
    found = load_manifest(path, Catalogue(ROOT / "schemas", tmp_path / "models"), request_form)
    assert told(found.problems) == ["5 image_tail.pattern"]


SEEDS = [((None, None), (0, 2**31 - 1)), ((-1, 99), (0, 99)), ((5, 7), (5, 7))]


@pytest.mark.parametrize(("stated", "taken"), SEEDS)
def test_seeds_have_bounds_to_be_derived_from(tmp_path: Path, stated: Any, taken: tuple[int, int]) -> None:
    limits = dict(zip(("min", "max"), stated, strict=True))
    made = of_list(tmp_path, {"name": "seed", "path": "input.seed", "type": "int", "constraints": limits})
    schema = setting(made, "seed")
    assert (schema["minimum"], schema["maximum"]) == taken
    assert any(note.startswith("seeds go from") for note in made.notes) == (stated != (5, 7))
    seeds = [request["input"]["seed"] for request in requests(made, {"prompt": "p", "takes": 3})]
    assert len(set(seeds)) == 3
    assert all(taken[0] <= seed <= taken[1] for seed in seeds)


def test_more_takes_than_seeds_are_refused(tmp_path: Path) -> None:
    limits = {"min": 5, "max": 6}
    made = of_list(tmp_path, {"name": "seed", "path": "input.seed", "type": "int", "constraints": limits})
    path = tmp_path / "manifest.yaml"
    path.write_text("version: 1\nname: a\nmodel: reel\nscenes:\n  - {id: a, prompt: a, takes: 3}\n")
    found = load_manifest(path, Catalogue(ROOT / "schemas", made.folder.parent), request_form)
    assert told(found.problems) == ["5 seed.takes"]


def test_limits_that_say_nothing_of_a_type_are_left_out_and_said(tmp_path: Path) -> None:
    made = of_list(tmp_path, {"name": "style", "type": "string", "constraints": {"min": 1, "max_items": 3}})
    assert "style: min says nothing of a value of its type, and is left out" in made.notes


def test_names_that_are_the_same_once_they_are_plain(tmp_path: Path) -> None:
    made = of_list(
        tmp_path, *[{"name": name, "path": f"input.{name}", "type": "int"} for name in ("a-b", "a b", "a+b")]
    )
    assert made.settings == ("prompt", "a_b", "input_a_b", "input_a_b_2")
    [request] = requests(made, {"prompt": "p", "a_b": 1, "input_a_b": 2, "input_a_b_2": 3})
    assert request["input"] == {"prompt": "p", "a-b": 1, "a b": 2, "a+b": 3}


def test_what_lies_too_deep_is_an_error(tmp_path: Path) -> None:
    nested: dict[str, Any] = {"name": "a", "type": "object"}
    schema: dict[str, Any] = {"type": "object"}
    values: list[Any] = []
    for _ in range(30):
        nested = {"name": "a", "type": "object", "children": [nested]}
        schema = {"type": "object", "properties": {"a": schema}}
    for _ in range(400):
        values = [values]
    with pytest.raises(InvalidInput, match=r"rule parameter\.depth"):
        of_list(tmp_path, nested)
    with pytest.raises(InvalidInput, match=r"rule parameter\.depth"):
        imported(tmp_path, {"model": "reel", "input_schema": schema}, contract=True)
    with pytest.raises(InvalidInput, match="too deep in one another; nothing was written"):
        of_list(tmp_path, {"name": "a", "default": values, "enum": [values]})


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        import_model(tmp_path / "gone.json", out=tmp_path)


KEYS = [
    *("name", "path", "type", "enum", "default", "min", "max", "constraints", "children", "required", "image", "a~/b"),
    *("properties", "items", "anyOf", "allOf", "$ref", "maxLength", "minimum", "pattern"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99)
    | st.floats()
    | st.sampled_from(["string", "int", "a b", "", "#/a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


@given(values=st.lists(VALUES, max_size=4), contract=st.booleans())
def test_whatever_else_stands_in_a_file_it_is_a_model_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], *, contract: bool
) -> None:
    folder = tmp_path_factory.mktemp("specification")
    properties = {"prompt": {"type": "string"}, **{f"p{number}": value for number, value in enumerate(values)}}
    document = {"model_id": "reel", "parameters": [PROMPT, *values], "input_schema": {"properties": properties}}
    try:
        made = imported(folder, document, contract=contract)
    except InvalidInput:
        assert not (folder / "models").exists()
    else:
        for path in made.files:
            Draft202012Validator.check_schema(json.loads(path.read_text()))
        assert setting(made, "prompt")["type"] == "string"
