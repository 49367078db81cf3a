"""The faults fit the source as it is now; that each is noticed is for ``python tests/campaigns/mutations`` to say."""

from pathlib import Path

import pytest

from campaigns.mutations.__main__ import PACKAGE, changed
from campaigns.mutations.fault import Fault
from campaigns.mutations.faults import FAULTS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_fits_the_source_and_is_a_program(fault: Fault) -> None:
    source = (PACKAGE / fault.file).read_text(encoding="utf-8")
    faulty = changed(source, fault.changes)
    assert faulty != source
    compile(faulty, fault.file, "exec", dont_inherit=True)


def test_a_fault_that_fits_no_more_is_told() -> None:
    with pytest.raises(ValueError, match="found 0 times"):
        changed("one", [("two", "three")])
    with pytest.raises(ValueError, match="found 2 times"):
        changed(str(Path("a") / "a"), [("a", "b")])
