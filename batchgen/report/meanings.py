"""What error codes mean, and what to do about them, in the words of who pays. Pure."""

import re
from collections.abc import Mapping

Codes = Mapping[str, Mapping[str, str]]
"""The codes that a model documents: description and advice by code."""

_WORDS: Mapping[str, str] = {
    "submit_unknown": (
        "Sent, and no usable answer came. A task may exist and cost money: look for it at your provider, "
        "then settle it with batchgen resolve. It is never sent again by itself."
    ),
    "task_timeout": "The task outlasted --task-timeout. It goes on; the next run waits for it again.",
    "task_not_found": (
        "The gateway says that it does not know the task. Each run looks for it again, free; ask your provider "
        "about it before you pay for another with --retry-failed."
    ),
    "task_id_repeated": (
        "The gateway gave out one task id twice. Ask your provider which task belongs to which scene, "
        "then settle it with batchgen resolve."
    ),
    "task_failed": "The gateway says that the task failed, and does not say why.",
    "task_cancelled": "The gateway says that the task was cancelled, and does not say why.",
    "task_expired": "The gateway says that the task has expired, and does not say why.",
    "no_result": (
        "The gateway calls the task completed and names no video. Each run looks for it again, free; ask your "
        "provider about it before you pay for another with --retry-failed."
    ),
    "download_failed": "Bought, and the file did not arrive. The next run fetches it without paying.",
    "media_mismatch": "Bought, and not what was asked for. The file is kept; --retry-failed buys it again.",
    "not_connected": "No connection to the gateway; nothing was sent. Run again when it can be reached.",
    "not_created": "Settled by hand: no task was created. The next run submits it.",
    "not_sent": (
        "Nothing was submitted or charged: a reference file is not what it was when it was checked, or cannot be read. "
        "Put that right, and run again with --retry-failed."
    ),
    "reference_unreachable": (
        "Nothing was submitted or charged: the object store that a reference lies in did not give it. The next run "
        "tries again."
    ),
    "waits_for": (
        "Built on the result of another scene, which is not there. Nothing was sent; a later run goes on once it is."
    ),
    "publish_failed": (
        "A file that the request names by URL could not be published. Nothing was sent; the next run tries again."
    ),
    "review": (
        "Built on a result that somebody has to look at first (review: true). Look at it in report.html; once it is "
        "picked with batchgen pick, the next run goes on."
    ),
}
_REFUSALS: Mapping[int, str] = {
    401: "The gateway does not take the API key. Nothing was charged.",
    402: "The gateway wants to be paid first: top up the balance at your provider. Nothing was charged.",
    403: (
        "The gateway refuses the account: the key may not do this, or the balance is too low. Ask your "
        "provider. Nothing was charged."
    ),
    404: (
        "The gateway does not know what was asked of it: is its address the right one? Nothing was charged; put that "
        "right, and run again with --retry-failed."
    ),
    413: "The request is too large for the gateway: use smaller references, or URLs. Nothing was charged.",
    429: "The gateway lets no more in for now: too many requests or tasks at once. Nothing was charged.",
    500: "The gateway had trouble of its own, and says that no task was created.",
    503: "The gateway is not available for now. Nothing was charged.",
}
_HTTP = re.compile(r"http_([0-9]{3})")
_NAMES: Mapping[str, int] = {"not_found": 404}
"""Statuses that answers in JSON call by a word."""
_CLIENT, _SERVER = 400, 500
DETAILED = frozenset(
    {"media_mismatch", "download_failed", "not_sent", "reference_unreachable", "waits_for", "publish_failed", "review"}
)
"""Codes of which each scene has its own story."""


def meaning(code: str, codes: Codes) -> str:
    """What a code means; empty where nobody but the gateway knows."""
    said = codes.get(code)
    if said:
        return f"{said['description']}. {said['advice']}"
    return _WORDS.get(code) or _of_status(code)


def is_explained(code: str, codes: Codes) -> bool:
    """Whether the words of the gateway have nothing to add to what is known of a code."""
    return code in codes or (code in _WORDS and code not in DETAILED)


def _of_status(code: str) -> str:
    """What an HTTP status means to whom nothing but that was said."""
    found = _HTTP.fullmatch(code)
    status = int(found[1]) if found else _NAMES.get(code, 0)
    if status in _REFUSALS or not status:
        return _REFUSALS.get(status, "")
    if _CLIENT <= status < _SERVER:
        return "The gateway refuses the request. Nothing was charged; change the scene before you send it again."
    return "The gateway had trouble of its own."
