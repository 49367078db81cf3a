"""What the scheduler decided, as the events that the journal keeps. Pure."""

from batchgen.engine import events as ev
from batchgen.engine.commands import FetchEnded, SubmitEnded
from batchgen.engine.outcomes import Meaning, Result
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


def refused(at: str, ending: SubmitEnded, *, again: bool) -> ev.Refused:
    """No task was created."""
    act, meaning = ending.act, ending.meaning
    return ev.Refused(at, act.scene_id, act.attempt, meaning.code, meaning.reason, again)


def unknown(at: str, ending: SubmitEnded) -> ev.OutcomeUnknown:
    """A task may have been created."""
    act, meaning = ending.act, ending.meaning
    return ev.OutcomeUnknown(at, act.scene_id, act.attempt, meaning.code, meaning.reason)


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
    )


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
