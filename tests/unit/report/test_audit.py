"""Audit and reconciliation: exact sums, unknown kept apart, every difference named."""

from decimal import Decimal

from batchgen.engine import events as ev
from batchgen.engine.states import State
from batchgen.model import RequestFacts, TaskResult
from batchgen.report import invoice
from batchgen.report.audit import as_json, entries
from batchgen.report.invoice import Line

from helpers.attempts import replay
from helpers.engine_support import known_request

AT = "2026-11-22T10:00:00.000Z"
LATER = "2026-11-23T10:00:00.000Z"


def submitting(
    scene_id: str, attempt: int = 1, *, at: str = AT, sha: str = "", size: str = "1280*720"
) -> ev.Submitting:
    request = {"model": "m", "input": {"prompt": "p"}, "parameters": {"size": size, "duration": 5}}
    facts = known_request(sha or f"of {scene_id}", request, "720P", ("hero",))
    return ev.Submitting(at, scene_id, attempt, facts, Decimal("0.50"))


def completed(scene_id: str, cost: str | None, attempt: int = 1, discount: str | None = None) -> list[ev.Event]:
    said = None if discount is None else Decimal(discount)
    return [
        ev.Submitted(AT, scene_id, attempt, f"task-{scene_id}-{attempt}"),
        ev.Completed(
            AT, scene_id, attempt, TaskResult("http://x", None, None if cost is None else Decimal(cost), said)
        ),
        ev.Downloaded(AT, scene_id, attempt, f"results/{scene_id}@{attempt}.mp4", "f" * 64, None),
    ]


def state() -> State:
    facts = [ev.SceneFacts(name, RequestFacts(f"of {name}", {}, "720P", ()), None) for name in ("s1", "s2", "s3", "s4")]
    happened: list[ev.Event] = [
        ev.ManifestRead(AT, "n", "m", tuple(facts)),
        submitting("s1", sha="old"),
        *completed("s1", "0.1234567891"),
        submitting("s1", 2, at=LATER),
        *completed("s1", "0.5", 2, "0.05"),
        submitting("s2", size="960*960"),
        ev.Submitted(AT, "s2", 1, "task-s2-1"),
        ev.Failed(AT, "s2", 1, "001028095", "no", Decimal("0.25"), None, again=False),
        submitting("s3"),
        ev.OutcomeUnknown(AT, "s3", 1, "submit_unknown", "lost"),
        submitting("s4"),
        *completed("s4", None),
        submitting("gone"),
        ev.Refused(AT, "gone", 1, "http_400", "no", again=False),
    ]
    return replay(happened)


def test_totals_are_exact_and_what_is_unknown_stays_apart() -> None:
    total = as_json(entries("r", state()), None)["total"]
    assert total == {
        "attempts": 5,
        "cost_usd": "0.8734567891",
        "cost_unknown": 1,
        "failed_charged": 1,
        "failed_uncharged": 0,
        "failed_not_told": 0,
        "wasted_usd": "0.3734567891",
        "in_flight": 0,
        "exposure_usd": "1.00",
        "exposure_unknown": 0,
        "unknown": 1,
        "unknown_exposure_usd": "0.50",
        "unknown_without_estimate": 0,
        "finished_seconds": 10,
        "cost_per_finished_second_usd": "0.0873456789",
    }


def test_groups() -> None:
    listed = entries("r", state())
    costs = {
        by: {group["key"]: group["cost_usd"] for group in as_json(listed, by)["groups"]}
        for by in ("size", "status", "error_code", "model", "day", "run", "scene", "character")
    }
    assert costs["size"] == {"1280*720": "0.6234567891", "960*960": "0.25"}
    assert costs["status"] == {"completed": "0.6234567891", "failed": "0.25", "unknown": "0"}
    assert costs["error_code"] == {"(none)": "0.6234567891", "001028095": "0.25", "submit_unknown": "0"}
    assert costs["day"] == {"2026-11-22": "0.3734567891", "2026-11-23": "0.5"}
    assert costs["scene"] == {"s1": "0.6234567891", "s2": "0.25", "s3": "0", "s4": "0"}
    assert costs["model"] == {"m": "0.8734567891"}
    assert costs["run"] == {"r": "0.8734567891"}
    assert costs["character"] == {"hero": "0.8734567891"}


def test_sums_keep_every_digit() -> None:
    amounts = ["1" * 30 + "." + "2" * 30, "0." + "0" * 38 + "7"]
    happened: list[ev.Event] = []
    for number, amount in enumerate(amounts):
        happened += [submitting(f"s{number}"), *completed(f"s{number}", amount)]
    total = as_json(entries("r", replay(happened)), None)["total"]
    assert total["cost_usd"] == "1" * 30 + "." + "2" * 30 + "00000000" + "7"


def lines(*stated: tuple[str, str]) -> list[Line]:
    return [Line(number, task, Decimal(amount), AT) for number, (task, amount) in enumerate(stated, start=2)]


def test_an_invoice_that_agrees() -> None:
    stated = lines(("task-s1-1", "0.1234567891"), ("task-s1-2", "0.4"), ("task-s1-2", "0.10"), ("task-s2-1", "0.25"))
    found = invoice.compare(stated, entries("r", state()))
    assert found.agrees
    assert len(found.matched) == 3


def test_an_invoice_that_differs_in_every_way() -> None:
    stated = lines(("task-s1-1", "0.1234567892"), ("task-s4-1", "0.5"), ("task-zzz", "0.5"), ("task-s1-2", "0.50"))
    document = invoice.as_json(invoice.compare(stated, entries("r", state())))
    assert document["agrees"] is False
    assert document["matched"] == 1
    assert [(one["task_id"], one["ledger_usd"], one["invoice_usd"]) for one in document["different"]] == [
        ("task-s1-1", "0.1234567891", "0.1234567892"),
        ("task-s4-1", None, "0.5"),
    ]
    (unexpected,) = document["unexpected"]
    assert (unexpected["line"], unexpected["task_id"]) == (4, "task-zzz")
    assert [one["scene_id"] for one in unexpected["candidates"]] == ["s3"]
    assert [one["task_id"] for one in document["missing"]] == ["task-s2-1"]


def test_candidates_are_the_nearest_in_time() -> None:
    happened: list[ev.Event] = []
    for scene_id, at in (("far", LATER), ("near", AT)):
        happened += [submitting(scene_id, at=at), ev.OutcomeUnknown(at, scene_id, 1, "submit_unknown", "")]
    unknown = entries("r", replay(happened))
    near = Line(2, "t", Decimal(1), "2026-11-22 10:00:05")
    assert [entry.attempt.scene_id for entry in invoice.candidates(near, unknown)] == ["near", "far"]
    undated = Line(2, "t", Decimal(1), "last Tuesday")
    assert [entry.attempt.scene_id for entry in invoice.candidates(undated, unknown)] == ["far", "near"]
    assert "perhaps scene near" in invoice.as_text(invoice.compare([near], entries("r", replay(happened))))
