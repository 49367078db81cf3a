"""Every rule on a manifest's text and on what its values say together: where, which, and in what words."""

from pathlib import Path

import pytest
import yaml

from batchgen.manifest.cast import Names, fill
from batchgen.manifest.document import UnreadableManifest
from batchgen.manifest.messages import show_path, show_value
from batchgen.manifest.sizes import fitting
from batchgen.manifest.yaml_reader import read
from batchgen.schemas import shipped

from helpers.support import REFERENCE, checked, findings, in_process, one_scene, told

URL = "http://example.com/a"
SECOND = "  - {{id: {}, prompt: character1, references: [http://example.com/b]}}\n"
FLOW = "version: 1\nname: a\nscenes: [{{id: s, prompt: character1, references: [http://example.com/b]{}}}]\n"


def numbered(form: str, count: int) -> str:
    return "".join(form.format(number) for number in range(count))


# name: (text, line, column, rule, part of the message)
SOURCE: dict[str, tuple[str | bytes, int, int, str, str]] = {
    "empty": ("", 1, 1, "yaml.empty", "the file is empty"),
    "blank": (" \n\n", 1, 1, "yaml.empty", "the file is empty"),
    "comments only": ("# a\n# b\n", 1, 1, "yaml.empty", "comments only"),
    "second document": (one_scene() + "---\na: 1\n", 7, 1, "yaml.second-document", "keep one manifest to a file"),
    "UTF-16": (one_scene().encode("utf-16"), 1, 1, "yaml.utf-8", "0xff is not UTF-8"),
    "Latin-1": ("a: 1\nb: caf\xe9".encode("latin-1"), 2, 7, "yaml.utf-8", "0xe9 is not UTF-8"),
    "control character": ("a: 1\nb: x\x07\n", 2, 5, "yaml.character", "U+0007"),
    "tab as indentation": ("a:\n\tb: 1\n", 2, 1, "yaml.syntax", "this is not YAML"),
    "unclosed bracket": ("a: [1, 2\nb: 3\n", 1, 4, "yaml.syntax", "the [ that opens here is never closed; type ]"),
    "a dash below a text": ('a: "x"\n - b: 2\n', 2, 2, "yaml.syntax", "does not fit the lines above"),
    "unclosed quote": ('a: "b\n', 1, 4, "yaml.syntax", "never closed"),
    "escape of no character": ('a: "\\ud800"\n', 1, 5, "yaml.syntax", "does not stand for itself"),
    "tag that is not a text": ("a: 1\nb: !%ED%A0%80 x\n", 2, 2, "yaml.syntax", "this is not YAML"),
    "deep nesting": ("a:\n  " + "[" * 40 + "]" * 40, 2, 34, "yaml.depth", "nested more than 32 levels"),
    "list as a key": ("{[a]: 1}\n", 1, 2, "yaml.key", "a key has to be a plain word"),
    "mapping as a key": ("? {a: 1}\n: 2\n", 1, 3, "yaml.key", "a key has to be a plain word"),
    "alias as a key": ("a: &a 1\n? *a\n: 2\n", 2, 3, "yaml.key", "a key has to be a plain word"),
    "alias without an anchor": ("a: *b\n", 1, 4, "yaml.alias", "*b has no anchor &b before it"),
    "alias of what is around it": ("a: &a [1, *a]\n", 1, 11, "yaml.alias", "stands inside the value"),
    "alias bomb": (
        "a0: &a0 [x, x]\n" + numbered("a{0}n: &b{0} [*a0, *a0]\n", 3)
        + "c0: &c0 [*b0, *b1, *b2, *b0, *b1, *b2, *b0, *b1]\n"
        + "".join(f"c{n}: &c{n} [{', '.join([f'*c{n - 1}'] * 9)}]\n" for n in range(1, 9)),
        9,
        50,
        "yaml.too-large",
        "aliases counted each time",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOURCE)
def test_a_text_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    text, line, column, rule, part = SOURCE[name]
    [problem] = checked(tmp_path, text).problems
    assert (*problem.place, problem.rule) == (line, column, rule)
    assert part in problem.message


def after(text: str = "", scene: str = "") -> str:
    """A valid manifest, with more of its scene, and more text after it; more begins in line 7."""
    return one_scene() + scene + text


RULES: dict[str, tuple[str, int, int, str, str]] = {
    "a key used twice": (after("name: b\n"), 7, 1, "yaml.duplicate-key", "'name' stands here twice, first in line 2"),
    "a tag": (after(scene="    seed: !!int 5\n"), 7, 11, "yaml.tag", "the tag !!int has no meaning"),
    "a tag on a list": (one_scene(references=f"!!set [{REFERENCE}]"), 6, 17, "yaml.tag", "!!set has no meaning"),
    "a key read as a boolean": (after("no: 1\n"), 7, 1, "yaml.key", "no is read by YAML as a boolean"),
    "a key read as a number": (after("1: 1\n"), 7, 1, "yaml.key", "1 is read by YAML as a number"),
    "merging a number": (after("<<: 5\n"), 7, 5, "yaml.merge", "<< takes in the keys of another mapping"),
    "merging a list of numbers": (after("<<: [5]\n"), 7, 6, "yaml.merge", "<< takes in the keys"),
    "16:9": (one_scene(size="16:9"), 7, 11, "size.enum", 'as the number 969; write "1280*720" or "1920*1080"'),
    "1:1": (one_scene(size="1:1"), 7, 11, "size.enum", '"960*960" or "1440*1440"'),
    "1280x720": (one_scene(size="1280x720"), 7, 11, "size.enum", 'cannot be "1280x720"; write "1280*720"'),
    "720P": (one_scene(size="720P"), 7, 11, "size.enum", '"1280*720", "720*1280", "960*960"'),
    "a size left empty": (one_scene(size="~"), 7, 11, "size.enum", "size cannot be null"),
    "012 as a number": (one_scene(seed="012"), 7, 11, "seed.const", "YAML reads 012 as the number 10"),
    "012 as an id": (one_scene().replace("s01", "012"), 4, 9, "yaml.misread", 'write it in quotes: "012"'),
    "no as an id": (one_scene().replace("s01", "no"), 4, 9, "id.type", 'write it in quotes: "no"'),
    "5 as an id": (one_scene().replace("s01", "5"), 4, 9, "id.type", 'write it in quotes: "5"'),
    "a date as a name": (one_scene().replace("limits", "2024-01-01"), 2, 7, "yaml.misread", "as a date; write it in"),
    "1_000": (one_scene(seed="1_000"), 7, 11, "seed.const", "as the number 1000; write the number in plain digits"),
    "0x1F": (one_scene(seed="0x1F"), 7, 11, "seed.const", "as the number 31"),
    "0b_": (one_scene(seed="0b_"), 7, 11, "seed.const", "YAML reads 0b_ as a number"),
    ".inf": (one_scene(duration=".inf"), 7, 15, "duration.type", "YAML reads .inf as a number"),
    "a number of 20 digits": (one_scene(seed="1" * 20), 7, 11, "seed.const", "as the number 1111"),
    "a number of 50 digits": (one_scene(seed="1" * 50), 7, 11, "seed.const", "as a number"),
    "<<": (one_scene("<<"), 5, 13, "yaml.misread", "YAML reads << as a special key"),
    "=": (one_scene("="), 5, 13, "yaml.misread", "YAML reads = as a special key"),
    "a number for a text": (one_scene("5"), 5, 13, "prompt.type", "prompt: 5 is not a text for YAML; write it in"),
    "a list for a text": (one_scene("[a]"), 5, 13, "prompt.type", "that begins with [ has to stand in quotes"),
    "nothing for a text": (one_scene(audio_url="\n    seed: 5"), 7, 15, "audio_url.type", "audio_url"),
    "a text for a list": (one_scene(references="a.png"), 6, 17, "references.type", "has to be a list, not"),
    "a text for a number": (one_scene(seed="12", takes="two"), 8, 12, "takes.type", "a whole number, not"),
    "a number in quotes": (one_scene(takes='"2"'), 7, 12, "takes.type", "write 2 without quotes"),
    "a wrong version": (one_scene().replace("version: 1", "version: 2"), 1, 10, "version.const", "write 1"),
    "no version": (one_scene().replace("version: 1", ""), 2, 1, "version.required", "the manifest has no version"),
    "no id": (FLOW.format("").replace("id: s, ", ""), 3, 10, "id.required", "scene 1 has no id; add it"),
    "no prompt": (one_scene(None), 4, 5, "prompt.required", "scene s01 has no prompt; add prompt"),
    "no references": (one_scene(references=None), 4, 5, "references.required", "or name a member of the cast"),
    "a slug with a blank": (one_scene().replace("limits", "a b"), 2, 7, "name.pattern", "use letters, digits"),
    "an id with a slash": (one_scene().replace("s01", "a/b"), 4, 9, "id.pattern", "use letters, digits, dot"),
    "an id of 65 characters": (one_scene().replace("s01", "a" * 65), 4, 9, "id.pattern", "at most 64"),
    "an unknown key": (one_scene(promt="x"), 7, 5, "unknown-key", "'promt'; did you mean 'prompt'?"),
    "an unknown key like no other": (after("xyz: 1\n"), 7, 1, "unknown-key", "known are budget_usd, cast,"),
    "an id in the defaults": (after("defaults: {id: x}\n"), 7, 12, "id.not-here", "id cannot stand in defaults"),
    "a prompt in the defaults": (after("defaults: {prompt: x}\n"), 7, 12, "prompt.not-here", "take it out"),
    "an unknown tier": (after("pricing: {4K: 1}\n"), 7, 11, "unknown-key", "known are 1080P, 720P and reference_video"),
    "a price below zero": (after("pricing: {720P: -1}\n"), 7, 17, "pricing.minimum", "the least is 0"),
    "a price that is not a number": (after('pricing: {720P: "1,5"}\n'), 7, 17, "pricing.pattern", 'comma; write "1.5"'),
    "a price in words": (after('pricing: {720P: "a lot"}\n'), 7, 17, "pricing.pattern", "plain decimal"),
    "a price of reference video in words": (
        after("pricing: {reference_video: Same}\n"), 7, 28, "pricing.const", "write same, or a plain decimal number",
    ),
    "a price of reference video below zero": (
        after("pricing: {reference_video: -1}\n"), 7, 28, "pricing.minimum", "the least is 0",
    ),
    "a price of reference video with a comma": (
        after("pricing: {reference_video: '0,05'}\n"), 7, 28, "pricing.pattern", 'comma; write "0.05"',
    ),
    "a cast name of digits": (after("cast: {9a: http://a/b}\n"), 7, 8, "cast.name", "beginning with a letter"),
    "a cast member of no text": (after("cast: {a: 5}\n"), 7, 11, "cast.type", "write it in quotes"),
    "an unknown model": (after("model: other\n"), 7, 8, "model.unknown", "there is no model 'other'; there is"),
    "a model that is not a text": (after("model: 5\n"), 7, 8, "model.type", "not a text for YAML"),
    "an id used twice": (after(SECOND.format("s01")), 7, 10, "id.unique", "is used twice, first in line 4"),
    "an id that a take has": (
        one_scene(takes="2") + SECOND.format("s01-t2"), 8, 10, "id.unique", "'s01-t2' is used twice, first in line 4",
    ),
    "too many takes in all": (
        "version: 1\nname: a\ndefaults: {takes: 100}\nscenes:\n" + numbered(SECOND, 201).replace("id: ", "id: s"),
        205, 10, "scenes.maxItems", "more than 20000 scenes",
    ),
    "takes beyond the seeds": (one_scene(seed="2147483647", takes="2"), 7, 11, "seed.takes", "go up to 2147483648"),
    "a budget without prices": (after('budget_usd: "5"\n'), 7, 13, "budget_usd.pricing", "per second of 1080P to"),
    "a budget without this price": (
        after("budget_usd: 5.00\npricing: {720P: 1}\n"), 7, 13, "budget_usd.pricing", "1080P to pricing",
    ),
    "a character too many": (one_scene("character1, character3"), 5, 13, "prompt.character", "names character3"),
    "several characters too many": (
        one_scene("character1 Character0 CHARACTER7"), 5, 13, "prompt.character", "character0 and character7, but",
    ),
    "a name that the cast lacks": (
        one_scene('"{her} character1"') + f"cast: {{hero: {URL}}}\n", 5, 13, "cast.unknown", "did you mean {hero}?",
    ),
    "a name like none of the cast": (
        one_scene('"{x} character1"') + f"cast: {{hero: {URL}, dog: {URL}}}\n", 5, 13, "cast.unknown", "dog and hero",
    ),
    "a name without a cast": (one_scene('"{x} character1"'), 5, 13, "cast.unknown", "the manifest has no cast"),
    "a name with a digit behind": (
        one_scene('"{hero}2 character1"') + f"cast: {{hero: {URL}}}\n", 5, 13, "cast.digit", "put a space between",
    ),
    "a single brace": (one_scene('"character1 } b"'), 5, 13, "prompt.brace", "write }} for the character itself"),
    "an unmentioned reference": (
        one_scene("nobody"), 6, 18, "references.unmentioned", "never mentions character1",
    ),
    "a shot type without effect": (
        one_scene(prompt_extend="false", shot_type="multi"), 8, 16, "shot_type.prompt_extend", "has no effect",
    ),
    "sound without effect": (one_scene(audio="false", audio_url=URL), 8, 16, "audio_url.audio", "has no effect"),
    "ids alike": (after(SECOND.format("S01")), 7, 10, "id.case", "differ in letter case only"),
}  # fmt: skip
WARNINGS = {"references.unmentioned", "shot_type.prompt_extend", "audio_url.audio"}


@pytest.mark.parametrize("name", RULES)
def test_a_rule(tmp_path: Path, name: str) -> None:
    text, line, column, rule, part = RULES[name]
    here = [problem for problem in checked(tmp_path, text).problems if problem.rule == rule]
    assert [(*problem.place, problem.severity) for problem in here] == [
        (line, column, "warning" if rule in WARNINGS else "error")
    ]
    assert part in here[0].message


@pytest.mark.parametrize("rule", sorted(WARNINGS))
def test_warnings_are_errors_where_the_user_is_strict(tmp_path: Path, rule: str) -> None:
    [text] = [text for text, _, _, of, _ in RULES.values() if of == rule]
    assert [problem.severity for problem in checked(tmp_path, text, strict=True).problems] == ["error"]
    assert checked(tmp_path, text, strict=True).manifest is None
    assert checked(tmp_path, text).manifest is not None


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    assert findings(tmp_path, "\ufeff" + one_scene()) == []
    assert findings(tmp_path, "\ufeff" + one_scene(seed="-1")) == ["7 seed.minimum"]


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
@pytest.mark.parametrize(
    "text", ['"\\U00110000"', '"\\UFFFFFFFF"', "!%ED%A0%80 x", "%YAML 1." + "1" * 5000 + "\n---\na", "\ufffe", "\x00"]
)
def test_both_parsers_refuse_what_is_no_text(text: str, loader: type) -> None:
    with pytest.raises(UnreadableManifest):
        read(text.encode(), loader)


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader])
def test_both_parsers_give_the_same_places(loader: type) -> None:
    document = read("ä: {😀: [x, y]}\nb:\n  - 'c'\n".encode(), loader)
    assert document.spot(("ä", "😀", 1)).place == (1, 12)
    assert document.key_place(("ä", "😀")) == (1, 5)
    assert document.spot(("b", 0)).place == (3, 5)
    assert document.spot(("b", 7, "nothing")).place == (3, 3)


MERGES = {
    "own keys win": ("a: &a {x: 1, y: 2}\nb: {x: 0, <<: *a}", {"x": 0, "y": 2}),
    "own keys win, written later": ("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 0}", {"x": 0, "y": 2}),
    "the earlier of several wins": ("a: [&a {x: 1}, &b {x: 2, y: 2}]\nb: {<<: [*a, *b]}", {"x": 1, "y": 2}),
    "of two merges the earlier": ("a: [&a {x: 1}, &b {x: 2, y: 2}]\nb: {<<: *a, <<: *b}", {"x": 1, "y": 2}),
    "merges of merges": ("a: &a {x: 1}\nc: &c {<<: *a, y: 2}\nb: {<<: *c, z: 3}", {"x": 1, "y": 2, "z": 3}),
    "in quotes it is a key": ('b: {"<<": 1}', {"<<": 1}),
}


@pytest.mark.parametrize(("text", "expected"), MERGES.values(), ids=MERGES.keys())
def test_merge_keys(text: str, expected: dict[str, int]) -> None:
    document = read(text.encode())
    assert document.problems == ()
    assert isinstance(document.data, dict)
    assert document.data["b"] == expected


def test_a_problem_in_merged_or_aliased_settings_is_shown_once_where_it_is_written(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: a\nscenes:\n  - &first {id: a, prompt: character1, size: 16:9, references: &r [ftp://x]}\n"
    )
    text += "  - {<<: *first, id: b}\n  - {id: c, prompt: character1, references: *r}\n"
    assert findings(tmp_path, text) == ["4 size.enum", "4 references.pattern"]


def test_a_problem_in_the_defaults_is_shown_once_where_it_is_written(tmp_path: Path) -> None:
    text = "version: 1\nname: a\ndefaults: {size: 1:1, takes: 0, references: [gone.png]}\nscenes:\n"
    text += "".join(f"  - {{id: s{number}, prompt: character1}}\n" for number in range(5))
    assert findings(tmp_path, text) == ["3 size.enum", "3 takes.minimum", "3 reference.unusable"]


def test_a_problem_of_the_cast_is_shown_once_where_it_is_written(tmp_path: Path) -> None:
    text = "version: 1\nname: a\ncast: {hero: gone.png}\nscenes:\n"
    text += "".join(f"  - {{id: s{number}, prompt: '{{hero}}'}}\n" for number in range(5))
    assert findings(tmp_path, text) == ["3 reference.unusable"]


def test_a_value_dropped_with_its_repeated_key_is_not_judged(tmp_path: Path) -> None:
    assert findings(tmp_path, one_scene(seed="5\n    seed: 0x1F")) == ["8 yaml.duplicate-key"]


def test_a_document_that_is_a_list(tmp_path: Path) -> None:
    assert findings(tmp_path, "- 0x1F\n- a\n") == ["1 manifest.type", "1 yaml.misread"]


def test_errors_come_first_and_each_in_file_order(tmp_path: Path) -> None:
    text = "version: 1\nname: a b\nscenes:\n"
    text += "  - {id: a, prompt: x, references: [http://example.com/a], seed: -1}\n"
    text += "  - {id: a, prompt: x, references: [gone.png], size: 1:1}\n"
    assert findings(tmp_path, text) == [
        "2 name.pattern",
        "4 seed.minimum",
        "5 id.unique",
        "5 reference.unusable",
        "5 size.enum",
        "4 references.unmentioned warning",
        "5 references.unmentioned warning",
    ]


def test_fifty_are_shown_and_the_rest_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("version: 1\nname: a\nscenes:\n" + numbered("  - {{id: s{0}, prompt: x, seed: -1}}\n", 40))
    ended = in_process("validate", str(path))
    lines = ended.err.splitlines()
    assert ended.code == 3
    assert sum(line.startswith(f"{path}:") and ": " in line for line in lines) == 52
    assert lines[-2:] == [f"{path}: 30 errors more, not shown", f"{path}: 80 errors"]


def test_more_problems_than_anyone_reads_are_no_reason_to_fail(tmp_path: Path) -> None:
    text = "version: 1\nname: a\nbudget_usd: 5\nscenes:\n" + "- {size: []}\n" * 12_000
    assert told(checked(tmp_path, text).problems)[:2] == ["5 id.required", "5 size.enum"]


def test_a_value_cannot_pass_for_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "forged.yaml"
    path.write_text(one_scene() + 'cast: {"x\\nforged.yaml:1:1: all is well\\e[2J": 5}\n')
    ended = in_process("validate", str(path))
    assert ended.code == 3
    assert not any(line.startswith("forged") for line in ended.err.splitlines())
    assert "\x1b" not in ended.err


FITTING = {
    "16:9": ["1280*720", "1920*1080"],
    "9/16": ["720*1280", "1080*1920"],
    "4:3": ["1088*832", "1632*1248"],
    "1 x 1": ["960*960", "1440*1440"],
    "720p": ["1280*720", "720*1280", "960*960", "1088*832", "832*1088"],
    "1080": ["1920*1080", "1080*1920", "1440*1440", "1632*1248", "1248*1632"],
    "1280x720": ["1280*720"],
    "1920,1080 px": ["1920*1080"],
    "3840*2160": ["1920*1080", "1280*720"],
    "640x360": ["1280*720", "1920*1080"],
    "21:9": [],
    "16:0": [],
    "000x000": [],
    "large": [],
    "": [],
}


@pytest.mark.parametrize(("written", "sizes"), FITTING.items())
def test_sizes_that_fit_what_people_write(written: str, sizes: list[str]) -> None:
    described = shipped().for_model("wan26_r2v", "model.json")["tiers"]
    tiers = {tier: schema["enum"] for tier, schema in described.items()}
    assert fitting(written, tiers) == sizes


def test_the_cast_follows_the_references_in_order_of_first_mention() -> None:
    filled = fill("{b} meets {a}, {b} and {{c}}", ["x", "pa"], Names({"a": "pa", "b": "pb", "c": "pc"}))
    assert filled.prompt == "character3 meets character2, character3 and {c}"
    assert filled.sources == ("x", "pa", "pb")
    assert filled.members == {"pb": "b", "pa": "a"}
    assert filled.faults == ()


def test_characters_are_found_in_any_script_and_case(tmp_path: Path) -> None:
    for prompt in ("Character1", "看character1跑", "CHARACTER1!", "(character1)", "character01"):
        assert findings(tmp_path, one_scene(f'"{prompt}"')) == []
    for prompt in ("mycharacter1", "character1a", "character_1", "characters"):
        assert findings(tmp_path, one_scene(f'"{prompt}"')) == ["6 references.unmentioned warning"]


def test_a_scene_beats_the_defaults_even_where_they_are_wrong_for_it(tmp_path: Path) -> None:
    text = one_scene(seed="7", size="960*960") + "defaults: {seed: 5, size: 1280*720, duration: 10, takes: 2}\n"
    manifest = checked(tmp_path, text).manifest
    assert manifest is not None
    assert [scene.id for scene in manifest.scenes] == ["s01-t1", "s01-t2"]
    assert [scene.request.document["parameters"] for scene in manifest.scenes] == [
        {
            "size": "960*960",
            "duration": 10,
            "prompt_extend": True,
            "watermark": False,
            "audio": True,
            "shot_type": "single",
            "seed": seed,
        }
        for seed in (7, 8)
    ]


def test_a_derived_seed_stays_and_a_random_one_is_not_sent(tmp_path: Path) -> None:
    def seeds(**settings: str) -> list[object]:
        manifest = checked(tmp_path, one_scene(**settings)).manifest
        assert manifest is not None
        return [scene.request.asked.seed for scene in manifest.scenes]

    [derived] = seeds()
    assert isinstance(derived, int)
    assert seeds(takes="3") == [derived, derived + 1, derived + 2]
    assert seeds(duration="9", seed="random") == [None]


def test_paths_and_values_are_shown_as_json() -> None:
    assert show_path(("scenes", 0, "a b", "c")) == '$.scenes[0]["a b"].c'
    assert show_value("é" * 100) == f'"{"é" * 30}…{"é" * 30}"'
    assert len(show_value(list(range(1000)))) == 121
