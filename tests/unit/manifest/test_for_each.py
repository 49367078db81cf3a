"""``for_each``: a shot a row of a CSV file, and what is said of rows that are wrong."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from batchgen.manifest import for_each, row_file
from batchgen.manifest.for_each import accepting, expanded
from batchgen.manifest.load import LoadedManifest
from batchgen.manifest.row_file import read_rows
from batchgen.manifest.templates import plain
from batchgen.manifest.yaml_reader import read
from batchgen.model import Problem
from batchgen.scenes import Scene
from batchgen.schemas import shipped
from batchgen.sheets.table import show_cell

from helpers.support import checked, in_process, one_scene

HEAD = """\
version: 1
name: rows
cast: {hero: https://example.com/hero.png}
vars: {look: at night}
scenes:
  - for_each: rows.csv
    id: "{id}"
    prompt: "{hero} holds {thing}, {look}"
"""
SEED = '    seed: "{seed}"\n'
ROWS = "id,thing,seed\na,a lamp,5\nb,a rope,random\nc,a key,\n"
WHOLE = shipped().document("manifest")


def loaded(folder: Path, text: str, rows: str | bytes | None = ROWS) -> LoadedManifest:
    if rows is not None:
        (folder / "rows.csv").write_bytes(rows if isinstance(rows, bytes) else rows.encode())
    return checked(folder, text)


def scenes(folder: Path, text: str, rows: str | bytes = ROWS) -> tuple[Scene, ...]:
    found = loaded(folder, text, rows)
    assert [problem.message for problem in found.problems if problem.severity == "error"] == []
    assert found.manifest is not None
    return found.manifest.scenes


def told(problem: Problem) -> tuple[int, str | None, str]:
    cell = problem.place.cell
    return problem.place.line, None if cell is None else show_cell(cell), problem.rule


def test_each_row_is_a_shot_of_its_own(tmp_path: Path) -> None:
    made = scenes(tmp_path, HEAD + SEED + '    title: "{thing} {{id}}"\n    note: "{thing}"\n    duration: 10\n')
    asked = [scene.request.asked for scene in made]
    assert [(scene.id, scene.shot, scene.title) for scene in made] == [
        ("a", "a", "a lamp {id}"),
        ("b", "b", "a rope {id}"),
        ("c", "c", "a key {id}"),
    ]
    assert [each.prompt for each in asked] == [f"character1 holds a {it}, at night" for it in ("lamp", "rope", "key")]
    assert (asked[0].seed, asked[1].seed) == (5, None)
    assert asked[2].seed is not None, "an empty cell leaves the seed out, so that it is derived"
    assert {each.seconds for each in asked} == {10}


def test_a_row_is_the_shot_that_one_would_write(tmp_path: Path) -> None:
    by_row = scenes(tmp_path, HEAD + SEED)
    written = HEAD[: HEAD.index("  - for_each")] + "".join(
        f'  - id: {name}\n    prompt: "{{hero}} holds {it}, {{look}}"\n{seed}'
        for name, it, seed in (
            ("a", "a lamp", "    seed: 5\n"),
            ("b", "a rope", "    seed: random\n"),
            ("c", "a key", ""),
        )
    )
    assert [one.request.sha256 for one in by_row] == [one.request.sha256 for one in scenes(tmp_path, written)]


def test_rows_stand_among_other_shots_in_their_order(tmp_path: Path) -> None:
    plain_shot = "  - id: {}\n    prompt: character1 walks\n    references: [https://example.com/a.png]\n"
    before, shot = HEAD.split("scenes:\n")
    text = f"{before}scenes:\n{plain_shot.format('first')}{shot}{plain_shot.format('last')}    duration: 99\n"
    found = loaded(tmp_path, text)
    assert [(one.path, one.rule, one.scene_id) for one in found.problems] == [
        (("scenes", 2, "duration"), "duration.maximum", "last")
    ]
    made = scenes(tmp_path, text.replace("    duration: 99\n", "    duration: 9\n"))
    assert [scene.id for scene in made] == ["first", "a", "b", "c", "last"]


def test_every_setting_may_come_from_a_row(tmp_path: Path) -> None:
    rows = (
        "id;size;len;takes;extend;mark;sound;type;audio;ref\n"
        "a;1280*720;5;2;TRUE;false;true;multi;https://example.com/a.mp3;hero\n"
    )
    text = one_scene("character1 walks", '["https://example.com/{ref}.png"]').replace(
        "  - id: s01", '  - for_each: rows.csv\n    id: "shot-{id}"'
    )
    text += (
        '    size: "{size}"\n    duration: "{len}"\n    takes: "{takes}"\n    prompt_extend: "{extend}"\n'
        '    watermark: "{mark}"\n    audio: "{sound}"\n    shot_type: "{type}"\n    audio_url: "{audio}"\n'
    )
    first, second = scenes(tmp_path, text, rows)
    assert (first.id, second.id, second.shot) == ("shot-a-t1", "shot-a-t2", "shot-a")
    document = first.request.as_json()
    assert document["input"]["reference_urls"] == [
        {"source": "https://example.com/hero.png"} | {"url": "https://example.com/hero.png"}
    ]
    assert document["input"]["audio_url"] == "https://example.com/a.mp3"
    settings = {name: value for name, value in document["parameters"].items() if name != "seed"}
    assert settings == {
        "size": "1280*720",
        "duration": 5,
        "prompt_extend": True,
        "watermark": False,
        "audio": True,
        "shot_type": "multi",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("true", True), ("FALSE", False), ("five", "five"), ("010", "010"), ("", ""), ("no", False), ("~", "~")],
)
def test_a_cell_is_read_as_a_manifest_reads_it(text: str, value: object) -> None:
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_any_delimiter_and_a_byte_order_mark(tmp_path: Path, mark: str) -> None:
    rows = ROWS.replace(",", mark).replace("\n", "\r\n").encode("utf-8-sig")
    assert [scene.id for scene in scenes(tmp_path, HEAD + SEED, rows)] == ["a", "b", "c"]


def test_a_list_of_one_column_keeps_its_commas(tmp_path: Path) -> None:
    text = HEAD.replace('"{id}"', '"{thing}"').replace("holds {thing}", "holds it")
    assert [scene.id for scene in scenes(tmp_path, text, "thing\nlamp\nrope\n")] == ["lamp", "rope"]


def test_names_of_cast_and_vars_may_stand_in_cells(tmp_path: Path) -> None:
    (made,) = scenes(tmp_path, HEAD, 'id,thing\na,"the hand of {hero} {look}"\n')
    assert made.request.asked.prompt == "character1 holds the hand of character1 at night, at night"


def test_empty_rows_are_no_shots_and_are_counted(tmp_path: Path) -> None:
    found = loaded(tmp_path, HEAD, "id,thing\n\na,x\n,\n,y\n")
    assert [told(one) for one in found.problems] == [(7, "rows.csv:5:A", "for_each.empty-cell")]


# Rows that are wrong: what is said, in which line of the manifest and in which cell.
WRONG = {
    "no such file": (None, [(6, None, "for_each.unusable")]),
    "an empty file": ("", [(6, None, "for_each.empty")]),
    "empty rows alone": ("\n , \n", [(6, None, "for_each.empty")]),
    "a header alone": ("id,thing\n", [(6, "rows.csv:1:A", "for_each.empty")]),
    "a name twice": ("id,thing,id\na,b,c\n", [(6, "rows.csv:1:C", "for_each.header")]),
    "a column without name": ("id,,thing\na,x,b\n", [(6, "rows.csv:1:B", "for_each.header")]),
    "an unused column without name": ("id,,thing\na,,b\n", []),
    "a cell too many": ("id,thing\na,b,c\n", [(6, "rows.csv:2:C", "for_each.cells")]),
    "empty cells too many": ("id,thing,\na,b,,\n", []),
    "a cell too few": ("id,thing\na\nb,c\n", [(6, "rows.csv:2:A", "for_each.cells")]),
    "an empty cell in a prompt": ("id,thing\na,\n", [(8, "rows.csv:2:B", "for_each.empty-cell")]),
    "an id used twice": ("id,thing\na,b\na,c\n", [(7, "rows.csv:3:A", "id.unique")]),
    "an id of words": ("id,thing\na b,c\n", [(7, "rows.csv:2:A", "id.pattern")]),
    "an unknown column": ("id,thin\na,b\nb,c\n", [(8, None, "for_each.unknown")]),
    "a name of the cast": ("id,thing,hero\na,b,c\n", [(6, "rows.csv:1:C", "for_each.name")]),
    "a name of the vars": ("look,id,thing\nc,a,b\n", [(6, "rows.csv:1:A", "for_each.name")]),
    "a brace in a cell": ("id,thing\na,b } c\n", [(8, "rows.csv:2:B", "prompt.brace")]),
    "an unknown name in a cell": ("id,thing\na,{x}\n", [(8, "rows.csv:2:B", "cast.unknown")]),
    "a quote that is not closed": ('id,thing\na,"b\n', [(6, "rows.csv:2:A", "for_each.unusable")]),
    "not UTF-8": (b"id,thing\na,\xe4\n", [(6, None, "for_each.unusable")]),
    "a workbook": (b"PK\x03\x04 and more", [(6, None, "for_each.unusable")]),
}


@pytest.mark.parametrize(("rows", "expected"), WRONG.values(), ids=WRONG)
def test_rows_that_are_wrong(tmp_path: Path, rows: str | bytes | None, expected: list[tuple[object, ...]]) -> None:
    found = loaded(tmp_path, HEAD, rows)
    assert [told(problem) for problem in found.problems] == expected
    assert (found.manifest is None) == bool(expected)


# Shots that are wrong, whatever the rows are.
WRONG_SHOTS = {
    "an id without a column": (HEAD.replace('"{id}"', "a"), [(7, None, "id.for_each")]),
    "no id": (HEAD.replace('    id: "{id}"\n', ""), [(6, None, "id.for_each")]),
    "no name of a file": (HEAD.replace("rows.csv", "[rows.csv]"), [(6, None, "for_each.type")]),
    "an address": (HEAD.replace("rows.csv", "https://example.com/rows.csv"), [(6, None, "for_each.unusable")]),
    "a data URI": (HEAD.replace("rows.csv", "data:text/csv;base64,aWQ="), [(6, None, "for_each.unusable")]),
    "a folder": (HEAD.replace("rows.csv", "."), [(6, None, "for_each.unusable")]),
    "a column without quotes": (HEAD + "    seed: {seed}\n", [(9, None, "for_each.quotes")]),
    "a column of no list": (HEAD + '    seed: "{sed}"\n', [(9, None, "for_each.unknown")]),
    "a name of the cast in a title": (HEAD + '    title: "{hero}"\n', [(9, None, "for_each.unknown")]),
    "a single brace in a title": (HEAD + '    title: "a } b"\n', [(9, None, "for_each.brace")]),
    "an unknown key": (HEAD + "    sed: 5\n", [(9, None, "unknown-key")]),
    "a value of the shot": (HEAD + "    duration: 99\n", [(9, None, "duration.maximum")]),
    "a key twice": (HEAD + "    duration: 5\n    duration: 6\n", [(10, None, "yaml.duplicate-key")]),
    "a misread value": (HEAD + "    duration: 010\n", [(9, None, "duration.type")]),
    "a character too many": (HEAD.replace("{thing}", "character4"), [(8, None, "prompt.character")]),
    "no prompt": (HEAD.replace("    prompt", "    title").replace("{hero} ", "").replace(", {look}", ""), [
        (6, None, "prompt.required"),
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG_SHOTS.values(), ids=WRONG_SHOTS)
def test_what_is_wrong_in_every_row_is_told_once(tmp_path: Path, text: str, expected: list[tuple[object, ...]]) -> None:
    found = loaded(tmp_path, text).problems
    assert [told(problem) for problem in found if problem.severity == "error"] == expected


def test_all_that_is_wrong_is_told_in_one_go(tmp_path: Path) -> None:
    text = HEAD + SEED + '    references: ["refs/{image}.png"]\n    takes: 101\n  - id: last\n    prompt: character9\n'
    rows = "id,thing,seed,image\na,b,five,gone\na,b,1\n,b,1,gone\nb,,2,gone,more\nc,d,-1,\n"
    found = loaded(tmp_path, text, rows).problems
    assert [told(problem) for problem in found if problem.severity == "error"] == [
        (6, "rows.csv:3:C", "for_each.cells"),
        (6, "rows.csv:5:E", "for_each.cells"),
        (7, "rows.csv:4:A", "for_each.empty-cell"),
        (9, "rows.csv:2:C", "seed.const"),
        (9, "rows.csv:6:C", "seed.minimum"),
        (10, "rows.csv:6:D", "for_each.empty-cell"),
        (10, "rows.csv:2:D", "reference.unusable"),
        (10, "rows.csv:4:D", "reference.unusable"),
        (11, None, "takes.maximum"),
        (12, None, "references.required"),
    ]


def test_a_list_that_is_not_there_hides_nothing_else(tmp_path: Path) -> None:
    found = loaded(tmp_path, HEAD + "    duration: 99\n    sed: 5\n", None).problems
    assert [told(problem) for problem in found] == [
        (6, None, "for_each.unusable"),
        (9, None, "duration.maximum"),
        (10, None, "unknown-key"),
    ]
    assert 'did you mean "row' not in found[0].message
    (tmp_path / "row.csv").write_text(ROWS)
    assert "did you mean row.csv?" in loaded(tmp_path, HEAD, None).problems[0].message


def test_both_rows_of_one_id_are_named(tmp_path: Path) -> None:
    (problem,) = loaded(tmp_path, HEAD, "id,thing\na,b\nc,d\na,e\n").problems
    assert "first in rows.csv:2:A" in problem.message
    assert told(problem) == (7, "rows.csv:4:A", "id.unique")


def test_the_command_shows_manifest_and_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(tmp_path, HEAD + SEED, "id,thing,seed\na,b,five\n")
    monkeypatch.chdir(tmp_path)
    assert in_process("validate", "manifest.yaml").err.startswith(
        'manifest.yaml:9:11: rows.csv:2:C: seed cannot be "five"; write a whole number, or random\n'
        "    at $.scenes[0].seed (scene a), rule seed.const"
    )
    (finding,) = json.loads(in_process("validate", "manifest.yaml", "--format", "json").out)["findings"]
    assert (finding["path"], finding["cell"]) == ("$.scenes[0].seed", {"file": "rows.csv", "row": 2, "column": "C"})
    assert Draft202012Validator(shipped().document("findings")).is_valid({"findings": [finding]})


def test_an_unknown_name_lists_what_there_is(tmp_path: Path) -> None:
    found = loaded(tmp_path, HEAD.replace("{thing}", "{nothing at all}").replace("{look}", "{lok}")).problems
    assert [problem.message.split("; ")[1].split(" (")[0] for problem in found] == [
        "there is hero, id, look, seed and thing",
        "did you mean {look}?",
    ]


@pytest.mark.parametrize("text", [HEAD + "for_each: rows.csv\n", HEAD + "defaults: {for_each: rows.csv}\n"])
def test_the_place_of_for_each_is_told(tmp_path: Path, text: str) -> None:
    (problem,) = loaded(tmp_path, text).problems
    assert (problem.rule, "put it into a scene, above its id" in problem.message) == ("unknown-key", True)


def test_more_rows_than_a_manifest_takes_are_not_written_out(tmp_path: Path) -> None:
    most = WHOLE["properties"]["scenes"]["maxItems"]
    rows = "id,thing\n" + "".join(f"{number},x\n" for number in range(most + 1))
    (problem,) = loaded(tmp_path, HEAD, rows).problems
    assert told(problem) == (6, None, "scenes.maxItems")


def test_a_list_of_several_shots_is_read_and_told_of_once(tmp_path: Path) -> None:
    more = '  - for_each: rows.csv\n    id: "more-{id}"\n    prompt: "{hero} drops {thing}"\n'
    assert [scene.id for scene in scenes(tmp_path, HEAD + more)] == ["a", "b", "c", "more-a", "more-b", "more-c"]
    found = loaded(tmp_path, HEAD + more, "id,thing\na\nb,c\n").problems
    assert [told(problem) for problem in found] == [(6, "rows.csv:2:A", "for_each.cells")]


def test_a_list_with_millions_of_cells_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_file, "MOST_CELLS", 8)
    assert loaded(tmp_path, HEAD, "id,thing\na,b\nc,d\n").problems == ()
    (problem,) = loaded(tmp_path, HEAD, "id,thing\na,b\nc,d\n\n\n\n").problems
    assert (told(problem), "8 cells" in problem.message) == ((6, None, "for_each.unusable"), True)


def test_a_row_that_looks_like_its_line_with_a_comment(tmp_path: Path) -> None:
    """A prompt without quotes, in which a cell puts what stands there already."""
    text = HEAD.replace('"{hero} holds {thing}, {look}"', "character1 holds {thing} #3")
    assert "cast.unknown" in [problem.rule for problem in loaded(tmp_path, text, "id,thing\na,{thing}\n").problems]


def test_the_work_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(for_each, "MOST_CHARACTERS", 10_000)
    rows = "id,thing\n" + "".join(f"{number},{'x' * 5_000}\n" for number in range(9))
    (problem,) = [one for one in loaded(tmp_path, HEAD, rows).problems if one.rule.startswith("for_each")]
    assert told(problem) == (6, None, "for_each.too-large")


names = st.text("abcdefgh0123", min_size=1, max_size=6)
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="{}'="), min_size=1)
tables = st.dictionaries(names, words, min_size=1, max_size=6)


def as_csv(table: dict[str, str], mark: str) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=mark, lineterminator="\n").writerows([("id", "thing"), *table.items()])
    return written.getvalue()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rows")


def requests(folder: Path, table: dict[str, str], mark: str) -> dict[str, str]:
    found = loaded(folder, HEAD, as_csv(table, mark))
    assert found.manifest is not None, found.problems
    return {scene.id: scene.request.sha256 for scene in found.manifest.scenes}


@settings(max_examples=20)
@given(table=tables, mark=st.sampled_from(",;\t"), order=st.randoms())
def test_the_order_of_rows_and_the_delimiter_change_no_request(
    place: Path,
    table: dict[str, str],
    mark: str,
    order: Random,
) -> None:
    before = requests(place, table, ",")
    moved = list(table.items())
    order.shuffle(moved)
    assert requests(place, dict(moved), mark) == before


@settings(max_examples=20)
@given(table=tables, word=words, chance=st.integers(0, 10))
def test_an_edited_cell_changes_its_row_alone(place: Path, table: dict[str, str], word: str, chance: int) -> None:
    before, name = requests(place, table, ","), sorted(table)[chance % len(table)]
    after = requests(place, {**table, name: f"{table[name]} {word}"}, ",")
    assert {each for each in before if before[each] != after[each]} == {name}


marks = st.sampled_from(
    [*',;\t\n\r"{}=\x00\ufeff', "id", "thing", "seed", "sep=;\n", "5", "random", "\N{NO-BREAK SPACE}"]
)


@given(content=st.binary(max_size=80) | st.lists(marks, max_size=40).map(lambda parts: "".join(parts).encode()))
@example(content=b"PK\x03\x04")
@example(content=b"\xff\xfei\x00")
@example(content=b'id,thing,seed\n"a"b,c,5\n')
def test_any_list_gets_an_answer(place: Path, content: bytes) -> None:
    found = loaded(place, HEAD + SEED, content)
    assert (found.manifest is None) == any(problem.severity == "error" for problem in found.problems)
    assert [problem.path for problem in found.problems if problem.path[:2] != ("scenes", 0)] in ([], [("cast", "hero")])


# What editors are told.
SHOT = {"for_each": "rows.csv", "id": "{id}", "prompt": "{hero} holds {thing}"}
EDITED = {
    "a seed of a column": ({**SHOT, "seed": "{seed}"}, True),
    "a duration of a column": ({**SHOT, "duration": "{len}"}, True),
    "a size of two columns": ({**SHOT, "size": "{w}*{h}"}, True),
    "values as ever": ({**SHOT, "seed": 5, "duration": 5, "size": "1280*720", "takes": 2, "audio": False}, True),
    "a seed in words": ({**SHOT, "seed": "five"}, False),
    "an id without a column": ({**SHOT, "id": "s01"}, False),
    "no id": ({"for_each": "rows.csv", "prompt": "x"}, False),
    "an unknown key": ({**SHOT, "sed": 5}, False),
    "a list of no text": ({**SHOT, "for_each": 5}, False),
    "a column elsewhere": ({"id": "s01", "prompt": "x", "seed": "{seed}"}, False),
    "an id of a column elsewhere": ({"id": "{id}", "prompt": "x"}, False),
}


@pytest.mark.parametrize(("shot", "is_valid"), EDITED.values(), ids=EDITED)
def test_an_editor_takes_columns_in_a_shot_with_rows_only(shot: dict[str, object], is_valid: bool) -> None:  # noqa: FBT001
    whole = {"version": 1, "name": "rows", "scenes": [shot]}
    assert Draft202012Validator(WHOLE).is_valid(whole) is is_valid


def test_the_schema_of_a_shot_with_rows_has_every_setting() -> None:
    items = WHOLE["properties"]["scenes"]["items"]
    assert items["then"]["properties"].keys() - {"for_each"} == items["else"]["allOf"][0]["properties"].keys()


def test_columns_reach_into_mappings(tmp_path: Path) -> None:
    """A reference may be a mapping; its texts are filled like any others."""
    (tmp_path / "rows.csv").write_text("id,from,at\na,s01,2.5\n")
    text = b'scenes: [{for_each: rows.csv, id: "{id}", references: [{scene: "{from}", frame: "{at}"}]}]'
    result = expanded(read(text), 10, lambda name, used: read_rows(name, tmp_path, used), accepting({}), ())
    assert isinstance(result.document.data, dict)
    reference = {"scene": "s01", "frame": Decimal("2.5")}
    assert result.document.data["scenes"] == [{"id": "a", "references": [reference]}]
