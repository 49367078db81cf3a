"""Vars: texts that prompts use by name, put in before the cast and before anything is counted."""

from pathlib import Path

import pytest

from batchgen.manifest.cast import Names, fill

from helpers.support import checked, findings, one_scene

HERO = "cast: {hero: https://example.com/hero.png}\n"


def prompt_of(folder: Path, text: str) -> object:
    loaded = checked(folder, text)
    assert loaded.problems == ()
    assert loaded.manifest is not None
    return loaded.manifest.scenes[0].request.asked.prompt


def test_a_var_is_put_into_each_prompt_that_names_it(tmp_path: Path) -> None:
    text = one_scene('"character1 waits. {look}, {look}; {{look}}"') + 'vars: {look: "35 mm, night"}\n'
    assert prompt_of(tmp_path, text) == "character1 waits. 35 mm, night, 35 mm, night; {look}"


def test_a_var_may_name_members_of_the_cast(tmp_path: Path) -> None:
    text = one_scene('"{who} waits"', None) + HERO + 'vars: {who: "{hero}, in rain,"}\n'
    assert prompt_of(tmp_path, text) == "character1, in rain, waits"


def test_a_changed_var_changes_the_request_and_an_unused_one_does_not(tmp_path: Path) -> None:
    def request(look: str) -> str:
        manifest = checked(
            tmp_path, one_scene('"character1. {look}"') + f"vars: {{look: {look}, other: {look}}}\n"
        ).manifest
        assert manifest is not None
        return manifest.scenes[0].request.sha256

    assert request("day") != request("night")
    plain = checked(tmp_path, one_scene()).manifest
    unused = checked(tmp_path, one_scene() + "vars: {look: day}\n").manifest
    assert plain is not None
    assert unused is not None
    assert plain.scenes[0].request.sha256 == unused.scenes[0].request.sha256


LOOK = "x" * 700
WRONG = {
    "an unknown name": ('"{lok} character1"', "vars: {look: a}\n", ["5 cast.unknown"]),
    "a var in a var": ('"{a} character1"', 'vars: {a: "{b}", b: c}\n', ["5 vars.nested"]),
    "a brace in a var": ('"{a} character1"', 'vars: {a: "b } c"}\n', ["5 prompt.brace"]),
    "a name in both": ('"{hero} character1"', f"{HERO}vars: {{hero: a}}\n", ["8 vars.cast"]),
    "a var that is a number": ('"{a} character1"', "vars: {a: 5}\n", ["7 vars.type"]),
    "a var of nothing": ("character1", "vars: {a: }\n", ["7 vars.type"]),
    "a name that cannot be one": ("character1", 'vars: {"9 a": b}\n', ["7 vars.name"]),
    "at the limit": (f'"character1 {"x" * 89}{{a}}{{a}}"', f"vars: {{a: {LOOK}}}\n", []),
    "beyond the limit": (f'"character1 {"x" * 90}{{a}}{{a}}"', f"vars: {{a: {LOOK}}}\n", ["5 prompt.maxLength"]),
    "far beyond the limit": (f'"character1 {"{a}" * 100}"', f"vars: {{a: {LOOK}}}\n", ["5 prompt.maxLength"]),
}


@pytest.mark.parametrize(("prompt", "more", "expected"), WRONG.values(), ids=WRONG.keys())
def test_a_rule_on_vars(tmp_path: Path, prompt: str, more: str, expected: list[str]) -> None:
    assert findings(tmp_path, one_scene(prompt) + more) == expected


def test_a_prompt_that_vars_make_very_long_is_not_built() -> None:
    filled = fill("{a}" * 1_000_000, [], Names({}, {"a": "x" * 1_000_000}, longest=3_000))
    assert len(filled.prompt) == 3_000_000
    assert filled.faults == (
        ("prompt.maxLength", "with the vars put in, the prompt has more than 3000 characters; shorten it"),
    )
