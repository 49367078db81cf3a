"""What holds for any manifest: an answer and never a crash; and what is valid survives being written back."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from batchgen.manifest.document import UnreadableManifest
from batchgen.manifest.load import load_manifest
from batchgen.manifest.yaml_reader import read
from batchgen.providers.registry import request_form
from batchgen.scenes import Manifest, Scene
from batchgen.schemas import compiled, shipped

from helpers.support import in_process

SIZES = ["1280*720", "720*1280", "960*960", "1088*832", "1920*1080", "1440*1440"]
SETTINGS = [
    *("prompt", "references", "audio_url", "size", "duration", "prompt_extend"),
    *("watermark", "audio", "shot_type", "seed", "takes", "title", "note"),
]
KEYS = [
    "version",
    "name",
    "model",
    "defaults",
    "cast",
    "vars",
    "pricing",
    "budget_usd",
    "scenes",
    "id",
    "for_each",
    *SETTINGS,
]
MISREAD = ["16:9", "012", "no", "2024-01-01", "1_000", "0x1F", ".inf", "~", "<<", "=", "0b_", "1:1", "0o7", "+1", "-"]
STRANGE = [*KEYS, *MISREAD, *SIZES, "character1", "{hero}", "{", "}}", "random", "multi", "wan26_r2v", "a" * 65, "\x00"]
ADDRESSES = [
    *("https://example.com/a.png", "http://example.com/b.mp4", "data:image/png;base64,AAAA", "data:,", "gone.png", ""),
    *("/", "..", "ftp://x", "https://", "\x00", "a" * 300, "data:video/mp4;base64,A", "/proc/self/mem", "/dev/null"),
]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(STRANGE),
    st.sampled_from(ADDRESSES),
    st.dates(),
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=25,
)


def mapping(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with any of these fields, each with a value of its own or any tree."""
    return st.fixed_dictionaries({}, optional={name: value | trees for name, value in fields.items()})


near_settings = {
    "prompt": st.sampled_from(["character1", "{hero} and {dog}", "{{x}} character7", "x" * 1501, "{look} {hero}, dog"]),
    "references": st.lists(st.sampled_from(ADDRESSES), max_size=6),
    "audio_url": st.sampled_from(ADDRESSES),
    "size": st.sampled_from([*SIZES, "16:9", "1280x720", "720P"]),
    "duration": st.integers(0, 17),
    "prompt_extend": st.booleans(),
    "watermark": st.booleans(),
    "audio": st.booleans(),
    "shot_type": st.sampled_from(["single", "multi", "double"]),
    "seed": st.integers(-1, 2**31) | st.just("random"),
    "takes": st.integers(0, 101),
}
near_manifests = mapping(
    version=st.just(1),
    name=st.sampled_from(["garden", "a b", ""]),
    model=st.sampled_from(["wan26_r2v", "other"]),
    defaults=mapping(**near_settings),
    cast=mapping(hero=st.sampled_from(ADDRESSES), dog=st.sampled_from(ADDRESSES)),
    vars=mapping(look=st.sampled_from(["night", "{dog}", "{look}", "}", "x" * 1501]), hero=st.just("a")),
    profiles=st.dictionaries(st.sampled_from(["draft", "final", "a b"]), mapping(**near_settings) | trees, max_size=2),
    run=mapping(profile=st.sampled_from(["draft", "final"])),
    pricing=mapping(**{"720P": st.sampled_from(["0.10", 0.1, -1]), "1080P": st.sampled_from(["0.15", 1])}),
    budget_usd=st.sampled_from(["5", 5, 0.5, -1]),
    scenes=st.lists(
        mapping(
            id=st.sampled_from(["s1", "s2", "S2", "s1-t2", "a/b", "{id}"]),
            for_each=st.sampled_from(["rows.csv", *ADDRESSES]),
            **near_settings,
        ),
        max_size=4,
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("manifests")
    (made / "rows.csv").write_text("id,seed,look\na,5,\nb,x\n,random,c\n")
    return made


def assert_answered(folder: Path, content: bytes) -> None:
    path = folder / "any.yaml"
    path.write_bytes(content)
    plain = in_process("validate", str(path))
    strict = in_process("validate", str(path), "--strict", "--format", "json")
    assert plain.code in (0, 3), plain.err
    assert strict.code in (plain.code, 3), strict.err
    assert "Traceback" not in plain.err + strict.err
    assert (strict.code == 3) == bool(json.loads(strict.out)["findings"])


@given(content=st.binary(max_size=200))
@example(content=b"")
@example(content=b"prompt: <<")
@example(content=b"a: !%ED%A0%80 x")
@example(content=b"- 0x1F")
@example(content=b'"\\ud800"')
def test_any_bytes_get_an_answer(folder: Path, content: bytes) -> None:
    assert_answered(folder, content)


yaml_marks = st.sampled_from([*"-?:,[]{}#&*!|>'\"%@`\n\t <=~.0_", "<<: ", "&a ", "*a ", "- ", "? ", "!!", "---\n"])


@given(text=st.text(max_size=100) | st.lists(yaml_marks | st.sampled_from(STRANGE), max_size=30).map("".join))
def test_any_text_gets_an_answer(folder: Path, text: str) -> None:
    assert_answered(folder, text.encode("utf-8", "surrogatepass"))


@given(text=st.text(max_size=100) | st.lists(yaml_marks | st.sampled_from(STRANGE), max_size=30).map("".join))
def test_the_pure_parser_says_of_any_text_what_is_wrong(text: str) -> None:
    try:
        document = read(text.encode("utf-8", "surrogatepass"), yaml.SafeLoader)
    except UnreadableManifest as error:
        assert error.problem.message  # noqa: PT017 - either outcome is right
    else:
        assert document.root.place >= (1, 1)


@given(tree=trees | near_manifests, flow=st.booleans())
def test_any_tree_gets_an_answer(folder: Path, tree: Any, flow: bool) -> None:  # noqa: FBT001 - drawn
    assert_answered(folder, yaml.safe_dump(tree, default_flow_style=flow, allow_unicode=True).encode())


slugs = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)
urls = st.from_regex(r"https?://[a-z]{1,8}[.]com/[a-z]{1,8}([.]png)?", fullmatch=True)
words = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="{}"), max_size=40)


@st.composite
def valid_scenes(draw: st.DrawFn, cast: list[str], number: int) -> dict[str, Any]:
    """A scene that mentions what it refers to, and settings of every kind."""
    references = draw(st.lists(urls, min_size=0 if cast else 1, max_size=2, unique=True))
    members = draw(st.lists(st.sampled_from(cast), min_size=0 if references else 1, max_size=2)) if cast else []
    named = [f"character{index + 1}" for index in range(len(references))] + [f"{{{member}}}" for member in members]
    scene: dict[str, Any] = {"id": f"s{number}.{draw(slugs)}", "prompt": " ".join([*named, draw(words)])}
    if references:
        scene["references"] = references
    optional = {
        "audio_url": urls,
        "size": st.sampled_from(SIZES),
        "duration": st.integers(2, 15),
        "prompt_extend": st.booleans(),
        "watermark": st.booleans(),
        "audio": st.booleans(),
        "shot_type": st.sampled_from(["single", "multi"]),
        "seed": st.integers(0, 2_000_000_000) | st.just("random"),
        "takes": st.integers(1, 4),
        "title": words,
        "note": words,
    }
    return {**scene, **draw(st.fixed_dictionaries({}, optional=optional))}


@st.composite
def valid_manifests(draw: st.DrawFn) -> dict[str, Any]:
    cast = draw(st.dictionaries(st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True), urls, max_size=3))
    scenes = [draw(valid_scenes(sorted(cast), number)) for number in range(draw(st.integers(1, 4)))]
    defaults = {"size": st.sampled_from(SIZES), "duration": st.integers(2, 15), "takes": st.integers(1, 3)}
    optional: dict[str, st.SearchStrategy[Any]] = {
        "model": st.just("wan26_r2v"),
        "defaults": st.fixed_dictionaries({}, optional=defaults),
        "pricing": st.just({"720P": "0.10", "1080P": "0.15"}),
    }
    further = draw(st.fixed_dictionaries({}, optional=optional))
    return {"version": 1, "name": draw(slugs), **({"cast": cast} if cast else {}), **further, "scenes": scenes}


def expanded(folder: Path, data: dict[str, Any]) -> Manifest:
    path = folder / "valid.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    found = load_manifest(path, shipped(), request_form)
    assert [problem for problem in found.problems if problem.severity == "error"] == []
    assert found.manifest is not None
    return found.manifest


def written_back(scene: Scene) -> dict[str, Any]:
    """A scene as an entry of a manifest that says everything itself."""
    document = scene.request.document
    entry: dict[str, Any] = {"id": scene.id, "seed": "random", "takes": 1, **document["parameters"]}
    for field, value in document["input"].items():
        if isinstance(value, str):
            entry[field] = value.replace("{", "{{").replace("}", "}}")
        else:
            entry["references"] = [reference.source for reference in value]
    return entry


@given(data=valid_manifests())
def test_what_is_valid_stays_the_same_written_back_scene_by_scene(folder: Path, data: dict[str, Any]) -> None:
    first = expanded(folder, data)
    second = expanded(
        folder, {"version": 1, "name": "other", "scenes": [written_back(scene) for scene in first.scenes]}
    )
    assert [scene.id for scene in second.scenes] == [scene.id for scene in first.scenes]
    assert [scene.request.sha256 for scene in second.scenes] == [scene.request.sha256 for scene in first.scenes]
    assert [scene.tier for scene in second.scenes] == [scene.tier for scene in first.scenes]


@given(data=valid_manifests())
def test_the_same_manifest_gives_the_same_bytes(folder: Path, data: dict[str, Any]) -> None:
    first, second = (json.dumps(expanded(folder, data).as_json()) for _ in range(2))
    assert first == second


REGISTRY: Registry[Any] = Registry()
ROOT = "https://schemas.test/"
for _path in (Path(__file__).parents[3] / "schemas").rglob("*.json"):
    _name = _path.relative_to(Path(__file__).parents[3] / "schemas").as_posix()
    REGISTRY = REGISTRY.with_resource(ROOT + _name, DRAFT202012.create_resource(json.loads(_path.read_text())))


def original(reference: str) -> Draft202012Validator:
    """A validator of the schema files as they are, references and all."""
    return Draft202012Validator({"$ref": ROOT + reference}, registry=REGISTRY)


json_trees = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**31) | st.sampled_from(STRANGE) | st.sampled_from(ADDRESSES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=15,
)
requests = mapping(
    model=st.just("wan26_r2v"),
    input=mapping(
        prompt=near_settings["prompt"], reference_urls=near_settings["references"], audio_url=near_settings["audio_url"]
    ),
    parameters=mapping(**{name: near_settings[name] for name in ("size", "duration", "audio", "shot_type", "seed")}),
)
facts = mapping(
    kind=st.sampled_from(["image", "video", "audio"]),
    format=st.sampled_from(["png", "jpeg", "gif", "mp4", "mov", "wav"]),
    bytes=st.sampled_from([1, 10_485_760, 10_485_761, 104_857_601]),
    width=st.sampled_from([359, 360, 2000, 2001]),
    height=st.sampled_from([359, 360, 2000, 2001]),
    seconds=st.sampled_from([2.9, 3, 30, 30.1]),
    transparency=st.booleans(),
)
SCHEMAS = {
    "manifest.schema.json": near_manifests | json_trees,
    "models/wan26_r2v/request.schema.json": requests | json_trees,
    "request-params.schema.json": mapping(model=st.just("wan26_r2v"), input=st.lists(mapping(params=requests))),
    "models/wan26_r2v/media.schema.json": mapping(references=facts, audio_url=facts),
    "models/wan26_r2v/settings.schema.json": json_trees,
    "model.schema.json": json_trees,
    "findings.schema.json": json_trees,
}


def _as_json(value: Any) -> Any:
    """A drawn value as JSON has it: no dates, no numbers beyond its own."""
    return json.loads(json.dumps(value, default=str).replace("NaN", "0").replace("Infinity", "0"))


@pytest.mark.parametrize("name", SCHEMAS)
@given(data=st.data())
def test_schemas_with_their_references_put_in_place_judge_as_the_files_do(name: str, data: st.DataObject) -> None:
    instance = _as_json(data.draw(SCHEMAS[name]))
    ours = compiled(shipped().document(name))
    assert ours.is_valid(instance) == original(name).is_valid(instance)
    assert ours.is_valid(instance) == ours.is_valid(instance)
