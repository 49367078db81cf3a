"""Each file in tests/examples is a test of its own: drop one in, and it is checked.

A manifest under ``valid`` has no errors. One under ``invalid`` says in comments what is found in it,
in order: ``# expect: LINE RULE`` and, for a warning, ``# expect: LINE RULE warning``.
"""

import re
from pathlib import Path

import pytest

from batchgen.manifest.load import load_manifest
from batchgen.providers.registry import request_form
from batchgen.schemas import shipped

from helpers.support import told

EXAMPLES = Path(__file__).parents[2] / "examples"
_EXPECTED = re.compile(r"# expect: (.+?)\s*$", re.MULTILINE)


def examples(folder: str) -> list[Path]:
    return sorted((EXAMPLES / folder).glob("*.yaml"))


def expected_in(path: Path) -> list[str]:
    return _EXPECTED.findall(path.read_bytes().decode("utf-8", "replace"))


@pytest.mark.parametrize("path", examples("valid"), ids=lambda path: path.stem)
def test_a_valid_example(path: Path) -> None:
    checked = load_manifest(path, shipped(), request_form)
    assert told(checked.problems) == expected_in(path)
    assert checked.manifest is not None


@pytest.mark.parametrize("path", examples("invalid"), ids=lambda path: path.stem)
def test_an_invalid_example(path: Path) -> None:
    checked = load_manifest(path, shipped(), request_form)
    assert told(checked.problems) == expected_in(path)
    assert checked.manifest is None


def test_there_are_examples_of_both_kinds() -> None:
    assert len(examples("valid")) >= 3
    assert len(examples("invalid")) >= 3
    assert all(expected_in(path) for path in examples("invalid"))
