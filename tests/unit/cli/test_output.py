"""What is shown fits the terminal: words and commands stay whole."""

from pathlib import Path

import pytest

from batchgen.cli import problems
from batchgen.cli.output import fitted, labelled
from batchgen.model import Place, Problem

from helpers.support import in_process

LONG = 'prompt: "{hero} runs over the lawn, and {dog} jumps over the old wooden fence behind her, in the rain'


def problem(source: str = "", column: int = 3) -> Problem:
    message = 'duration has to be a whole number, not "five seconds or so"; write it in digits, without words'
    path, value = ("scenes", 0, "duration"), '"five seconds or so"'
    return Problem(Place(7, column), path, "duration.type", message, value, source=source, scene_id="s01")


@pytest.mark.parametrize("edge", [60, 72, 100])
def test_problems_are_broken_between_words(edge: int) -> None:
    whole, shown = problems.as_text("film.yaml", [problem()]), problems.as_text("film.yaml", [problem()], edge)
    assert max(map(len, shown.splitlines())) <= edge
    assert shown.split() == whole.split()
    assert len(whole.splitlines()) == 2, "without a terminal a line stays a line"


def test_what_goes_on_stands_below_what_it_belongs_to() -> None:
    shown = problems.in_table("shots.csv", [problem()], 60).splitlines()
    assert [len(line) - len(line.lstrip()) for line in shown] == [0, 2, 4, 6]


@pytest.mark.parametrize("column", [9, 40, len(LONG)])
def test_the_line_of_a_manifest_is_cut_around_its_caret(column: int) -> None:
    told = problems.as_text("film.yaml", [problem(LONG, column)], 60).splitlines()
    caret = next(number for number, line in enumerate(told) if line.strip() == "^")
    assert max(map(len, told)) <= 60
    assert told[caret - 1][told[caret].index("^")] == LONG[column - 1]


def test_a_line_without_a_terminal_is_not_broken() -> None:
    assert fitted("word " * 40, None).count("\n") == 0
    assert fitted("word " * 40, 80).count("\n") == 2


def test_a_command_that_is_too_long_is_broken_where_a_shell_goes_on() -> None:
    words = ["batchgen", "run", "film.yaml", "--run-dir", str(Path("somewhere") / ("x" * 30)), "--profile", "draft"]
    assert labelled("To go on:", words[:3], 60) == ["To go on:  batchgen run film.yaml"]
    assert labelled("To go on:", words, None) == [f"To go on:  {' '.join(words)}"]
    label, *lines = labelled("To go on:", words, 60)
    assert label == "To go on:"
    assert max(map(len, lines)) <= 60
    assert " ".join(line.rstrip("\\").strip() for line in lines) == " ".join(words)


def test_what_can_be_chosen_from_is_shown_without_escapes() -> None:
    said = in_process("export", str(Path())).err
    assert "  otio,\n  otioz,\n" in said
