"""Warnings: what is allowed and probably not meant; each beside what is meant and must stay silent."""

from pathlib import Path

import pytest

from helpers.support import findings, one_scene

HEAD = "version: 1\nname: a\ncast:\n  hero: https://example.com/h.png\n  dog: https://example.com/d.mp4\nscenes:\n"


def scene(number: int, prompt: str = "{hero} and {dog}", **settings: str) -> str:
    more = "".join(f", {name}: {value}" for name, value in settings.items())
    return f"  - {{id: s{number}, prompt: '{prompt}'{more}}}\n"


BRACES = ["7 cast.braces warning"]
WORDS = {
    "{hero} and {dog}, the hero": BRACES,
    "{hero} and {dog}. Hero waits": BRACES,
    "{hero} and {dog}: HERO": BRACES,
    "{hero} and {dog}看hero跑": BRACES,
    '{hero} and {dog}, "hero"': BRACES,
    "the hero and the dog, {hero} {dog}": ["7 cast.braces warning", "7 cast.braces warning"],
    "{hero} and {dog}, a heroine": [],
    "{hero} and {dog}, hero-like": [],
    "{hero} and {dog}, a {{hero}}": [],
    "{hero} and {dog}, dogs": [],
}


@pytest.mark.parametrize(("prompt", "expected"), WORDS.items())
def test_a_name_of_the_cast_without_braces(tmp_path: Path, prompt: str, expected: list[str]) -> None:
    assert findings(tmp_path, HEAD + scene(1, prompt)) == expected


MEMBERS = {
    "in no prompt": (scene(1, "{hero}"), ["5 cast.unused warning"]),
    "in another scene": (scene(1, "{hero}") + scene(2, "{dog}"), []),
    "by its file": (scene(1, "character1 {hero}", references="[https://example.com/d.mp4]"), []),
    "without braces, which is told": (scene(1, "{hero} and a dog"), BRACES),
    "where a prompt is not known": (scene(1, "{hero} {x}"), ["7 cast.unknown"]),
}


@pytest.mark.parametrize(("scenes", "expected"), MEMBERS.values(), ids=MEMBERS.keys())
def test_a_member_of_the_cast_that_no_scene_uses(tmp_path: Path, scenes: str, expected: list[str]) -> None:
    assert findings(tmp_path, HEAD + scenes) == expected


TWINS = {
    "the same seed": (scene(1, seed="5") + scene(2, seed="5"), ["8 scenes.twins warning"]),
    "three of them": (
        scene(1, seed="5") + scene(2, seed="5") + scene(3, seed="5"),
        ["8 scenes.twins warning", "9 scenes.twins warning"],
    ),
    "a take": (scene(1, seed="5") + scene(2, seed="4", takes="2"), ["8 scenes.twins warning"]),
    "other titles only": (scene(1, seed="5", title="a") + scene(2, seed="5", title="b"), ["8 scenes.twins warning"]),
    "derived seeds": (scene(1) + scene(2), []),
    "random seeds": (scene(1, seed="random") + scene(2, seed="random"), []),
    "another size": (scene(1, seed="5") + scene(2, seed="5", size="960*960"), []),
    "takes of one shot": (scene(1, seed="5", takes="3"), []),
}


@pytest.mark.parametrize(("scenes", "expected"), TWINS.values(), ids=TWINS.keys())
def test_two_scenes_with_the_same_request(tmp_path: Path, scenes: str, expected: list[str]) -> None:
    assert findings(tmp_path, HEAD + scenes) == expected


def test_a_duration_beyond_the_upstream_model_is_told_where_it_is_written(tmp_path: Path) -> None:
    text = "version: 1\nname: a\ndefaults: {duration: 12}\ncast: {hero: https://example.com/h.png}\nscenes:\n"
    text += scene(1, "{hero}") + scene(2, "{hero} waits") + scene(3, "{hero} sits", duration="10")
    assert findings(tmp_path, text) == ["3 duration.upstream warning"]


COMMENTS = {
    "character1 in room #3": ["5 prompt.comment warning"],
    "character1 in room  #three of five": ["5 prompt.comment warning"],
    "character1 in room # a remark": [],
    '"character1 in room #3"': [],
    '"character1" #3': [],
    "character1 in room#3": [],
    "character1 #": [],
}


@pytest.mark.parametrize(("prompt", "expected"), COMMENTS.items())
def test_a_prompt_that_a_comment_may_have_cut(tmp_path: Path, prompt: str, expected: list[str]) -> None:
    assert findings(tmp_path, one_scene(prompt)) == expected
