"""What this gateway says that a request would cost, before it is submitted.

Seen at relatives of this gateway and not proved of it: whatever comes is taken for what it may be, and a price
that cannot be read is not stated. The call is sent to an address of its own, once, and follows no redirect.
"""

from decimal import Decimal
from functools import partial

from batchgen.model import Request
from batchgen.providers.answers import Answer, JsonObject, Unfinished, cost, json_object, short_text, shown
from batchgen.providers.http import JsonHttp
from batchgen.providers.interface import CallFailed, PricePreview
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix import codec
from batchgen.providers.vtrix.error_reader import states_error
from batchgen.providers.vtrix.parts import parts_of
from batchgen.providers.vtrix.request_body import RequestFormat, as_sent
from batchgen.providers.vtrix.result_reader import USD

_PREVIEW_PATH = "/model/v1/generation/precharge"
_REFUSED = range(400, 500)
_OF_THIS_REQUEST = (400, 422)
"""Refusals that speak of one request; another one may get its price."""
_OF_ALL = (401, 402, 403, 429)
"""Refusals that speak of the account, whatever reason comes with them."""
_WELL = frozenset({"", "success", "succeeded", "ok"})


class VtrixPricePreviewer:
    """Asks for prices; creates no task, as far as anybody knows."""

    def __init__(self, connection: Connection) -> None:
        """Connect to nothing yet. Raises `UsageError` for a base URL that cannot be one."""
        self._http = JsonHttp(connection)

    def preview(self, request: Request, request_format: str) -> PricePreview:
        """Ask once what a request would cost."""
        try:
            came = self._http.post(_PREVIEW_PATH, as_sent(request.document, RequestFormat(request_format)))
        except CallFailed as failure:
            return PricePreview(why=failure.message, is_last=True)
        return read_preview(came)

    def close(self) -> None:
        """Close all idle connections."""
        self._http.close()


def read_preview(came: Answer | Unfinished) -> PricePreview:
    """The price in an answer, or why it has none. Read first as the answer to a creation: it may be one."""
    try:
        return PricePreview(task_id=codec.read_created(came).task_id, is_last=True)
    except CallFailed as failure:
        if failure.task_id is not None and not failure.is_html and failure.status not in _REFUSED:
            return PricePreview(task_id=failure.task_id, is_last=True)
        return _without_task(came, failure)


def _without_task(came: Answer | Unfinished, failure: CallFailed) -> PricePreview:
    """What an answer says that names no task, read as a price."""
    data = None if isinstance(came, Unfinished) else json_object(came)
    if isinstance(came, Unfinished) or data is None:
        return PricePreview(why=_refusal(failure), is_last=True)
    if not came.is_success and not _reason(data):
        is_refused = failure.status in _OF_THIS_REQUEST
        return PricePreview(why=_refusal(failure), is_last=not is_refused, is_refused=is_refused)
    if not came.is_success:
        return PricePreview(why=f"it answered {_reason(data)}", is_last=failure.status in _OF_ALL)
    # A cost beside an error is no price.
    is_error = states_error(data) or failure.code.isdigit()
    return PricePreview(why=_refusal(failure)) if is_error else _stated(data)


def _refusal(failure: CallFailed) -> str:
    """Why there is no price, in words; an answer that is no JSON is called what it is."""
    page = ", with a page in place of an answer" if failure.is_html else ""
    missing = "; it may offer no price preview" if failure.status in (404, 405, 501) else ""
    return f"{failure.message.replace(' without a usable task id', '')}{page}{missing}"


def _stated(data: JsonObject) -> PricePreview:
    """The price that an answer states, wherever it stands in it."""
    said, reason = partial(_first, data), _reason(data)
    status, currency = (short_text(said(name)) for name in ("status", "currency"))
    if said("cost") is None:
        return PricePreview(why=f"it answered {reason}" if reason else "its answer names no cost")
    usd: Decimal | None = cost(said("cost"))
    if usd is None or currency.casefold() not in USD or status.casefold() not in _WELL:
        odd = " ".join(text for text in (shown(said("cost")), currency, status, reason) if text)
        return PricePreview(why=f"what it answered cannot be read as a price in US dollars: {odd}")
    return PricePreview(usd)


def _reason(data: JsonObject) -> str:
    """Why there is no price, in the gateway's word: COST_CACHE_MISS."""
    return short_text(_first(data, "reason"))


def _first(data: JsonObject, name: str) -> object:
    """A field, from where it stands innermost."""
    return next((part[name] for part in reversed(parts_of(data)) if part.get(name) is not None), None)
