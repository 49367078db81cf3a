"""What the end of a call means: the one place that decides about money. Pure.

The statuses and codes stand in an `ErrorPolicy`, one for each provider; the law is the
same for all: a request to create a task is sent again only where it is certain that none was created
(promise 1). Whatever is not listed as certain is `Kind.UNCERTAIN`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from http import HTTPStatus
from typing import assert_never

from batchgen.engine.attempts import NO_RESULT
from batchgen.engine.classification import HTTP_CODE, NOT_CONNECTED, Classification, Kind
from batchgen.limits import LOOKS_FOR_RESULT
from batchgen.providers.interface import CallFailed, Created, RemoteStatus, Stage, Task, TaskError, Trouble

_NOT_FOUND = 404
TASK_FAILED = "task_failed"
ENDED_CODES = frozenset({TASK_FAILED, "task_cancelled", "task_expired"})
"""The codes of tasks that ended badly and came without a code of their own."""


class ErrorClass(StrEnum):
    """What a documented error code means for a runner, as ``model.json`` says it."""

    PERMANENT = "permanent"
    """The request is wrong."""
    NOT_CREATED = "not_created"
    """No task was created."""
    CHECK = "check"
    """The look at the task failed, not the task."""
    RECHECK = "recheck"
    """The task may have finished and been charged."""
    TRANSIENT = "transient"
    """A passing trouble."""
    ENDED = "ended"
    """The task ended without a result."""


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    """What the answers of one provider mean, as data.

    Of HTTP statuses: those with which it refuses the ``account``, as it does with the ``balance_codes`` under
    an answer without a task; those with which it asks to ``wait`` and has
    created nothing, after which the outcome is ``unknown`` whatever else the answer says, those that
    have created nothing where the provider itself states an error in its own format (``stated``), and those
    with which it refuses a request that it cannot read (``malformed``).
    ``failed_task`` says what a code means in a failed task; ``codes`` are those that the model documents.
    """

    account: frozenset[int]
    wait: frozenset[int]
    unknown: frozenset[int]
    stated: frozenset[int]
    failed_task: Mapping[ErrorClass, Classification]
    balance_codes: frozenset[str] = frozenset()
    malformed: frozenset[int] = frozenset()
    codes: Mapping[str, ErrorClass] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError where a class of errors has no line."""
        absent = set(ErrorClass) - set(self.failed_task)
        if absent:
            raise ValueError(f"failed_task says nothing of {', '.join(sorted(absent))}")

    def of_model(self, errors: Mapping[str, Mapping[str, str]]) -> "ErrorPolicy":
        """The same policy with the error codes of a model, as its ``model.json`` documents them."""
        return replace(self, codes={code: ErrorClass(said["class"]) for code, said in errors.items()})

    def documented(self, code: str) -> str:
        """A code as it is documented; one that came as a number has lost its leading zeros."""
        if code in self.codes:
            return code
        return next((known for known in self.codes if code and known.lstrip("0") == code), code)

    def class_of(self, code: str) -> ErrorClass | None:
        """The class of a documented code, and of one of batchgen's own for tasks that ended; else None."""
        return ErrorClass.ENDED if code in ENDED_CODES else self.codes.get(self.documented(code))

    def refuses_account(self, ending: CallFailed, status: int) -> bool:
        """Whether an answer without a task speaks of the account: by its status, or by a code about the balance."""
        if status in self.account:
            return True
        is_success = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        means_it = _is_refusal(status) or (is_success and ending.task_id is None)
        return means_it and self.speaks_of_balance(ending.code)

    def speaks_of_balance(self, code: str) -> bool:
        """Whether a code says that the account has not enough money."""
        return code.casefold() in self.balance_codes


def _is_refusal(status: int) -> bool:
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def classify_create(ending: Created | CallFailed, policy: ErrorPolicy) -> Classification:
    """What the ending of a request to create a task means."""
    if isinstance(ending, Created):
        return Classification(Kind.CREATED)
    if ending.stage is not Stage.CREATE:
        raise ValueError(f"the ending of a {ending.stage} call is not one of creating")
    trouble = ending.trouble
    if trouble is Trouble.NOT_SENT:
        return Classification(Kind.REFUSED, "not_sent", f"nothing was submitted: {ending.message}")
    if trouble is Trouble.OUT_OF_REACH:
        reason = f"nothing was submitted: {ending.message}"
        return Classification(Kind.REFUSED, "reference_unreachable", reason, again=True)
    if trouble is Trouble.NOT_CONNECTED:
        reason = f"no connection to the gateway: {ending.message}"
        return Classification(Kind.REFUSED, NOT_CONNECTED, reason, again=True)
    if ending.status is not None and trouble in (Trouble.STATUS, Trouble.UNREADABLE):
        return _of_create_answer(ending, ending.status, policy)
    return _uncertain(ending)


def _of_create_answer(  # noqa: PLR0911 - the order
    ending: CallFailed, status: int, policy: ErrorPolicy
) -> Classification:
    """What an answer without a task means. The order is that of the promise: the first line that fits decides."""
    names_task = ending.task_id is not None
    code_class = policy.class_of(ending.code)
    if status in policy.unknown:
        return _uncertain(ending)
    if code_class is ErrorClass.NOT_CREATED and not names_task:
        return _refused(ending, policy, again=True)
    if policy.refuses_account(ending, status):
        return _account(ending, policy)
    if status in policy.wait:
        return _refused(ending, policy, again=True)
    if code_class is ErrorClass.PERMANENT and not names_task:
        return _refused(ending, policy, again=False)
    if status in policy.stated and ending.stated and not names_task:
        return _refused(ending, policy, again=True)
    if _is_refusal(status):
        return _refused(ending, policy, again=False)
    return _uncertain(ending)


def _account(ending: CallFailed, policy: ErrorPolicy) -> Classification:
    for_money = ending.status == HTTPStatus.PAYMENT_REQUIRED or policy.speaks_of_balance(ending.code)
    return Classification(Kind.BALANCE if for_money else Kind.ACCOUNT, _code(ending, policy), ending.message)


def _code(ending: CallFailed, policy: ErrorPolicy) -> str:
    """The gateway's own code as it is documented, else a word of batchgen's for what happened."""
    return policy.documented(ending.code) or (f"{HTTP_CODE}{ending.status}" if ending.status else str(ending.trouble))


def _refused(ending: CallFailed, policy: ErrorPolicy, *, again: bool) -> Classification:
    # A request in a form that is not taken lacks what is asked for, and so may be told of a limit of the model.
    is_about_request = ending.status in policy.malformed or policy.class_of(ending.code) is ErrorClass.PERMANENT
    return Classification(
        Kind.REFUSED,
        _code(ending, policy),
        ending.message,
        again=again,
        throttled=ending.status == HTTPStatus.TOO_MANY_REQUESTS,
        malformed=is_about_request and not again and ending.task_id is None,
        wait_s=_wait_s(ending, policy),
    )


def _wait_s(ending: CallFailed, policy: ErrorPolicy) -> float | None:
    """How long the gateway asks to wait: said with any other status, it is not about the account."""
    return ending.retry_after_s if ending.status in policy.wait else None


def _uncertain(ending: CallFailed) -> Classification:
    reason = f"submitted, and the outcome is not known: {ending.message}"
    return Classification(Kind.UNCERTAIN, "submit_unknown", reason)


def classify_read(ending: Task | CallFailed, policy: ErrorPolicy) -> Classification:
    """What the ending of reading a task means for that task."""
    if isinstance(ending, CallFailed):
        return _of_failed_read(ending, policy)
    match ending.status:
        case RemoteStatus.RUNNING:
            return Classification(Kind.RUNNING)
        case RemoteStatus.COMPLETED:
            return Classification(Kind.DONE)
        case RemoteStatus.NO_RESULT:
            reason = "the gateway calls the task completed, and its answer names no video that can be fetched"
            return Classification(Kind.NO_RESULT, NO_RESULT, reason, passing=True, confirm=LOOKS_FOR_RESULT)
        case RemoteStatus.FAILED:
            return _of_failed_task(ending.error or TaskError("", ""), policy)
    assert_never(ending.status)


def _of_failed_read(ending: CallFailed, policy: ErrorPolicy) -> Classification:
    """Reading costs nothing and is repeated; only a refused account and 404 say more than "not now"."""
    if ending.stage is not Stage.READ:
        raise ValueError(f"the ending of a {ending.stage} call is not one of reading")
    if ending.status is not None and policy.refuses_account(ending, ending.status):
        return _account(ending, policy)
    code = _code(ending, policy)
    if ending.status != _NOT_FOUND:
        return Classification(Kind.TRANSIENT, code, ending.message, wait_s=_wait_s(ending, policy))
    # A page comes from a proxy, and so says nothing of the task.
    kind = Kind.TRANSIENT if ending.is_html else Kind.MISSING
    return Classification(kind, code, ending.message, not_found=True)


def _of_failed_task(error: TaskError, policy: ErrorPolicy) -> Classification:
    code = policy.documented(error.code) or TASK_FAILED
    known = policy.class_of(code)
    return replace(
        Classification(Kind.FAILED) if known is None else policy.failed_task[known],
        code=code,
        reason=error.message or "the gateway says that the task failed, and gives no reason",
    )
