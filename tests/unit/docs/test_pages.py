"""What the README and the pages under docs/ name is there: commands, options, files, pages of the site."""

import re
import runpy
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
import yaml

from batchgen.cli.main import cli

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
"""Each block with its language: what closes one must not be taken for what opens the next."""
_OF_A_SHELL = frozenset({"", "sh", "bash"})
_INLINE = re.compile(r"`(batchgen [^`]*)`")
_BEGINS = re.compile(r"(?:^|&&|\|\||[;|(])\s*(?:\$ )?(?:[A-Z_]+=\S*\s+)*(?:\S*/)?batchgen ")
"""Where a call of batchgen begins in a line of a shell."""
_LINK = re.compile(r"\]\(([^)#:]*)#?([^):]*)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands(page: str) -> Iterator[list[str]]:
    """The calls of batchgen in blocks of a page, as words, and in its text; what only shows a usage has brackets."""
    blocks = [block for language, block in _BLOCK.findall(page) if language in _OF_A_SHELL]
    inline = _INLINE.findall(_FENCED.sub("", page))
    for line in "\n".join([*blocks, *(" ".join(each.split()) for each in inline)]).replace("\\\n", " ").splitlines():
        for found in _BEGINS.finditer(line.strip()):
            call = re.split(r"&&|\|\||[;|)>]", line.strip()[found.end() :])[0]
            if not re.search(r"[\[\]…]|\.\.\.|^COMMAND", call.partition("#")[0]):
                yield shlex.split(call, comments=True)


def refused(words: list[str]) -> list[str]:
    """What of a call the program does not know."""
    command: click.Command | None = cli
    with click.Context(cli) as context:
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            command, words = command.get_command(context, words[0]), words[1:]
        if command is None:
            return ["the command"]
        options = command.get_params(click.Context(command))
        known = {name: each for each in options for name in [*each.opts, *each.secondary_opts]}
    given = [word for word in words if re.match(r"--?[a-z]", word)]
    unknown = [word for word in given if word.partition("=")[0] not in known.keys() | {"-h", "--help"}]
    return unknown + [word for name, word in _values(words) if name in known and not _is_taken(known[name], word)]


def _values(words: list[str]) -> Iterator[tuple[str, str]]:
    """Options with the word that may be their value."""
    for word, following in pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        yield name, value if equals else following


def _is_taken(option: click.Parameter, word: str) -> bool:
    """Whether a word is one of those that an option takes; one in capitals stands for a value."""
    return not isinstance(option.type, click.Choice) or word in option.type.choices or word.isupper()


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_on_a_page_are_those_of_the_program(path: Path) -> None:
    said = list(commands(path.read_text(encoding="utf-8")))
    assert [(words, refused(words)) for words in said if refused(words)] == []


def test_a_command_that_is_not_there_is_found() -> None:
    page = "```sh\nbatchgen  plan x.yaml --ask-gatway\n.venv/bin/batchgen model imprt spec.json\n```\n"
    assert [refused(words) for words in commands(page)] == [["--ask-gatway"], ["the command"]]


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("```text\nx\n```\nand\n```sh\nbatchgen run x.yaml --yess\n```\n", ["--yess"]),
        ("```sh\ncd x && BATCHGEN_WORKERS=2 batchgen run x.yaml -q\n```\n", ["-q"]),
        ("```sh\nbatchgen plan x.yaml --format=xml > plan\n```\n", ["xml"]),
        ("see `batchgen status --wach`", ["--wach"]),
        ("```sh\nbatchgen audit runs/* --by FIELD | less --chop\n```\n", []),
    ],
)
def test_an_option_or_a_value_that_is_not_there_is_found(page: str, wrong: list[str]) -> None:
    assert [refused(words) for words in commands(page)] == [wrong]


def places(path: Path) -> set[str]:
    """The addresses that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(path: Path, place: str) -> bool:
    return path.exists() and (not place or place in places(path))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_of_a_page_lead_somewhere(path: Path) -> None:
    links = _LINK.findall(_FENCED.sub("", path.read_text(encoding="utf-8")))
    assert [link for link in links if not is_there(path.parent / link[0] if link[0] else path, link[1])] == []


def test_the_site_has_every_page_once() -> None:
    named = re.findall(r": (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def test_the_site_fetches_nothing_when_it_is_read() -> None:
    """What the theme would fetch from elsewhere unless it is told not to: fonts, and scripts by their address."""
    read = yaml.safe_load(re.sub(r"!!python\S*", "", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert read["theme"]["font"] is False
    assert all((DOCS / path).exists() for path in [*read["extra"]["polyfills"], *read["extra_css"]])
    assert not re.search(r"@import|url\(", (DOCS / "assets" / "site.css").read_text(encoding="utf-8"))


def test_what_github_shows_in_another_way_is_turned_for_the_site() -> None:
    turned = runpy.run_path(str(DOCS / "hooks.py"))["on_page_markdown"]
    page = SimpleNamespace(file=SimpleNamespace(src_uri="reference/manifest.md"))
    text = "[a](../../README.md#tests) [b](../money.md) [c](../../gone.md)\n| `x\\|y` | z\\|z |\n"
    assert turned(text, page=page) == "a [b](../money.md) [c](../../gone.md)\n| `x|y` | z\\|z |\n"
    diagram = "```mermaid\nstateDiagram-v2\n    [*] --> running: submitted\n```\n"
    assert turned(diagram, page=page).splitlines()[2:] == ["| (nothing) | submitted | running |"]
