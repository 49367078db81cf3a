"""The usual slips of whoever writes prompts in YAML: each is told by its line, with what to do."""

from pathlib import Path

import pytest

from batchgen.cli.problems import as_text

from helpers.support import checked

HEAD = "version: 1\nname: x\nscenes:\n  - id: s01\n"
SLIPS = {
    "    prompt: {hero} waits": ((5, 13), 'has to stand in quotes: "{hero} waits"'),
    "    prompt: [a] door opens": ((5, 13), 'has to stand in quotes: "[a] door opens"'),
    "    prompt: wait: now": ((5, 13), 'a text with a colon in it has to stand in quotes: "wait: now"'),
    '    prompt: she says: "no"': ((5, 13), "has to stand in quotes: 'she says: \"no\"'"),
    "    prompt: 'It's late'": ((5, 13), "inside '…' a ' is written twice"),
    '    prompt: "a "quoted" word"': ((5, 13), 'inside "…" a " is written'),
    '    prompt: "not closed': ((5, 13), "the quote that opens here is never closed"),
    '    references: ["C:\\maria.png"]': ((5, 21), "found unknown escape character"),
    '    audio_url: "C:\\maria.wav"': ((5, 16), "begins an escape: write / in its place"),
    "    prompt: %hero waits": ((5, 13), "a text that begins with % has to stand in quotes"),
    "    prompt: @hero waits": ((5, 13), "a text that begins with @ has to stand in quotes"),
    "\tprompt: x": ((5, 1), "a tab indents this line; use spaces"),
    "     prompt: x\n    seed: 3": ((5, 6), "the indentation does not fit the lines above"),
    "      prompt: x": ((5, 7), "the indentation does not fit the lines above"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_with_its_line_and_its_remedy(tmp_path: Path, slip: str) -> None:
    (line, column), advice = SLIPS[slip]
    (problem,) = checked(tmp_path, f"{HEAD}{slip}\n").problems
    assert (problem.rule, problem.place) == ("yaml.syntax", (line, column)), problem.message
    assert advice in problem.message
    shown = as_text("film.yaml", [problem]).splitlines()
    assert shown[0].startswith(f"film.yaml:{line}:{column}: this is not YAML: ")
    assert shown[1][4:].strip() == f"{HEAD}{slip}".splitlines()[line - 1].replace("\t", " ").strip()
    assert shown[2] == f"    {' ' * (column - 1)}^"


def test_what_nobody_knows_a_remedy_for_is_told_in_the_words_of_the_parser(tmp_path: Path) -> None:
    (problem,) = checked(tmp_path, "version: 1\nname: ]\n").problems
    assert problem.rule == "yaml.syntax"
    assert "did not find expected node content" in problem.message
