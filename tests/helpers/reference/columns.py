"""docs/reference/columns.md: the columns of the CSV files, out of their table schemas."""

from typing import Any

from helpers.pages import table
from helpers.reference.markdown import code, codes, page, plain, section
from helpers.reference.sources import SCHEMAS

_INTRO = (
    "Both files lie in the run directory, and `batchgen report` writes them again from the journal. Their schemas are "
    "Frictionless Table Schemas: `batchgen schema report.table-schema` and `batchgen schema ledger.table-schema` print "
    "them. `batchgen status --format json` has the rows of `report.csv`."
)
_TABLES = ("report.table-schema", "ledger.table-schema")


def columns_page() -> str:
    """The page as it has to be."""
    return page("Columns of report.csv and ledger.csv", _INTRO, *map(_table, _TABLES))


def _table(name: str) -> str:
    schema = SCHEMAS.document(name)
    rows = [(code(field["name"]), field["type"], _says(field)) for field in schema["fields"]]
    return section(schema["title"], plain(schema["description"]), table(["column", "type", "says"], rows))


def _says(field: dict[str, Any]) -> str:
    listed = field.get("constraints", {}).get("enum", [])
    return plain(field["description"]) + (f" One of {codes(listed)}." if listed else "")
