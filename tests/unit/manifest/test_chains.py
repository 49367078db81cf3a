"""Scenes that are built on the results of others: what is known to be wrong before anything is bought."""

import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from batchgen.model import Problem
from batchgen.scenes import Manifest

from helpers.support import checked, findings, told

URL = "https://example.com/hero.png"
Shot = dict[str, Any]


def shot(name: str, *references: Any, **settings: Any) -> Shot:
    """A shot that names each of its references; the hero, where it has none."""
    listed = list(references) or [URL]
    prompt = " ".join(f"character{number}" for number, _ in enumerate(listed, 1))
    return {"id": name, "prompt": prompt, "references": listed, **settings}


def written(*shots: Shot, **settings: Any) -> str:
    defaults = {"size": "1280*720", "duration": 5}
    return yaml.safe_dump({"version": 1, "name": "film", "defaults": defaults, **settings, "scenes": list(shots)})


def last(name: str) -> dict[str, Any]:
    return {"scene": name, "frame": "last"}


def rules(folder: Path, *shots: Shot, **settings: Any) -> list[str]:
    """What is found, without lines."""
    return [line.partition(" ")[2] for line in findings(folder, written(*shots, **settings))]


def only(folder: Path, *shots: Shot, **settings: Any) -> Problem:
    [problem] = checked(folder, written(*shots, **settings)).problems
    return problem


def made(folder: Path, *shots: Shot, **settings: Any) -> Manifest:
    loaded = checked(folder, written(*shots, **settings))
    assert loaded.problems == ()
    assert loaded.manifest is not None
    return loaded.manifest


def sources(manifest: Manifest) -> dict[str, list[str]]:
    return {scene.id: [str(result) for result in scene.results] for scene in manifest.scenes}


def test_a_reference_names_a_shot_or_a_take_and_a_moment_in_any_order(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        shot("s02", last("s01"), {"scene": "s01", "frame": 2.50}),
        shot("s03", {"scene": "s02"}, {"scene": "s01-t2", "frame": 3}),
        shot("s04", {"scene": "s01", "frame": "first"}, {"scene": "s01", "frame": 0}),
        shot("s01", takes=2),
    )
    assert sources(found) == {
        "s02": ["s01#last", "s01#2.5"],
        "s03": ["s02", "s01-t2#3"],
        "s04": ["s01#first", "s01#0"],
        "s01-t1": [],
        "s01-t2": [],
    }
    assert [scene.request.is_ready for scene in found.scenes] == [False, False, False, True, True]


def test_a_member_of_the_cast_may_be_a_result_and_so_may_a_default(tmp_path: Path) -> None:
    cast = {"hero": URL, "star": {"scene": "s01", "frame": 2.5}}
    found = made(
        tmp_path,
        {"id": "s01", "prompt": "{hero}"},
        {"id": "s02", "prompt": "{hero} and {star}"},
        cast=cast,
    )
    assert sources(found) == {"s01": [], "s02": ["s01#2.5"]}
    assert [scene.characters for scene in found.scenes] == [("hero",), ("hero", "star")]
    defaults = {"size": "1280*720", "duration": 5, "references": [last("s01")]}
    by_default = made(tmp_path, shot("s01"), {"id": "s02", "prompt": "character1"}, defaults=defaults)
    assert sources(by_default) == {"s01": [], "s02": ["s01#last"]}


def test_where_it_leads_is_part_of_what_is_asked_for_and_its_words_are_not(tmp_path: Path) -> None:
    def hashed(reference: Any) -> str:
        return made(tmp_path, shot("s01"), shot("s02", reference, seed=1)).scenes[1].request.sha256

    assert hashed({"scene": "s01", "frame": 2.5}) == hashed({"scene": "s01", "frame": 2.50})
    assert len({hashed(each) for each in (last("s01"), {"scene": "s01"}, {"scene": "s01", "frame": "first"})}) == 3


UNKNOWN = {
    "s1": "did you mean s01?",
    "s01-t3": "did you mean s01-t2?",
    "garden": "name the id of a scene in this manifest",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_scene_is_an_error_with_a_suggestion(tmp_path: Path, name: str) -> None:
    problem = only(tmp_path, shot("s01", takes=2), shot("s02", last(name)))
    assert (problem.rule, problem.severity, problem.value) == ("reference.scene", "error", name)
    assert problem.path == ("scenes", 1, "references", 0)
    assert UNKNOWN[name] in problem.message


def test_an_unknown_scene_is_told_where_it_is_written(tmp_path: Path) -> None:
    assert only(tmp_path, {"id": "s01", "prompt": "{star}"}, cast={"star": last("s9")}).path == ("cast", "star")
    defaults = {"references": [URL, {"scene": "s9"}]}
    problem = only(tmp_path, {"id": "s01", "prompt": "character1 character2"}, defaults=defaults)
    assert problem.path == ("defaults", "references", 1)


@pytest.mark.parametrize(("written_as", "still"), [("s01", "last"), ("s01#first", "first")])
def test_the_bare_name_of_a_scene_is_no_file_and_it_is_said_what_to_write(
    tmp_path: Path, written_as: str, still: str
) -> None:
    problem = only(tmp_path, shot("s01"), shot("s02", written_as))
    assert problem.rule == "reference.unusable"
    assert problem.message.endswith(
        f"for the result of scene s01 write {{scene: s01}}, for a still {{scene: s01, frame: {still}}}"
    )


FORMS: dict[str, tuple[Any, str]] = {
    "no scene": ({"frame": "last"}, "scene.required"),
    "another key": ({"scene": "s01", "farme": "last"}, "unknown-key"),
    "no id": ({"scene": "s 01"}, "scene.pattern"),
    "no moment": ({"scene": "s01", "frame": "end"}, "frame.enum"),
    "seconds with a unit": ({"scene": "s01", "frame": "2.5s"}, "frame.enum"),
    "seconds in quotes": ({"scene": "s01", "frame": "2.5"}, "frame.enum"),
    "before the beginning": ({"scene": "s01", "frame": -1}, "frame.minimum"),
    "a truth": ({"scene": "s01", "frame": True}, "frame.type"),
    "a list": (["s01"], "references.type"),
}


@pytest.mark.parametrize("name", FORMS)
def test_what_is_no_reference_is_refused(tmp_path: Path, name: str) -> None:
    reference, rule = FORMS[name]
    [found, *others] = checked(tmp_path, written(shot("s01"), shot("s02", reference))).problems
    assert (found.rule, others) == (rule, [])
    assert found.path[:4] == ("scenes", 1, "references", 0)


def test_circles_are_shown_as_circles(tmp_path: Path) -> None:
    problem = only(tmp_path, shot("s01", last("s01")))
    assert (problem.rule, problem.severity) == ("references.circle", "error")
    assert "s01 → s01 is a circle" in problem.message
    three = only(tmp_path, shot("a", last("c")), shot("b", last("a")), shot("c", {"scene": "b"}))
    [shown] = [line for line in ("a → b → c → a", "b → c → a → b", "c → a → b → c") if line in three.message]
    assert shown
    assert three.path[-1] == "references"


def test_a_take_of_a_shot_is_as_good_as_the_shot_for_a_circle(tmp_path: Path) -> None:
    assert rules(tmp_path, shot("a", last("b-t2")), shot("b", last("a"), takes=2)) == ["references.circle"]
    assert rules(tmp_path, shot("b", last("b-t1"), takes=2)) == ["references.circle"]


def test_a_circle_through_the_cast_is_told_at_the_prompt(tmp_path: Path) -> None:
    problem = only(tmp_path, {"id": "s01", "prompt": "{star}"}, cast={"star": last("s01")})
    assert (problem.rule, problem.path) == ("references.circle", ("scenes", 0, "prompt"))


def test_every_circle_is_told_up_to_a_bound(tmp_path: Path) -> None:
    def rings(count: int) -> list[Shot]:
        pairs = ((f"a{n}", f"b{n}") for n in range(count))
        return [made for one, other in pairs for made in (shot(one, last(other)), shot(other, last(one)))]

    assert rules(tmp_path, *rings(3)) == ["references.circle"] * 3
    assert rules(tmp_path, *rings(25)) == ["references.circle"] * 20


def test_what_is_asked_for_has_to_be_what_references_may_be(tmp_path: Path) -> None:
    short = only(tmp_path, shot("s01", duration=2), shot("s02", {"scene": "s01"}))
    assert (short.rule, short.value) == ("video.seconds.minimum", "s01")
    assert "the video of s01, as it is asked for" in short.message
    assert rules(tmp_path, shot("s01", duration=2), shot("s02", last("s01"))) == [], "a still has no length"
    assert rules(tmp_path, shot("s01", duration=3), shot("s02", {"scene": "s01"})) == []


def test_sizes_that_are_refused_by_the_schema_are_told_once(tmp_path: Path) -> None:
    assert rules(tmp_path, shot("s01", size="big"), shot("s02", last("s01"))) == ["size.enum"]


def test_too_many_references_are_counted_with_results_among_them(tmp_path: Path) -> None:
    stills = [{"scene": "s01", "frame": n} for n in range(5)]
    assert rules(tmp_path, shot("s01"), shot("s02", *stills)) == []
    assert rules(tmp_path, shot("s01"), shot("s02", *stills, last("s01"))) == ["references.maxItems"]
    videos = [{"scene": name} for name in ("a", "b", "c", "d")]
    shots = [shot(name) for name in ("a", "b", "c", "d")]
    assert "references" in rules(tmp_path, *shots, shot("s02", *videos))[0]
    assert rules(tmp_path, *shots, shot("s02", *videos[:3])) == []


def test_a_moment_beyond_the_end_is_a_warning(tmp_path: Path) -> None:
    problem = only(tmp_path, shot("s01", duration=3), shot("s02", {"scene": "s01", "frame": 3.5}))
    assert (problem.rule, problem.severity, problem.value) == ("reference.frame", "warning", "s01#3.5")
    assert "frame: last" in problem.message
    assert rules(tmp_path, shot("s01", duration=3), shot("s02", {"scene": "s01", "frame": 3})) == []


def chain(count: int) -> list[Shot]:
    return [shot("s1"), *(shot(f"s{n}", last(f"s{n - 1}")) for n in range(2, count + 1))]


def test_more_than_three_results_in_a_row_are_a_warning_once(tmp_path: Path) -> None:
    assert rules(tmp_path, *chain(4)) == []
    problem = only(tmp_path, *reversed(chain(5)))
    assert (problem.rule, problem.severity, problem.value) == ("references.chain", "warning", "s5")
    assert "s1 → s2 → s3 → s4" in problem.message
    assert len(rules(tmp_path, *chain(5), shot("wide", last("s2")))) == 1


def test_of_a_long_chain_the_first_link_too_many_is_told_with_those_before_it(tmp_path: Path) -> None:
    found = checked(tmp_path, written(*chain(8))).problems
    assert [problem.value for problem in found] == ["s5"]
    assert "s1 → s2 → s3 → s4" in found[0].message


def test_a_chain_through_the_cast_is_told_at_the_prompt(tmp_path: Path) -> None:
    cast = {"star": last("s4")}
    problem = only(tmp_path, *chain(4), {"id": "s5", "prompt": "{star}"}, cast=cast)
    assert (problem.rule, problem.path) == ("references.chain", ("scenes", 4, "prompt"))


def test_what_is_wrong_elsewhere_does_not_hide_a_reference(tmp_path: Path) -> None:
    text = written(shot("s01", seed=-1), {"id": "s02"}, "no scene", shot("s03", last("s9")), cast=5, defaults=[])  # type: ignore[arg-type]
    assert "reference.scene" in {line.split()[1] for line in told(checked(tmp_path, text).problems)}


def test_a_model_without_references_takes_no_results(tmp_path: Path) -> None:
    text = written({"id": "s01", "prompt": "a"}, {"id": "s02", "prompt": "b", "references": [last("s01")]})
    problems = checked(tmp_path, f"model: wan26_t2v\n{text}").problems
    assert [problem.severity for problem in problems] == ["error"]


Graph = Sequence[set[int]]
graphs = st.integers(1, 7).flatmap(
    lambda count: st.lists(st.sets(st.integers(0, count - 1), max_size=3), min_size=count, max_size=count)
)


def has_circle(graph: Graph) -> bool:
    """By taking away what nothing is left to wait for: what remains is a circle or hangs on one."""
    left = {number: set(sources) for number, sources in enumerate(graph)}
    while free := [number for number, sources in left.items() if not sources & left.keys()]:
        for number in free:
            del left[number]
    return bool(left)


@given(graphs)
def test_a_circle_is_told_if_and_only_if_there_is_one(graph: Graph) -> None:
    shots = [shot(f"s{n}", *(last(f"s{other}") for other in sorted(sources))) for n, sources in enumerate(graph)]
    with tempfile.TemporaryDirectory() as folder:
        loaded = checked(Path(folder), written(*shots))
    told_of = [problem for problem in loaded.problems if problem.rule == "references.circle"]
    assert bool(told_of) is has_circle(graph)
    assert (loaded.manifest is None) is has_circle(graph)
    for problem in told_of:
        names = problem.message.partition(" is a circle")[0].split(" → ")
        assert names[0] == names[-1]
        assert all(int(one[1:]) in graph[int(after[1:])] for one, after in pairwise(names))
