"""What the scheduler decided, as the events that the journal keeps. Pure."""

from batchgen.engine import events as ev
from batchgen.engine.attempts import Attempt
from batchgen.engine.classification import REFUSES_ACCOUNT, Classification, Kind
from batchgen.engine.commands import FetchResult, Submit, SubmitResult
from batchgen.model import Lasted, RequestFacts, TaskResult


def submitting(
    at: str, scene: ev.SceneFacts, command: Submit, before: Attempt | None
) -> ev.Submitting | ev.SubmittingAgain:
    """The request of a scene is about to be sent; ``before`` is the attempt where it was refused already.

    What that asked for is not told twice, where it is the same to the last letter.
    """
    if before is not None and (before.request, before.any_seed) == (scene.request, scene.any_seed):
        return ev.SubmittingAgain(
            at,
            scene.scene_id,
            command.attempt,
            scene.estimated_cost_usd,
            command.request_id,
            command.request_format,
        )
    return ev.Submitting(
        at=at,
        scene_id=scene.scene_id,
        attempt=command.attempt,
        request=scene.request,
        estimated_cost_usd=scene.estimated_cost_usd,
        any_seed=scene.any_seed,
        request_id=command.request_id,
        request_format=command.request_format,
    )


def submission(at: str, result: SubmitResult, owner: Attempt | None) -> ev.Submitted | ev.Refused | ev.OutcomeUnknown:
    """How a submission ended: a task, none, or nobody knows. ``owner`` is the attempt that has the id that came."""
    command, classification = result.command, result.classification
    if classification.kind is Kind.CREATED and result.task_id is not None and owner is None:
        return ev.Submitted(at, command.scene_id, command.attempt, result.task_id)
    if classification.kind is Kind.REFUSED or classification.kind in REFUSES_ACCOUNT:
        again = classification.again or classification.kind in REFUSES_ACCOUNT or is_asked_otherwise(result)
        came = (result.candidate_id, result.excerpt) if result.candidate_id else (None, "")
        return ev.Refused(
            at, command.scene_id, command.attempt, classification.code, classification.reason, again, *came
        )
    return _unknown(at, result, owner)


def is_asked_otherwise(result: SubmitResult) -> bool:
    """Whether a refusal may be due to the form of the request, and there is another one to ask in."""
    return result.classification.malformed and bool(result.command.other_format)


def _unknown(at: str, result: SubmitResult, owner: Attempt | None) -> ev.OutcomeUnknown:
    """A task may have been created. Where the id that came is that of another attempt, ``owner``, both are named."""
    command, classification = result.command, result.classification
    code, reason, candidate_id = classification.code, classification.reason, result.candidate_id
    if owner is not None:
        code, candidate_id = "task_id_repeated", result.task_id
        reason = (
            f"submitted, and the outcome is not known: the gateway gave the task id {owner.task_id}, which is that of "
            f"scene {owner.scene_id}, attempt {owner.number}; ask your provider which task belongs to which"
        )
    return ev.OutcomeUnknown(at, command.scene_id, command.attempt, code, reason, candidate_id, result.excerpt)


def completed(at: str, attempt: Attempt, result: TaskResult, lasted: Lasted | None = None) -> ev.Completed:
    """The task has its result; ``lasted`` is between which ages it ended, where that is known."""
    above_s, until_s = lasted or (None, None)
    return ev.Completed(
        at=at,
        scene_id=attempt.scene_id,
        attempt=attempt.number,
        result=result,
        lasted_above_s=above_s,
        lasted_until_s=until_s,
    )


def failed(at: str, attempt: Attempt, classification: Classification, result: TaskResult) -> ev.Failed:
    """The task ended without a result."""
    return ev.Failed(
        at=at,
        scene_id=attempt.scene_id,
        attempt=attempt.number,
        code=classification.code,
        message=classification.reason,
        cost_usd=result.cost_usd,
        discount=result.discount,
        # What was charged for was created, whatever the code says of such tasks.
        again=classification.again and not result.cost_usd,
        passing=classification.passing,
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


def delivered(at: str, result: FetchResult, path: str, sha256: str) -> ev.Downloaded:
    """The result is here."""
    return ev.Downloaded(at, result.command.scene_id, result.command.attempt, path, sha256, result.mismatch)


def kind_of(request: RequestFacts) -> str:
    """What tasks that take about as long have in common: model, size, duration and videos to begin with."""
    asked = request.asked
    return f"{asked.model} {asked.size} {asked.seconds} {asked.reference_videos}"
