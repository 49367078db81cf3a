"""docs/reliability.md has a place for every table, and what stands in it is what the programs make."""

from pathlib import Path

import pytest

from campaigns.mutations.faults import FAULTS
from campaigns.network.table import as_markdown
from helpers import pages

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
TABLES = ("command", "faults", "books", "scenes", "simulation", "network", "fuzzing", "mutations")


@pytest.mark.parametrize("name", TABLES)
def test_each_table_has_its_place(tmp_path: Path, name: str) -> None:
    page = tmp_path / "page.md"
    page.write_bytes(PAGE.read_bytes())
    pages.put(page, name, "NEW\n")
    before, after = (path.read_text(encoding="utf-8") for path in (PAGE, page))
    assert f"<!-- {name} -->\nNEW\n<!-- /{name} -->" in after
    begin, end = before.index(f"<!-- {name} -->"), before.index(f"<!-- /{name} -->")
    assert (after[:begin], after[-len(before[end:]) :]) == (before[:begin], before[end:])
    assert "\n" in before[begin:end].strip(), "nothing stands there yet"


def test_a_page_without_the_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- one -->", encoding="utf-8")
    for name in ("one", "other"):
        with pytest.raises(SystemExit, match=name):
            pages.put(page, name, "")
    assert page.read_text(encoding="utf-8") == "<!-- one -->"


def test_a_table_keeps_its_cells_apart() -> None:
    assert pages.table(("a", "b"), [(1, "x|y")]) == "| a | b |\n| --- | --- |\n| 1 | x\\|y |\n"


def test_the_page_has_the_faults_on_the_wire_that_are_tested() -> None:
    assert as_markdown() in PAGE.read_text(encoding="utf-8")


def test_the_page_names_every_deliberate_fault() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [fault.name for fault in FAULTS if f"| {fault.name} |" not in text] == []
