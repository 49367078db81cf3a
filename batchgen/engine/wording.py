"""What the scheduler decided, as the events that the journal keeps. Pure."""

from batchgen.engine import events as ev
from batchgen.engine.commands import FetchEnded, SubmitEnded
from batchgen.engine.outcomes import Kind, Meaning, Result
from batchgen.engine.states import Attempt


def submitting(at: str, scene: ev.SceneFacts, attempt: int) -> ev.Submitting:
    """The request of a scene is about to be sent."""
    return ev.Submitting(
        at=at,
        scene_id=scene.scene_id,
        attempt=attempt,
        request_sha256=scene.request_sha256,
        request=scene.request,
        tier=scene.tier,
        characters=scene.characters,
        estimated_cost_usd=scene.estimated_cost_usd,
    )


def submission(at: str, ending: SubmitEnded, owner: Attempt | None) -> ev.Submitted | ev.Refused | ev.OutcomeUnknown:
    """How a submission ended: a task, none, or nobody knows. ``owner`` is the attempt that has the id that came."""
    act, meaning = ending.act, ending.meaning
    if meaning.kind is Kind.CREATED and ending.task_id is not None and owner is None:
        return ev.Submitted(at, act.scene_id, act.attempt, ending.task_id)
    if meaning.kind in (Kind.REFUSED, Kind.ACCOUNT):
        again = meaning.again or meaning.kind is Kind.ACCOUNT
        return ev.Refused(at, act.scene_id, act.attempt, meaning.code, meaning.reason, again)
    return _unknown(at, ending, owner)


def _unknown(at: str, ending: SubmitEnded, owner: Attempt | None) -> ev.OutcomeUnknown:
    """A task may have been created. Where the id that came is that of another attempt, ``owner``, both are named."""
    act, meaning = ending.act, ending.meaning
    code, reason, candidate_id = meaning.code, meaning.reason, ending.candidate_id
    if owner is not None:
        code, candidate_id = "task_id_repeated", ending.task_id
        reason = (
            f"submitted, and the outcome is not known: the gateway gave the task id {owner.task_id}, which is that of "
            f"scene {owner.scene_id}, attempt {owner.number}; ask your provider which task belongs to which"
        )
    return ev.OutcomeUnknown(at, act.scene_id, act.attempt, code, reason, candidate_id, ending.excerpt)


def completed(at: str, attempt: Attempt, result: Result) -> ev.Completed:
    """The task has its result."""
    return ev.Completed(
        at=at,
        scene_id=attempt.scene_id,
        attempt=attempt.number,
        video_url=result.video_url or "",
        job_id=result.job_id,
        cost_usd=result.cost_usd,
        discount=result.discount,
    )


def failed(at: str, attempt: Attempt, meaning: Meaning, result: Result) -> ev.Failed:
    """The task ended without a result."""
    return ev.Failed(
        at=at,
        scene_id=attempt.scene_id,
        attempt=attempt.number,
        code=meaning.code,
        message=meaning.reason,
        cost_usd=result.cost_usd,
        discount=result.discount,
        again=meaning.again,
        passing=meaning.passing,
    )


def not_found(at: str, attempt: Attempt) -> ev.TaskNotFound:
    """This run looks no longer for a task that the gateway does not know."""
    advice = "Ask your provider about it before you pay for another"
    if attempt.by_hand:
        advice = "Its id was given by hand: if it is wrong, correct it with batchgen resolve"
    reason = f"the gateway does not know task {attempt.task_id} (404); each run looks for it again, free. {advice}"
    return ev.TaskNotFound(at, attempt.scene_id, attempt.number, reason)


def timed_out(at: str, attempt: Attempt, after_s: float) -> ev.TaskTimedOut:
    """This run waits no longer."""
    reason = f"still running after {after_s:g} s; the next run goes on waiting for it"
    return ev.TaskTimedOut(at, attempt.scene_id, attempt.number, "task_timeout", reason)


def delivered(at: str, ending: FetchEnded, path: str, sha256: str) -> ev.Downloaded:
    """The result is here."""
    return ev.Downloaded(at, ending.act.scene_id, ending.act.attempt, path, sha256, ending.mismatch)


def kind_of(attempt: Attempt) -> str:
    """What tasks that take about as long have in common: size and duration."""
    asked = attempt.request.get("parameters", {})
    return f"{asked.get('size')} {asked.get('duration')}"
