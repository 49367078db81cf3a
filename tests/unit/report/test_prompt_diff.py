"""The words of a prompt that were changed."""

import pytest

from batchgen.report.prompt_diff import changed_words


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        ("35 mm, night", "35 mm, dawn", "35 mm, night", "35 mm, dawn"),
        ("she runs home. 35 mm, night", "she runs home. 35 mm, dawn", "… 35 mm, night", "… 35 mm, dawn"),
        ("a b c d e", "a b x c d e", "a b c d …", "a b x c d …"),
        ("a b c d e f g h i k", "x b c d e f g h i y", "a b c … h i k", "x b c … h i y"),
        ("a b", "", "a b", ""),
        ("", "a b", "", "a b"),
        ("a  b\nc", "a b c", "", ""),
        ("她在花园里散步", "她在雨里散步", "她在花园里散 …", "她在雨里散 …"),
    ],
)
def test_what_changed_is_shown_with_the_words_around_it(before: str, after: str, old: str, new: str) -> None:
    assert changed_words(before, after) == (old, new)


def test_a_prompt_that_is_another_one_is_cut() -> None:
    old, new = changed_words("a " * 400, "b " * 400)
    assert len(old) == len(new) == 241
    assert old.endswith("…")
