"""The table of faults has a line for each, told apart by its words."""

from campaigns.network.faults import FAULTS, TOO_MUCH
from campaigns.network.table import as_markdown
from campaigns.network.unreachable import UNREACHABLE


def test_every_fault_has_a_line_of_its_own() -> None:
    lines = as_markdown().splitlines()[2:]
    told = [line.split(" | ")[0].removeprefix("| ") for line in lines]
    assert told == [*(way.does for way in UNREACHABLE), *(fault.does for fault in (*FAULTS, *TOO_MUCH))]
    assert len(set(told)) == len(told)


def test_what_may_have_created_a_task_is_never_called_certain() -> None:
    for line in as_markdown().splitlines()[2:]:
        fault, creating, *_ = line.strip("| ").split(" | ")
        assert ("sent again" in creating) == (fault in {way.does for way in UNREACHABLE})
