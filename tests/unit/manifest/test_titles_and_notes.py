"""Titles and notes are for people: on every take of a shot, and no part of what is paid for."""

from pathlib import Path

from batchgen.scenes import Scene

from helpers.support import checked, findings, one_scene


def scenes(folder: Path, text: str) -> tuple[Scene, ...]:
    loaded = checked(folder, text)
    assert loaded.problems == ()
    assert loaded.manifest is not None
    return loaded.manifest.scenes


def test_a_scene_carries_the_words_of_its_shot(tmp_path: Path) -> None:
    [scene] = scenes(tmp_path, one_scene(title="The gate", note='"Rain: wait"'))
    assert (scene.id, scene.shot, scene.take) == ("s01", "s01", None)
    assert (scene.title, scene.note) == ("The gate", "Rain: wait")


def test_takes_carry_the_words_of_their_shot_and_their_number(tmp_path: Path) -> None:
    takes = scenes(tmp_path, one_scene(takes="2", title="The gate"))
    assert [(scene.id, scene.shot, scene.take) for scene in takes] == [("s01-t1", "s01", 1), ("s01-t2", "s01", 2)]
    assert [(scene.title, scene.note) for scene in takes] == [("The gate", None)] * 2


def test_they_have_no_part_in_the_request(tmp_path: Path) -> None:
    [plain] = scenes(tmp_path, one_scene())
    [titled] = scenes(tmp_path, one_scene(title="The gate", note="Rain"))
    assert titled.request == plain.request
    assert titled.request.sha256 == plain.request.sha256


def test_they_belong_to_one_shot_and_are_texts(tmp_path: Path) -> None:
    defaults = "defaults: {title: a, note: b}\n"
    assert findings(tmp_path, one_scene() + defaults) == ["7 title.not-here", "7 note.not-here"]
    assert findings(tmp_path, one_scene(title="5", note="[a]")) == ["7 title.type", "8 note.type"]
