"""What a run leaves on the terminal: counts, money, error codes with scenes and meaning, what is unknown. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from shlex import quote
from typing import Any

from batchgen.engine.attempts import Attempt
from batchgen.engine.budget import charged, exposure
from batchgen.engine.commands import Stop
from batchgen.engine.states import State
from batchgen.money import minus, readable, total
from batchgen.report.meanings import Codes, is_explained, meaning
from batchgen.report.rows import Row, SceneStatus, is_on_its_way, report_rows, totals
from batchgen.report.tables import WIDTH, some_of, wrapped
from batchgen.text import is_usable_id, on_one_line, without_request_id

STOPPED: Mapping[Stop, str] = {
    Stop.ACCOUNT: "stopped: the gateway refused the account (key, permission or balance)",
    Stop.BALANCE: "stopped: the balance at your provider does not suffice",
    Stop.UNREACHABLE: "stopped: the gateway could not be reached",
    Stop.UNANSWERED: "stopped: one submission after the other had no usable answer",
    Stop.SHUT_OUT: "ended: the gateway lets nothing more in; the rest waits for a later run",
    Stop.BUDGET: "stopped at the budget",
    Stop.STORAGE: "stopped: results cannot be stored",
    Stop.PUBLISHING: "stopped: files may not be published there (key, credentials or permission)",
    Stop.INTERRUPTED: "interrupted; everything is written down",
}
"""Why a run ended before all was done."""
_LEFT = "Left for a later run, not sent and not paid for:"
_NOT_YET = "Not sent so far, and not paid for:"
_MOST_LISTED = 10
_LONGEST_EXCERPT = 200
_LONGEST_PROMPT = 60
_MOST_STORIES = 5
_INDENT = "      "


def as_text(state: State, codes: Codes, run_dir: str, missing: Collection[str] = (), width: int = WIDTH) -> str:
    """The closing summary. ``codes`` are the documented error codes with description and advice."""
    return of_rows(report_rows(state, missing), state, codes, run_dir, width)


def of_rows(rows: Sequence[Row], state: State, codes: Codes, run_dir: str, width: int = WIDTH) -> str:
    """The same, where the rows of the report are there already."""
    lines = [
        _counts(totals(rows, state), state.profile),
        *(line for told in _money(state, rows) for line in wrapped(told, width, "  ")),
        *_after_blank(_by_code([row for row in rows if not _is_pending(row)], codes, width)),
        *_after_blank(_pending([row for row in rows if _is_pending(row)], state, codes, width)),
        *_unknown(state, run_dir, width),
    ]
    return "\n".join(lines)


def stopped(stop: Stop, why: str, state: State, width: int = WIDTH) -> list[str]:
    """Why a run ended before all was done; what its scenes say of it anyway is not told twice."""
    is_told = not why or stop is Stop.INTERRUPTED or any(held.message.endswith(why) for held in state.held.values())
    return [*wrapped(STOPPED[stop], width, "  "), *([] if is_told else wrapped(f"  {why}", width, "  "))]


def _counts(sums: Mapping[str, Any], profile: str) -> str:
    statuses = ("completed", "failed", "unknown", "running", "pending")
    counted = ", ".join(f"{sums[status]} {status}" for status in statuses if sums[status])
    named = f" of profile {profile}" if profile else ""
    return f"{sums['scenes']} scene{'' if sums['scenes'] == 1 else 's'}{named}: {counted or 'none'}"


def _money(state: State, rows: Sequence[Row]) -> list[str]:
    """What was charged over all runs in the directory, where that stands, and what may still be."""
    paid, out = charged(state.all_attempts()), exposure(state.all_attempts())
    told = f"charged so far: {readable(paid.usd)} USD"
    if paid.unknown:
        told += f", and {paid.unknown} task{'s' if paid.unknown > 1 else ''} without a stated cost"
    lines = [told]
    listed = total(row["cost_usd"] for row in rows if isinstance(row["cost_usd"], Decimal))
    if listed != paid.usd:
        whose = "of other profiles, or " if state.others else ""
        gone = f"{whose}that the manifest has under other names or not any more"
        alone = f"of that {readable(minus(paid.usd, listed))} USD for scenes {gone}"
        lines.append(f"{alone}: ledger.csv has them, report.csv does not")
    if out.usd or out.unknown:
        untold = f" and {out.unknown} without an estimate" if out.unknown else ""
        lines.append(f"may still come: up to {readable(out.usd)} USD{untold} (in flight, unknown, or not stated)")
    return lines


def _after_blank(lines: list[str]) -> list[str]:
    return ["", *lines] if lines else []


def _is_pending(row: Row) -> bool:
    return row["status"] == SceneStatus.PENDING


def _pending(rows: Sequence[Row], state: State, codes: Codes, width: int) -> list[str]:
    """The scenes that a later run sends, and what keeps each back: the run itself, or the gateway's refusal."""
    if not rows:
        return []
    refused = [row for row in rows if row["scene_id"] not in state.held]
    held = [row for row in rows if row["scene_id"] in state.held]
    uncoded = [row for row in refused if not row["error_code"]]
    return [
        *wrapped(_NOT_YET if state.is_under_way else _LEFT, width),
        *_by_code(held, None, width),
        *_by_code(refused, codes, width),
        *(_named("not reached, or not selected", uncoded, width) if uncoded else []),
    ]


def _by_code(rows: Sequence[Row], codes: Codes | None, width: int) -> list[str]:
    """The scenes behind each error code, and what it means; without ``codes``, what was said alone."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["error_code"]:
            found.setdefault(str(row["error_code"]), []).append(row)
    lines = []
    for code, listed in sorted(found.items(), key=lambda item: -len(item[1])):
        known = "" if codes is None else meaning(code, codes)
        lines += _named(code, listed, width)
        lines += wrapped(_INDENT + known, width, _INDENT) if known else []
        lines += [] if known and is_explained(code, codes or {}) else _stories(listed, width, named=bool(known))
    return lines


def _named(label: str, rows: Sequence[Row], width: int) -> list[str]:
    names = some_of([str(row["scene_id"]) for row in rows])
    return wrapped(f"  {label} × {len(rows)}: {names}", width, _INDENT)  # noqa: RUF001 - the sign for times


def _stories(rows: Sequence[Row], width: int, *, named: bool) -> list[str]:
    """What was said of scenes: the first few stories, with the scenes of each if there are several or ``named``."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        message = str(row["error_message"] or "")
        if message:
            found.setdefault(without_request_id(message), {})[str(row["scene_id"])] = message
    lines = []
    for alike, told in list(found.items())[:_MOST_STORIES]:
        names, messages = list(told), set(told.values())
        story = messages.pop() if len(messages) == 1 else alike
        whose = f"{some_of(names)}: " if len(rows) > 1 and (named or len(found) > 1) else ""
        lines += wrapped(f"{_INDENT}{whose}{story}", width, f"{_INDENT}  ")
    more = len(found) - _MOST_STORIES
    return [*lines, *([f"{_INDENT}and {more} more; batchgen status shows each"] if more > 0 else [])]


def _unknown(state: State, run_dir: str, width: int) -> list[str]:
    """How to settle each submission whose outcome is not known: when it was, and what it asked for."""
    unknown = [one for one in state.all_attempts() if one.is_unknown and not is_on_its_way(one, state)]
    if not unknown:
        return []
    told = "To settle what is unknown, find the task at your provider by time and prompt, then one of:"
    lines = ["", *wrapped(told, width)]
    lines += [line for attempt in unknown[:_MOST_LISTED] for line in _settling(attempt, state, run_dir, width)]
    if len(unknown) > _MOST_LISTED:
        lines.append(f"  … and {len(unknown) - _MOST_LISTED} more; batchgen status lists them")
    return lines


def _began(prompt: str) -> str:
    """What a prompt begins with; that there is more is shown."""
    return prompt if len(prompt) <= _LONGEST_PROMPT else f"{prompt[:_LONGEST_PROMPT]}…"


def _settling(attempt: Attempt, state: State, run_dir: str, width: int) -> Iterator[str]:
    command = f"batchgen resolve {quote(run_dir)} {quote(attempt.scene_id)}"
    yield from wrapped(f"  {attempt.scene_id}, attempt {attempt.number}, {attempt.submitted_at}", width, _INDENT)
    yield from wrapped(f"    {_began(attempt.request.prompt)!r}", width, _INDENT)
    if attempt.request_id:
        yield from wrapped(f"    ask support for request id {attempt.request_id}", width, _INDENT)
    if attempt.excerpt:
        began = on_one_line(attempt.excerpt)[:_LONGEST_EXCERPT]
        yield from wrapped(f"    the answer began: {began}", width, _INDENT)
    came = attempt.candidate_id
    fits = came is not None and is_usable_id(came) and state.owner_of(came) is None
    if came:
        about = "which may be the one" if fits else "which is not that of a task of this scene"
        yield from wrapped(f"    a task id came with it, {about}: {on_one_line(came)}", width, _INDENT)
    yield f"    {command} --task-id {quote(came) if came and fits else 'ID'}"
    yield f"    {command} --not-created"
