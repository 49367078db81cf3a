"""What the README and the pages under docs/ name is there: commands, options, files, pages of the site."""

import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
import yaml

from batchgen.cli.main import cli

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
_BLOCK = re.compile(r"^```(?:sh|bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]*)#?([^):]*)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands(page: str) -> Iterator[list[str]]:
    """The calls of batchgen in blocks of a page, as words; what only shows a usage has brackets."""
    for block in _BLOCK.findall(page):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.match(r"(?:\$ )?(?:\S*/)?batchgen (.*)", line.strip())
            if found and not re.search(r"[\[\]…]|\.\.\.", found[1].partition("#")[0]):
                yield shlex.split(found[1], comments=True)


def refused(words: list[str]) -> list[str]:
    """What of a call the program does not know."""
    command: click.Command | None = cli
    with click.Context(cli) as context:
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            command, words = command.get_command(context, words[0]), words[1:]
        if command is None:
            return ["the command"]
        known = {
            name for each in command.get_params(click.Context(command)) for name in [*each.opts, *each.secondary_opts]
        }
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known | {"--help"}]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_on_a_page_are_those_of_the_program(path: Path) -> None:
    said = list(commands(path.read_text(encoding="utf-8")))
    assert [(words, refused(words)) for words in said if refused(words)] == []


def test_a_command_that_is_not_there_is_found() -> None:
    page = "```sh\nbatchgen  plan x.yaml --ask-gatway\n.venv/bin/batchgen model imprt spec.json\n```\n"
    assert [refused(words) for words in commands(page)] == [["--ask-gatway"], ["the command"]]


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
