"""What the README shows is what the program does."""

from helpers.update_readme import README, shown_help


def test_the_help_in_the_readme_is_the_programs() -> None:
    assert shown_help() in README.read_text(encoding="utf-8")
