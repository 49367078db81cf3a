"""The usual slips of whoever writes prompts in YAML: each is told by its line, with what to do."""

from pathlib import Path

import pytest
import yaml

from batchgen.cli.problems import as_text
from batchgen.manifest.document import UnreadableManifest
from batchgen.manifest.yaml_reader import read
from batchgen.model import Place

from helpers.support import checked

HEAD = "version: 1\nname: x\nscenes:\n  - id: s01\n"
NAMES = ("id", "prompt", "seed", "name")
NEXT = '\n  - id: s02\n    prompt: "next"'
SLIPS = {
    "    prompt: {hero} waits": ((5, 13), 'has to stand in quotes: "{hero} waits"'),
    "    prompt: {hero} waits for {dog}": ((5, 13), 'has to stand in quotes: "{hero} waits for {dog}"'),
    "    prompt: {hero}: wait": ((5, 13), 'has to stand in quotes: "{hero}: wait"'),
    "    prompt: [a] door opens": ((5, 13), 'has to stand in quotes: "[a] door opens"'),
    "    extra: {prompt: {hero} waits, seed: 3}": ((5, 21), 'has to stand in quotes: "{hero} waits"'),
    "    prompt: wait: now": ((5, 13), 'a text with a colon in it has to stand in quotes: "wait: now"'),
    "    prompt: 看: 走": ((5, 13), 'a text with a colon in it has to stand in quotes: "看: 走"'),
    "    prompt: one\n      two: three": ((6, 10), "around all of the text of prompt, which begins in line 5"),
    "    extra: {prompt: a: b}": ((5, 22), "a text with a colon in it has to stand in quotes"),
    '    prompt: she says: "no"': ((5, 13), "has to stand in quotes: 'she says: \"no\"'"),
    "    prompt: 'It's late'": ((5, 16), "this ' ends the text too early; write \"It's late\""),
    "    prompt: 'It's Mara's turn'": ((5, 16), "this ' ends the text too early; write \"It's Mara's turn\""),
    "    extra: {prompt: 'It's late', seed: 3}": ((5, 24), 'write "It\'s late"'),
    '    prompt: "a "quoted" word"': ((5, 16), 'this " ends the text too early; write \'a "quoted" word\''),
    "    prompt: 'It's \"late\"'": ((5, 16), 'write "It\'s \\"late\\""'),
    '    prompt: "late"\n      and dark': ((5, 13), "the text goes on in line 6, behind its closing quote"),
    '    prompt: "not closed': ((5, 13), "the quote that opens here is never closed"),
    f'    prompt: "not closed{NEXT}': ((5, 13), "(it ends in line 7, where the next text begins)"),
    "    prompt: 'tis late": ((5, 13), 'or put the text into "…" if this is an apostrophe'),
    '    references: ["a.png, b.png]' + NEXT: ((5, 18), "the quote that opens here is never closed"),
    "    references: [a.png, b.png" + NEXT: ((5, 17), "the [ that opens here is never closed; type ]"),
    '    references: ["a.png" "b.png"]': ((5, 26), "a comma or the closing ] is missing before this"),
    '    references: ["C:\\maria.png"]': ((5, 21), "does not stand for itself; write / in its place"),
    '    audio_url: "C:\\Users\\maria.wav"': ((5, 19), "does not stand for itself; write / in its place"),
    "    prompt: %hero waits": ((5, 13), "a text that begins with % has to stand in quotes"),
    "    prompt: @hero waits": ((5, 13), "a text that begins with @ has to stand in quotes"),
    "    prompt: *hero* waits": ((5, 13), 'a text that begins with * has to stand in quotes: "*hero* waits"'),
    "    prompt: > hero waits": ((5, 13), "a text that begins with > has to stand in quotes"),
    "    prompt: - hero waits": ((5, 13), 'a text that begins with - has to stand in quotes: "- hero waits"'),
    "    references: [*.png, a.png]": ((5, 18), 'a text that begins with * has to stand in quotes: "*.png"'),
    "\tprompt: x": ((5, 1), "a tab indents this line; use spaces"),
    "     prompt: x\n    seed: 3": ((5, 6), "this line begins 1 column further right than id in line 4"),
    "      prompt: x": ((5, 7), "this line begins 2 columns further right than id in line 4"),
    "  prompt: x": ((5, 3), "this line begins 2 columns further left than id in line 4"),
    "    prompt: x\n - id: s02": ((6, 2), "1 column further left than the dash before it in line 4"),
    "prompt: x\n  - id: s02": ((5, 1), "this line begins 4 columns further left than id in line 4"),
    "    prompt: >\n      a\n   b": ((7, 4), "the indentation does not fit the lines above"),
    "    prompt: |\n    a text\n    seed: 3": (
        (6, 5),
        "the text of prompt has to begin further right than prompt in line 5",
    ),
    "    prompt: walks #1 of\n      seven": ((5, 19), "what stands behind # is a comment, and here it ends the text"),
    "    prompt:x\n    seed: 3": ((5, 12), "a blank is missing behind the colon: write prompt: and a blank"),
    "    prompt x\n    seed: 3": ((5, 11), "a colon is missing behind prompt: write prompt:"),
    '    prompt: "a\n--- b"': ((5, 13), "the quote that opens here is never closed"),
    "    references:\n      - a.png\n   b: c\n      - d.png": ((7, 4), "the indentation does not fit"),
    "  -id: s02\n    prompt: x": ((5, 4), "a blank is missing behind the dash"),
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


@pytest.mark.parametrize("slip", SLIPS)
def test_both_parsers_lead_to_the_same_remedy(slip: str) -> None:
    def told(loader: type) -> tuple[Place, str]:
        with pytest.raises(UnreadableManifest) as refused:
            read(f"{HEAD}{slip}\n".encode(), loader, NAMES)
        return refused.value.problem.place, refused.value.problem.message

    assert told(yaml.SafeLoader) == told(yaml.CSafeLoader)


def test_a_long_line_is_cut_around_the_caret_to_fit_a_terminal(tmp_path: Path) -> None:
    (problem,) = checked(tmp_path, f"{HEAD}    prompt: '{'walks ' * 20}it's {'late ' * 20}'\n").problems
    _, line, caret, _ = as_text("film.yaml", [problem]).splitlines()
    assert max(len(line), len(caret)) <= 80
    assert line[caret.index("^") - 2 :].startswith("it's late ")
    assert (line[4], line[-1]) == ("…", "…")


def test_the_caret_stands_below_characters_that_fill_two_cells(tmp_path: Path) -> None:
    (problem,) = checked(tmp_path, f"{HEAD}    prompt: '看看's\n").problems
    assert as_text("film.yaml", [problem]).splitlines()[2] == f"    {' ' * (12 + 1 + 4)}^"
