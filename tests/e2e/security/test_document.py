"""docs/security.md: every row names tests, and every test it names is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "security.md"
_NAMED = re.compile(r"`([a-z0-9_/]+\.py)::(test_[a-z_0-9]+)`")
THREATS = [
    "A hostile manifest",
    "A hostile gateway answer",
    "A hostile media file",
    "A hostile result URL",
    "A curious other user on the machine",
    "Sharing a log, a report or a run directory",
    "A run directory from somebody else",
    "Dependencies",
]


def sections() -> dict[str, str]:
    """The text below each heading of the second level."""
    _, *parts = re.split(r"^## ", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def rows(text: str) -> list[str]:
    """The rows of the tables in a text, without their heads."""
    return re.findall(r"^\| (?!attack|---).*$", text, flags=re.MULTILINE)


@pytest.mark.parametrize("threat", THREATS)
def test_each_threat_says_what_holds_it_and_what_does_not(threat: str) -> None:
    text = sections()[threat]
    assert rows(text)
    assert [row for row in rows(text) if not _NAMED.search(row)] == []
    assert re.search(r"^\*\*Not covered\.\*\* \S", text, flags=re.MULTILINE)


def test_every_test_that_is_named_is_there() -> None:
    named = _NAMED.findall(DOCUMENT.read_text(encoding="utf-8"))
    there = {path: functions(ROOT / "tests" / path) for path, _ in named}
    assert [f"{path}::{name}" for path, name in named if name not in there[path]] == []
    assert DOCUMENT.read_text(encoding="utf-8").count("::test_") == len(named)


def test_every_test_of_security_holds_a_threat() -> None:
    named = set(_NAMED.findall(DOCUMENT.read_text(encoding="utf-8")))
    own = {
        (f"e2e/security/{path.name}", name)
        for path in Path(__file__).parent.glob("test_*.py")
        if path != Path(__file__)
        for name in functions(path)
    }
    assert own - named == set()


def functions(path: Path) -> set[str]:
    """The names of the test functions in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
