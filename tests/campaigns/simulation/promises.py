"""The promises, held against the books of the model gateway."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from enum import Enum

from batchgen.engine.attempts import Attempt, AttemptState
from batchgen.engine.events import SceneFacts, Submitting, SubmittingAgain
from batchgen.engine.states import State
from batchgen.report import audit
from batchgen.report.rows import ledger_rows, report_rows

from campaigns.simulation.gateway import NEVER_MADE, Entry

S = AttemptState
Books = Mapping[str, Entry]
_HERE = frozenset({S.COMPLETED, S.DOWNLOAD_FAILED, S.DELIVERED})
_ENDED = (S.FAILED, S.NO_RESULT)
_FINISHED = frozenset({*_HERE, S.MISMATCHED, *_ENDED})
_NOTHING = Decimal(0)


class Reason(Enum):
    """Why something was bought."""

    NEW = "nothing of the same request was there, or all of it had failed"
    FAILED = "the last one failed, and another may do better"
    WISH = "the user wanted it once more"


def bought_with_reason(bought: Attempt, state: State, books: Books, *, asked: bool, allowed: int) -> Reason:
    """Nothing is bought twice: what was bought of the same request has ended, and with good reason; why it was bought.

    ``bought`` has just created the last task of the books; ``asked`` says that the user wanted what
    failed again, ``allowed`` is how many paid attempts a run may make by itself.
    """
    *earlier, _ = [entry for entry in books.values() if not entry.disowned]
    attempts = {attempt.task_id: attempt for attempt in state.all_attempts()}
    reason, paid = Reason.NEW, 0
    wished = is_wished(state, bought)
    same = [entry for entry in earlier if _is_for(bought, entry, state)]
    for entry in earlier:
        # What is wished for once more need not wait for what the scene asked for in between.
        if entry not in same and (entry.scene_id != bought.scene_id or wished):
            continue
        known = attempts.get(entry.task_id)
        assert known is not None, f"bought again while the outcome of {entry.task_id} is unknown"
        is_other = entry not in same
        if is_other and (known.number < bought.number - 1 or bought.scene_id in state.adopted):
            continue  # of what it asked for before, the last is waited for, unless it waits for another's task
        may_be_gone = known.state is S.NOT_FOUND and (asked or is_other or known.key < bought.key)
        assert known.state in _FINISHED or may_be_gone, f"bought again while {entry.task_id} is {known.state}"
        if entry in same and known.state in _HERE:
            reason = Reason.WISH
        was_charged = not known.again or bool(known.result.cost_usd)
        paid += entry in same and known.state in (*_ENDED, S.MISMATCHED) and was_charged
    last = attempts[same[-1].task_id] if same else None
    if last is not None and last.state is S.FAILED and last.again and not last.result.cost_usd:
        return Reason.FAILED  # it was never made, and this one takes its place
    if last is not None and last.state in _ENDED and last.passing and _paid(same, attempts) < allowed:
        return Reason.FAILED
    if last is not None and wished:
        return Reason.WISH
    if reason is Reason.NEW and last is not None and not asked:
        assert last.state in _ENDED, f"bought again though {last.task_id} is {last.state}"
        assert paid < allowed, "more paid attempts than allowed"
    _none_is_without_heir(bought, state)
    return reason


def looked_before(bought: Attempt, state: State, heard: Collection[str]) -> None:
    """Before anything is bought again, a task that named no video was asked for it once more, and the answer heard."""
    for attempt in state.all_attempts():
        same = attempt.scene_id == bought.scene_id and attempt.request.sha256 == bought.request.sha256
        if same and attempt.state is S.NO_RESULT:
            assert attempt.task_id in heard, f"bought again, and {attempt.task_id} was not asked for once more"


def is_wished(state: State, bought: Attempt) -> bool:
    """Whether the user wants once more what was bought: the very scene, or one that asks for the same."""
    own = state.wanted_again.get(bought.scene_id, ("", 0))[0]
    shared = [] if bought.any_seed == bought.request.sha256 else [wish[0] for wish in state.wanted_again.values()]
    return bought.request.sha256 in (own, *shared)


def _paid(same: Iterable[Entry], attempts: Mapping[str | None, Attempt]) -> int:
    return sum(attempts[entry.task_id].is_paid for entry in same)


def _is_for(bought: Attempt, entry: Entry, state: State) -> bool:
    """Whether what a task brings would do for the scene of an attempt; without a seed, only what is its own would."""
    if entry.sha256 != bought.request.sha256:
        return False
    own, heir_of = bought.scene_id, state.adopted.get(bought.scene_id, ("", 0))[0]
    back = any(scene.scene_id == heir_of and scene.any_seed == bought.any_seed for scene in state.scenes)
    return bought.any_seed != entry.sha256 or entry.scene_id == own or (entry.scene_id == heir_of and not back)


def _none_is_without_heir(bought: Attempt, state: State) -> None:
    """Where any seed will do, nothing is bought as long as a scene that is gone has left a result that nobody has."""
    if bought.any_seed is None or any(one.is_paid for one in state.attempts[bought.scene_id][:-1]):
        return
    listed = {scene.scene_id: scene for scene in state.scenes}
    asked = {scene.request.sha256 for scene in state.scenes}
    for scene_id, made in state.attempts.items():
        left = [one for one in made if one.any_seed == bought.any_seed and one.state in (*_HERE, S.RUNNING)]
        here = scene_id in listed and listed[scene_id].any_seed == bought.any_seed
        exact = any(one.request.sha256 in asked for one in left) and bought.request.sha256 != bought.any_seed
        heirs = [heir for heir, key in state.adopted.items() if key[0] == scene_id and heir in listed]
        assert here or exact or heirs or not left, f"{bought.scene_id} is bought though {scene_id} has left a result"


def one_scene_each(standing: Iterable[tuple[SceneFacts, Attempt | None]]) -> None:
    """Where the manifest writes no seed, a result serves one scene at a time."""
    used = [
        one.key for scene, one in standing if scene.any_seed is not None and one is not None and one.asks_for(scene)
    ]
    assert len(used) == len(set(used)), f"one result for several scenes: {sorted(used)}"


def within_budget(intent: Submitting | SubmittingAgain, state: State, budget_usd: Decimal) -> None:
    """With this submission, all that was charged and all that may be stays within the budget."""
    committed = _NOTHING
    for attempt in state.all_attempts():
        if attempt.result.cost_usd is not None:
            committed += attempt.result.cost_usd
        elif not _is_free(attempt):
            assert attempt.estimated_cost_usd is not None, "a budget, and a submission that nobody can reckon with"
            committed += attempt.estimated_cost_usd
    assert committed <= budget_usd, f"{intent.scene_id} brings it to {committed} of a budget of {budget_usd}"


def _is_free(attempt: Attempt) -> bool:
    """Whether it costs nothing unless the gateway says so."""
    never_made = attempt.state is S.FAILED and attempt.code.lstrip("0") == NEVER_MADE.lstrip("0")
    return never_made or attempt.state is S.REFUSED


def ceiling_holds(books: Books, ceiling_usd: Decimal) -> None:
    """The gateway charged no more than the budget, but for what it charged above its price."""
    owned = [entry for entry in books.values() if not entry.disowned]
    spent, beyond = _sum(owned), sum((entry.above_price_usd for entry in owned), _NOTHING)
    assert spent <= ceiling_usd + beyond, f"{spent} spent of {ceiling_usd}, {beyond} of it beyond the price"


def nothing_is_lost(state: State, books: Books) -> None:
    """Every task that was created is known, or its scene is unknown."""
    attempts = list(state.all_attempts())
    known = {one.task_id for one in attempts if one.task_id and (one.task_id in books or not one.by_hand)}
    assert known <= books.keys(), "a task that nobody created"
    for task_id, entry in books.items():
        if task_id not in known and not entry.disowned:
            made = state.attempts.get(entry.scene_id, [])
            assert made, f"{task_id} was bought and its scene was never submitted"
            assert any(one.is_unknown or one.by_hand for one in made), f"{task_id} was bought and is lost"
    assert len(known) == len([one for one in attempts if one.task_id in known]), "one task is booked for two attempts"


def no_result_is_given_up(state: State, books: Books) -> None:
    """What the gateway has made is never taken for failed, however often it said otherwise, or said nothing."""
    for attempt in state.all_attempts():
        entry = books.get(attempt.task_id or "")
        if attempt.state is S.FAILED and entry is not None:
            assert entry.fate != "completed", f"{entry.task_id} was made, and is taken for failed"


def books_agree(state: State, books: Books) -> None:
    """Ledger, report, audit and books tell of the same money, to the last digit."""
    told: dict[str, list[Entry]] = {}
    untold: dict[str, list[Entry]] = {}
    for attempt in state.all_attempts():
        if attempt.task_id is None or attempt.finished_at is None or attempt.state is S.REFUSED:
            continue
        entry = books[attempt.task_id]
        if entry.told and entry.fate != "gone":
            told.setdefault(entry.scene_id, []).append(entry)
        elif entry.fate != NEVER_MADE:
            untold.setdefault(entry.scene_id, []).append(entry)
    _ledger_agrees(state, {entry.task_id: entry for listed in told.values() for entry in listed})
    for row in report_rows(state):
        scene_id = str(row["scene_id"])
        listed = told.get(scene_id, [])
        is_free = row["reused_from"] or any(one.reused_from for one in state.attempts.get(scene_id, ()))
        expected = _sum(listed) if listed else _NOTHING if is_free else None
        assert row["cost_usd"] == expected, f"the report says {row['cost_usd']} of {scene_id}, the books {expected}"
    _audit_agrees(state, [entry for listed in told.values() for entry in listed], sum(map(len, untold.values())))


def _sum(entries: Iterable[Entry]) -> Decimal:
    return sum((entry.cost_usd for entry in entries), _NOTHING)


def _ledger_agrees(state: State, told: Mapping[str, Entry]) -> None:
    unknown = 0
    for row in ledger_rows(state):
        entry = told.get(str(row["task_id"]))
        where = f"{row['scene_id']} {row['attempt']}, task {row['task_id']}"
        cost_usd = _NOTHING if row["outcome"] == "reused" else entry and entry.cost_usd
        assert row["cost_usd"] == cost_usd, f"{where}: the ledger says {row['cost_usd']}"
        assert row["discount"] == (entry and entry.discount), f"{where}: the ledger says {row['discount']} of discount"
        unknown += row["outcome"] == "unknown"
    assert unknown == sum(attempt.is_unknown for attempt in state.all_attempts()), "the ledger leaves unknown ones out"


def _audit_agrees(state: State, told: list[Entry], untold: int) -> None:
    found = audit.as_json(audit.entries("run", state), None)["total"]
    unknown = [attempt for attempt in state.all_attempts() if attempt.is_unknown]
    exposure = sum((attempt.estimated_cost_usd or _NOTHING for attempt in unknown), _NOTHING)
    assert Decimal(found["cost_usd"]) == _sum(told), f"the audit says {found['cost_usd']}, the books {_sum(told)}"
    assert found["cost_unknown"] == untold, "the audit counts costs that nobody told wrongly"
    assert found["unknown"] == len(unknown), "the audit leaves unknown ones out"
    assert Decimal(found["unknown_exposure_usd"]) == exposure, "the audit's exposure is not that of the unknown ones"
