"""What fits a terminal: lines that break between words, tables in columns, below one another, or in words."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchgen.report.tables import columns_of, command_lines, some_of, spans, table, wrapped

HEADER = ("scene", "paid", "why")
LONG = "the prompt was changed, and so the scene is paid for once more by this run"


@given(st.text(alphabet="ab é中\n", max_size=200), st.integers(20, 80))
def test_no_line_is_too_long_and_no_word_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width, "  ")
    assert "".join("".join(lines).split()) == "".join(text.replace("\n", "\\n").split())
    longest = max((columns_of(word) for word in text.replace("\n", "\\n").split()), default=0)
    assert all(columns_of(line) <= max(width, longest + 2) for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])


def test_a_word_stays_whole_and_a_line_of_wide_characters_breaks_anywhere() -> None:
    path = "runs/" + "x" * 90
    assert wrapped(f"it lies in {path} now", 40) == ["it lies in", path, "now"]
    assert [columns_of(line) for line in wrapped("雨" * 30, 40)] == [40, 20]


def test_the_last_column_wraps_in_its_place_as_long_as_there_is_room() -> None:
    lines = table(HEADER, [("s01", "0.20", LONG)], 60, right=(1,))
    assert lines[:2] == ["scene  paid  why", "s01    0.20  the prompt was changed, and so the scene is"]
    assert lines[2] == " " * 13 + "paid for once more by this run"


def test_it_stands_below_where_there_is_little_room() -> None:
    lines = table(("scene", "task", "why"), [("s01", "t" * 30, LONG), ("s02", "t", "")], 60)
    assert lines[0] == "scene  task"
    assert lines[1] == "s01    " + "t" * 30
    assert lines[2].startswith("    the prompt was changed")
    assert lines[-1] == "s02    t"
    assert max(map(len, lines)) <= 60


def test_a_row_whose_columns_do_not_fit_is_told_in_words() -> None:
    lines = table(("tier", "declared", "learned", "new"), [("720P", "0." + "1" * 30, "0." + "2" * 30, "")], 60)
    assert lines == ["720P", f"    declared 0.{'1' * 30}", f"    learned 0.{'2' * 30}"]


def test_a_long_name_has_a_line_of_its_own() -> None:
    lines = table(HEADER, [("n" * 64, "0.20", "new"), ("s02", "", "new")], 80, below={0: ["- old", "+ new"]})
    assert lines == ["scene  paid  why", "n" * 64, "       0.20  new", "    - old", "    + new", "s02          new"]


def test_what_comes_from_elsewhere_begins_no_line_of_its_own() -> None:
    assert table(HEADER, [("s\nTo go on: rm", "", "x\ny")], 80)[1] == "s\\nTo go on: rm        x\\ny"


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ("a b c d e f g h i j k l m n", "a … n"),
        ("a b", "a, b"),
        ("a c d e", "a, c … e"),
        ("a c e g i k m n", "a, c, e, g, i, k and 2 more"),
    ],
)
def test_names_in_a_row_are_told_by_the_first_and_the_last(chosen: str, told: str) -> None:
    assert spans(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"], set(chosen.split())) == told


def test_the_first_few_of_many() -> None:
    assert some_of(list("abc")) == "a, b, c"
    assert some_of(list("abcdefg")) == "a, b, c, d, e and 2 more"


def test_a_long_command_is_one_that_a_shell_understands() -> None:
    words = [
        "batchgen",
        "run",
        "my film.yaml",
        "--run-dir",
        "runs/film",
        "--base-url",
        "http://127.0.0.1:8080",
        "--yes",
    ]
    lines = command_lines(words, 40, "  ")
    assert max(map(len, lines)) <= 40
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == words
    assert any(line.strip().startswith("--run-dir runs/film") for line in lines), "an option stays with its value"
