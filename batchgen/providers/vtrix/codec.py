"""The gateway's JSON ⇄ our types. Pure.

Tolerant where its answers are known to vary (an envelope around them, words and letter case of the status,
where a video and its cost stand, the shape of errors), strict about what is needed. The one place where
the gateway's words for a status meet ours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from batchgen.providers import answers
from batchgen.providers.answers import (
    TOP,
    Answer,
    IdPlaces,
    JsonObject,
    NotUnderstood,
    Unfinished,
    check_task_id,
    share,
    shown,
    usable_id,
)
from batchgen.providers.interface import Created, RemoteStatus, Task, TaskError
from batchgen.providers.vtrix.error_reader import read_error, states_error
from batchgen.providers.vtrix.length_reader import read_length
from batchgen.providers.vtrix.parts import parts_of
from batchgen.providers.vtrix.result_reader import read_usage, read_video

_IDS = ("id", "task_id", "taskId")
# An error has an id of its own; only what is called a task's is one there.
_ID_PLACES: IdPlaces = {TOP: _IDS, "data": _IDS, "output": _IDS, "error": _IDS[1:]}

_RUNNING = frozenset({"in_progress", "queued", "in_queue", "pending", "processing"})
_ENDED_WELL = frozenset({"completed", "success", "succeeded"})
_ENDED_BADLY: Mapping[str, str] = {
    "failed": "",
    "error": "",
    "cancelled": "task_cancelled",
    "canceled": "task_cancelled",
    "expired": "task_expired",
}
"""Statuses of a task without a result, and the code of one that comes without a code of its own."""


def read_created(came: Answer | Unfinished) -> Created:
    """The answer to creating a task. Raises `CallFailed` for anything but a task's id."""
    return answers.created(came, _id, read_error, _ID_PLACES)


def read_task(came: Answer | Unfinished, task_id: str) -> Task:
    """The answer to reading a task. Raises `CallFailed` where it says nothing of that task."""
    return answers.task(came, partial(_task_with_id, task_id), read_error)


def _ids(answer: JsonObject) -> list[str]:
    found = (usable_id(part.get("id")) for part in parts_of(answer))
    return [task_id for task_id in found if task_id is not None]


def _id(answer: JsonObject) -> str | None:
    """The id of the task; where one stands outside of an envelope as well, that is the id of the call."""
    inside = parts_of(answer)[-1]
    has_status = isinstance(inside.get("status"), str)
    return (usable_id(inside.get("id")) if has_status else None) or next(iter(_ids(answer)), None)


def _task_with_id(task_id: str, answer: JsonObject) -> Task:
    named = _ids(answer)
    if task_id not in named:
        check_task_id(next(iter(named), None), task_id)
    return _task(answer)


def _task(answer: JsonObject) -> Task:
    word = _status_word(answer)
    video = read_video(answer)
    if video is None and not word:
        raise NotUnderstood("the gateway's answer has no status", read_error(answer))
    # Where nobody knows the word for the status, the video is what says that the task has ended.
    if word in _RUNNING or not (video or word in _ENDED_WELL or word in _ENDED_BADLY):
        return Task(RemoteStatus.RUNNING, progress=_progress(answer))
    result, notes = read_usage(answer)
    if video is not None:
        result = replace(result, video_url=video[0], job_id=video[1])
        notes = (*_oddity(word, answer), *notes)
        return Task(RemoteStatus.COMPLETED, result=result, notes=notes, lasted_s=read_length(answer))
    if word in _ENDED_WELL and not states_error(answer):
        return Task(RemoteStatus.NO_RESULT, result=result, notes=notes)
    error = read_error(answer)
    error = TaskError(error.code or _ENDED_BADLY.get(word, ""), error.message)
    return Task(RemoteStatus.FAILED, result=result, error=error, notes=notes)


def _status_word(answer: JsonObject) -> str:
    """The status of the task in small letters; in an envelope, what stands outside speaks of the call."""
    words = (part.get("status") for part in reversed(parts_of(answer)))
    found = next((word for word in words if isinstance(word, str) and word.strip()), "")
    return "_".join(found.casefold().replace("-", " ").replace("_", " ").split())


def _progress(answer: JsonObject) -> float | None:
    found = (share(part.get("progress")) for part in parts_of(answer))
    return next((progress for progress in found if progress is not None), None)


def _oddity(word: str, answer: JsonObject) -> Iterator[str]:
    """What is to be told of a video that came with another status than one that goes with it."""
    if word not in _ENDED_WELL:
        error = read_error(answer)
        said = ": ".join(text for text in (error.code, error.message) if text)
        yield f"the gateway's status is {shown(word)}{f' ({said})' if said else ''}; it names a video, which is fetched"
