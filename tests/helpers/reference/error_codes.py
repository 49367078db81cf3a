"""docs/reference/error-codes.md: what codes mean and what to do, out of the models and of the program's own words."""

from collections.abc import Iterable

from batchgen.report import meanings

from helpers.pages import table
from helpers.reference.markdown import code, page, plain, prose, section
from helpers.reference.sources import SCHEMAS

_INTRO = (
    "What stands as `error_code` in `report.csv` and `ledger.csv`, and in the summary of a run. The gateway's codes "
    "appear as they came; batchgen's own are words. [What the gateway's answers mean](../gateway.md) says how each "
    "answer is read, [Unknown outcomes](../unknown.md) what to do about a submission that nobody knows the end of."
)
_REFUSED = (
    "A refusal without a code of its own appears as `http_NNN`, with the status of HTTP. It creates no task. For any "
    "other 4xx: "
)
_HELD_BACK = {
    "budget": "It would go beyond the budget: run again with a higher --budget.",
    "shut_out": "The gateway let nothing in for 10 minutes, with 429 or 503: run again later.",
    "storage": "What would come could not be kept: make room on the disk, and run again.",
    "unanswered": "The gateway gave no usable answer to one submission after the other: look into that first.",
}
_WAITING = (
    "The scene is `pending`, nothing was sent for it, and the next run submits it. Where the account was refused, "
    "the code is that of the refusal."
)


def error_codes_page() -> str:
    """The page as it has to be."""
    return page(
        "Error codes",
        _INTRO,
        *map(_of_model, filter(_codes, SCHEMAS.models())),
        section("Codes of batchgen", _table(meanings._WORDS.items())),  # noqa: SLF001 - its table is the page
        section("Left for a later run", _WAITING, _table(_HELD_BACK.items())),
        section("Refusals by HTTP", _REFUSED + prose(meanings.meaning("http_418", {})), _table(_refusals())),
    )


def _codes(model: str) -> meanings.Codes:
    codes: meanings.Codes = SCHEMAS.for_model(model, "model.json")["errors"]
    return codes


def _of_model(model: str) -> str:
    rows = [
        (code(name), plain(entry["description"]), entry["class"].replace("_", " "), prose(entry["advice"]))
        for name, entry in _codes(model).items()
    ]
    listed = table(["code", "the gateway's words", "class", "what to do"], rows)
    return section(f"Codes of {code(model)}", listed, _classes())


def _classes() -> str:
    """What each class of codes means, in the words of the schema."""
    described = SCHEMAS.document("model")["properties"]["errors"]["additionalProperties"]["properties"]["class"]
    return plain(described["description"].replace("_", " "))


def _refusals() -> Iterable[tuple[str, str]]:
    return ((f"http_{status}", text) for status, text in meanings._REFUSALS.items())  # noqa: SLF001 - as above


def _table(meant: Iterable[tuple[str, str]]) -> str:
    return table(["code", "means"], [(code(name), prose(text)) for name, text in meant])
