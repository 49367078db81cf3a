"""The pages under docs/reference/ say what schemas and program say."""

import re

import pytest

from batchgen.options import OPTIONS

from helpers.reference.markdown import plain, prose
from helpers.reference.sources import SCHEMAS
from helpers.update_reference import FOLDER, PAGES

ROOT = FOLDER.parents[1]


def text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_its_source_says_now(name: str) -> None:
    assert text(name) == PAGES[name](), "run: python tests/helpers/update_reference.py"


def test_there_is_no_page_that_nobody_makes() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(PAGES)


def test_each_option_of_run_stands_with_its_variable_and_its_key() -> None:
    (of_run,) = re.findall(r"^## batchgen run\n.*?(?=^## )", text("commands.md"), re.MULTILINE | re.DOTALL)
    rows = {row.split("`")[1].split()[0]: row for row in re.findall(r"^\| `--.*$", of_run, re.MULTILINE)}
    assert list(rows) == [f"--{name.replace('_', '-')}" for name in OPTIONS]
    for name, option in OPTIONS.items():
        row = rows[f"--{name.replace('_', '-')}"]
        assert (f"`BATCHGEN_{name.upper()}`" in row) is option.in_environment
        assert (f"`run: {name}`" in row) is not bool(option.refusal)


def test_each_key_of_a_manifest_has_a_heading() -> None:
    whole = SCHEMAS.document("manifest")
    nested = [
        whole["properties"]["scenes"]["items"]["else"]["allOf"][0],
        *(whole["properties"][at] for at in ("pricing", "run")),
    ]
    named = [name for each in (whole, *nested) for name in each["properties"]]
    assert re.findall(r"^### `(\w+)`$", text("manifest.md"), re.MULTILINE)[: len(named)] == named


def test_each_code_that_ends_a_run_early_is_explained() -> None:
    """Only literals are found; the other codes are those of the gateway and of tables."""
    source = (ROOT / "batchgen" / "engine" / "reactions.py").read_text(encoding="utf-8")
    held = re.findall(r'_stop_submitting\(Stop\.\w+, "(\w+)"', source)
    assert held
    assert [code for code in held if f"| `{code}` |" not in text("error-codes.md")] == []


def test_nothing_in_a_text_is_taken_for_markup() -> None:
    assert plain("a *b* <c> _d_ [e](f) max_in_flight `g`") == r"a \*b\* \<c> \_d\_ \[e\](f) max_in_flight \`g\`"
    assert prose("plan --out FILE, not  a-b--c") == "plan `--out` FILE, not a-b--c"
