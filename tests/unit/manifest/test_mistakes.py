"""Each mistake that users make with manifests, and the exact words that they get.

Whoever changes a message reads it here as a user does: would somebody who does not know YAML be able to
mend the manifest from it alone? ``python tests/helpers/update_mistakes.py`` writes the words down again.
"""

from pathlib import Path

import pytest

from helpers.support import in_process
from helpers.update_mistakes import MISTAKES, manifests

DOUBTFUL = {"cast-unused", "cast-without-braces", "comment-cuts-prompt", "long-duration", "twins"}
"""Mistakes that are warnings: something may be wrong."""


@pytest.mark.parametrize("path", manifests(), ids=lambda path: path.stem)
def test_a_mistake_is_told_in_these_words(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.chdir(MISTAKES)
    ended = in_process("validate", path.name)
    assert ended.err == path.with_suffix(".txt").read_text(encoding="utf-8")
    assert ended.code == (0 if path.stem in DOUBTFUL else 3)


@pytest.mark.parametrize("name", sorted(DOUBTFUL))
def test_what_is_doubtful_is_wrong_where_the_user_is_strict(name: str) -> None:
    path = MISTAKES / f"{name}.yaml"
    assert "warning: " in path.with_suffix(".txt").read_text(encoding="utf-8")
    assert in_process("validate", str(path), "--strict").code == 3


def test_no_words_are_left_without_their_mistake() -> None:
    assert {path.stem for path in MISTAKES.glob("*.txt")} == {path.stem for path in manifests()}
