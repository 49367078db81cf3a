"""The relatives of the default model: what they take, and what is a rule of the default model alone."""

from pathlib import Path

import pytest

from batchgen.references import Reference

from helpers.support import checked, findings, pad, write_image, write_sound, write_video

URL = "https://example.com/a.png"
IMAGE_BYTES = 10 * 1024 * 1024


def text_to_video(scene: str) -> str:
    return f"version: 1\nname: a\nmodel: wan26_t2v\nscenes:\n  - {{id: a, {scene}}}\n"


def image_to_video(scene: str) -> str:
    return text_to_video(scene).replace("t2v", "i2v")


LONG = "x" * 1500
OF_BOTH = {
    "prompt at 1500": (f"prompt: {LONG}", []),
    "prompt at 1501": (f"prompt: {LONG}x", ["prompt.maxLength"]),
    "no prompt": ("size: 960*960", ["prompt.required"]),
    "a character": ("prompt: character7 waves", []),
    "audio by URL": ("prompt: a, audio_url: https://example.com/a.mp3", []),
    "audio in a data URI": ('prompt: a, audio_url: "data:audio/mpeg;base64,AAAA"', ["audio_url.pattern"]),
    "a size": ("prompt: a, size: 1088*832", []),
    "a size by habit": ("prompt: a, size: 720p", ["size.enum"]),
    "duration 15": ("prompt: a, duration: 15", []),
    "duration 16": ("prompt: a, duration: 16", ["duration.maximum"]),
    "seed random": ("prompt: a, seed: random", []),
}


@pytest.mark.parametrize(("scene", "expected"), OF_BOTH.values(), ids=OF_BOTH.keys())
def test_what_both_take(tmp_path: Path, scene: str, expected: list[str]) -> None:
    of_text = findings(tmp_path, text_to_video(scene))
    of_image = findings(tmp_path, image_to_video(f"{scene}, references: [{URL}]"))
    assert [found.split()[1] for found in of_text if "unusable" not in found] == expected
    assert [found.split()[1] for found in of_image if "unusable" not in found] == expected


def test_the_only_reference_stands_alone_in_its_field(tmp_path: Path) -> None:
    write_image(tmp_path / "first.png", size=(400, 400))
    found = checked(tmp_path, image_to_video("prompt: it runs, references: [first.png]"))
    assert found.problems == ()
    assert found.manifest is not None
    reference = found.manifest.scenes[0].request.document["input"]["img_url"]
    assert isinstance(reference, Reference)
    assert reference.content is not None
    assert found.manifest.scenes[0].request.as_json()["input"]["img_url"]["sha256"] == reference.content.sha256


def test_a_text_to_video_request_has_no_references(tmp_path: Path) -> None:
    found = checked(tmp_path, text_to_video("prompt: it runs, seed: random"))
    assert found.manifest is not None
    assert found.manifest.scenes[0].request.as_json() == {
        "model": "wan26_t2v",
        "input": {"prompt": "it runs"},
        "parameters": {
            "size": "1920*1080",
            "duration": 5,
            "prompt_extend": True,
            "watermark": False,
            "audio": True,
            "shot_type": "single",
        },
    }


@pytest.mark.parametrize(
    ("size", "expected"),
    [((360, 2000), []), ((359, 2000), ["image.width.minimum"]), ((360, 2001), ["image.height.maximum"])],
)
def test_the_picture_that_a_video_begins_with(tmp_path: Path, size: tuple[int, int], expected: list[str]) -> None:
    write_image(tmp_path / "a", size=size)
    found = findings(tmp_path, image_to_video("prompt: a, references: [a]"))
    assert [each.split()[1] for each in found] == expected


def test_files_that_a_video_cannot_begin_with(tmp_path: Path) -> None:
    write_video(tmp_path / "clip")
    write_sound(tmp_path / "sound")
    pad(write_image(tmp_path / "large"), IMAGE_BYTES + 1)
    for name, expected in (("clip", "video.kind.enum"), ("sound", "audio.kind.enum"), ("large", "image.bytes.maximum")):
        found = findings(tmp_path, image_to_video(f"prompt: a, references: [{name}]"))
        assert expected in [each.split()[1] for each in found]


def test_a_missing_picture_is_told_without_a_cast(tmp_path: Path) -> None:
    [problem] = checked(tmp_path, image_to_video("prompt: it runs")).problems
    assert problem.message == "scene a has no references; add references"
