"""docs/screens.md shows what the program shows."""

import os
from pathlib import Path

import pytest

from helpers.update_screens import PAGE, Screen, page

pytestmark = pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")


@pytest.mark.timeout(600)  # it waits for runs, which take several times longer on a machine that is busy
def test_the_screens_are_what_the_program_shows_now(tmp_path: Path) -> None:
    assert page(tmp_path).splitlines() == PAGE.read_text(encoding="utf-8").splitlines()


def test_a_screen_notices_what_is_too_long_for_it() -> None:
    screen = Screen(4)
    screen.show("abcd\r\nab\rcd\r\n")
    assert (screen.text(), screen.broke) == ("abcd\ncd", [])
    screen.show("abcde")
    assert screen.broke == ["abcd"]
