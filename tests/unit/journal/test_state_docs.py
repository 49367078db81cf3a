"""docs/state.md says of the journal what the code does."""

import re
from pathlib import Path

from batchgen.engine.attempts import TRANSITIONS, AttemptState
from batchgen.journal.records import KINDS, line_fields

TEXT = (Path(__file__).parents[3] / "docs" / "state.md").read_text(encoding="utf-8")


def table(header: str) -> list[list[str]]:
    """The cells of the table with that header."""
    _, _, below = TEXT.partition(f"\n{header}\n")
    lines = below.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_events_are_those_of_the_journal() -> None:
    told = {named(event)[0]: named(listed) for event, listed, _ in table("| event | fields | says |")}
    assert told == {name: [entry for entry in line_fields(kind) if entry != "at"] for name, kind in KINDS.items()}


def test_the_transitions_are_those_of_the_table() -> None:
    told = {(event.strip("`"), before.strip("`"), after.strip("`")) for event, before, after in transitions()}
    names = {kind: name for name, kind in KINDS.items()}
    assert told == {
        (names[kind], before or "(nothing)", after)
        for kind, steps in TRANSITIONS.items()
        for before, after in steps.items()
    }


def transitions() -> list[list[str]]:
    return table("| event | from | to |")


def test_every_state_is_explained() -> None:
    told = {named(row[0])[0] for row in table("| state | means | in the report | the next run |")}
    assert told == set(AttemptState)
