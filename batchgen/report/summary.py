"""What a run leaves on the terminal: counts, money, error codes with their meaning, what to do next. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping
from shlex import quote
from typing import Any

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.budget import charged, exposure
from batchgen.engine.commands import Stop
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.report.rows import Row, report_rows, totals
from batchgen.text import is_usable_id, on_one_line

_WORDS = {
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
    "download_failed": "Bought, and the file did not arrive. The next run fetches it without paying.",
    "media_mismatch": "Bought, and not what was asked for. The file is kept; --retry-failed buys it again.",
    "not_connected": "No connection to the gateway; nothing was sent. Run again when it can be reached.",
    "not_created": "Settled by hand: no task was created. The next run submits it.",
    "not_sent": "Nothing was submitted: a reference file is not what it was when it was checked.",
}
STOPPED: Mapping[Stop, str] = {
    Stop.ACCOUNT: "stopped: the gateway refused the account (key, permission or balance)",
    Stop.UNREACHABLE: "stopped: the gateway could not be reached",
    Stop.UNANSWERED: "stopped: one submission after the other had no usable answer",
    Stop.SHUT_OUT: "ended: the gateway lets nothing more in; the rest waits for a later run",
    Stop.BUDGET: "stopped at the budget",
    Stop.STORAGE: "stopped: results cannot be stored",
    Stop.INTERRUPTED: "interrupted; everything is written down",
}
"""Why a run ended before all was done."""
_MOST_LISTED = 10
_LONGEST_EXCERPT = 200


def as_text(state: State, codes: Mapping[str, Mapping[str, str]], run_dir: str, missing: Collection[str] = ()) -> str:
    """The closing summary. ``codes`` are the documented error codes with description and advice."""
    rows = report_rows(state, missing)
    lines = [_counts(totals(rows, state)), *_money(state), *_errors(rows, codes), *_unknown(state, run_dir)]
    return "\n".join(lines)


def _counts(sums: Mapping[str, Any]) -> str:
    statuses = ("completed", "failed", "unknown", "running", "pending")
    counted = ", ".join(f"{sums[status]} {status}" for status in statuses if sums[status])
    return f"{sums['scenes']} scene{'' if sums['scenes'] == 1 else 's'}: {counted or 'none'}"


def _money(state: State) -> list[str]:
    paid, out = charged(state.all_attempts()), exposure(state.all_attempts())
    told = f"charged: {paid.usd:f} USD"
    if paid.unknown:
        told += f", and {paid.unknown} task{'s' if paid.unknown > 1 else ''} without a stated cost"
    lines = [told]
    if out.usd or out.unknown:
        untold = f" and {out.unknown} without an estimate" if out.unknown else ""
        lines.append(f"may still come: up to {out.usd:f} USD{untold} (in flight, unknown, or not stated)")
    return lines


def _errors(rows: list[Row], codes: Mapping[str, Mapping[str, str]]) -> list[str]:
    counted = Counter(str(row["error_code"]) for row in rows if row["error_code"])
    lines = []
    for code, number in counted.most_common():
        said = codes.get(code)
        meaning = f"{said['description']}. {said['advice']}" if said else _WORDS.get(code) or _first_message(rows, code)
        # Words of the gateway: a line break in them must not begin a line that looks like ours.
        lines.append(on_one_line(f"  {code} × {number}: {meaning}"))  # noqa: RUF001 - the sign for times
    return ["", *lines] if lines else []


def _first_message(rows: list[Row], code: str) -> str:
    return next((str(row["error_message"]) for row in rows if row["error_code"] == code), "")


def _unknown(state: State, run_dir: str) -> list[str]:
    """How to settle each submission whose outcome is not known: when it was, and what it asked for."""
    unknown = [attempt for attempt in state.all_attempts() if attempt.is_unknown]
    if not unknown:
        return []
    lines = ["", "To settle what is unknown, find the task at your provider by time and prompt, then one of:"]
    lines += [_settling(attempt, state, run_dir) for attempt in unknown[:_MOST_LISTED]]
    if len(unknown) > _MOST_LISTED:
        lines.append(f"  … and {len(unknown) - _MOST_LISTED} more; batchgen status lists them")
    return lines


def _settling(attempt: Attempt, state: State, run_dir: str) -> str:
    prompt = attempt.request.prompt[:60]
    command = f"batchgen resolve {quote(run_dir)} {quote(attempt.scene_id)}"
    lines = [f"  {attempt.scene_id}, attempt {attempt.number}, {attempt.submitted_at}, {prompt!r}"]
    if attempt.excerpt:
        lines.append(f"    the answer began: {on_one_line(attempt.excerpt)[:_LONGEST_EXCERPT]}")
    came = attempt.candidate_id
    fits = came is not None and is_usable_id(came) and state.owner_of(came) is None
    if came:
        about = "which may be the one" if fits else "which is not that of a task of this scene"
        lines.append(f"    a task id came with it, {about}: {on_one_line(came)}")
    lines += [f"    {command} --task-id {quote(came) if came and fits else 'ID'}", f"    {command} --not-created"]
    return "\n".join(lines)


def next_step(state: State, arguments: str) -> str | None:
    """The command to go on with, None where nothing is left that a run could do by itself."""
    if any(_is_left(state, scene) for scene in state.scenes):
        return f"batchgen run {arguments}"
    return None


def _is_left(state: State, scene: SceneFacts) -> bool:
    """Whether the next run would do something for a scene by itself."""
    current = state.current_attempt(scene)
    if current is None or current.is_open or current.again or state.is_wanted_again(scene.scene_id):
        return True
    return current.state in (AttemptState.COMPLETED, AttemptState.DOWNLOAD_FAILED)
