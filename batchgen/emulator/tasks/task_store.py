"""Remembers tasks over restarts, in a folder: who kills an emulator does not lose what it was doing.

``tasks.jsonl`` has a line for each task, appended before the submission is answered. It holds what
was decided about the task and what its video depends on; ``pictures/`` holds the references that
are drawn, each once. Whether a task has ended follows from the time, so nothing else is kept.

Written through to the operating system and no further: what is here outlives the process, killed
or not, but perhaps not a power cut.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from batchgen.emulator.faults.kinds import find_fault
from batchgen.emulator.tasks.lifecycle import Task
from batchgen.emulator.video.drawing import VideoSpec
from batchgen.emulator.video.renderer import RenderInput
from batchgen.errors import UsageError

_VERSION = 1
_TASKS, _PICTURES, _LOCK = "tasks.jsonl", "pictures", "lock"
_LOOK = tuple(entry.name for entry in fields(VideoSpec) if entry.name != "picture")


@dataclass(frozen=True, slots=True)
class Kept:
    """A task as it was created, the scene of its video, and of which request it was the ``case``-th."""

    task: Task
    render_input: RenderInput
    request_sha256: str
    case: int


class Memory:
    """One folder, or none: then nothing is remembered."""

    def __init__(self, folder: Path | None) -> None:
        """Open the folder, making it where it is missing, and read what it holds.

        Raises `UsageError` where that cannot be done, and where another emulator has it.
        """
        self.kept: list[Kept] = []
        self._file: IO[bytes] | None = None
        if folder is None:
            return
        self._path, self._pictures = folder / _TASKS, folder / _PICTURES
        try:
            self._pictures.mkdir(parents=True, exist_ok=True)
            # It is let go by the thread that serves, which need not be this one.
            self._lock = FileLock(folder / _LOCK, thread_local=False)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(f"--state {folder} is in use by another emulator") from None
        except OSError as error:
            raise UsageError(f"--state {folder} cannot be used: {error.strerror}") from None
        try:
            self._open()
        except OSError as error:
            self._lock.release()
            raise UsageError(f"{self._path} cannot be used: {error.strerror}") from None
        except BaseException:
            self._lock.release()
            raise

    def keep_picture(self, render_input: RenderInput) -> None:
        """Keep the picture that is drawn into a scene. Slow, and not for the event loop."""
        if self._file is None or render_input.spec.picture is None:
            return
        path = self._pictures / f"{render_input.reference_sha256}.png"
        if not path.exists():
            # Two tasks may keep the same picture at once, and either may be killed at it.
            temporary = path.with_suffix(f".{os.getpid()}.{id(render_input)}.part")
            render_input.spec.picture.save(temporary, "PNG", compress_level=1)
            temporary.replace(path)

    def add(self, kept: Kept) -> None:
        """Append a task. Raises OSError, and then the task is not there."""
        if self._file is None:
            return
        line = json.dumps(_record(kept), separators=(",", ":")).encode() + b"\n"
        try:
            self._file.write(line)
        except OSError:
            self._file.truncate(self._length)
            raise
        self._length += len(line)

    def close(self) -> None:
        """Close the file, and let others have the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._lock.release()

    def _open(self) -> None:
        content = self._path.read_bytes() if self._path.exists() else b""
        # A last line without its end was being written when the emulator was killed: nobody has its answer.
        self._length = content.rfind(b"\n") + 1
        for number, line in enumerate(content[: self._length].splitlines(), 1):
            try:
                self.kept.append(_kept(json.loads(line), self._pictures))
            except (ArithmeticError, AttributeError, KeyError, TypeError, UsageError, ValueError):
                raise UsageError(f"{self._path}:{number}: this is no line that an emulator wrote") from None
        self._file = self._path.open("ab", buffering=0)
        self._file.truncate(self._length)


def _record(kept: Kept) -> dict[str, Any]:
    task, render_input = kept.task, kept.render_input
    return {
        "v": _VERSION,
        "task_id": task.id,
        "job_id": task.job_id,
        "model": task.model,
        "request_sha256": kept.request_sha256,
        "case": kept.case,
        "created": task.created,
        "latency": task.latency,
        "cost": format(task.cost, "f"),
        "discount": format(task.discount, "f"),
        "outcome": task.outcome and task.outcome.kind,
        "failure_message": task.failure_message,
        "wording": task.wording and task.wording.kind,
        "result_faults": list(task.result_faults),
        "look": {name: getattr(render_input.spec, name) for name in _LOOK},
        "reference_sha256": render_input.reference_sha256,
        "picture": render_input.spec.picture is not None,
    }


def _kept(record: Mapping[str, Any], pictures: Path) -> Kept:
    if record["v"] != _VERSION:
        raise ValueError
    spec = VideoSpec(**{name: record["look"][name] for name in _LOOK})
    task = Task(
        id=record["task_id"],
        job_id=record["job_id"],
        model=record["model"],
        prompt=spec.prompt,
        created=float(record["created"]),
        latency=float(record["latency"]),
        cost=Decimal(record["cost"]),
        discount=Decimal(record["discount"]),
        outcome=find_fault(record["outcome"]) if record["outcome"] else None,
        failure_message=record["failure_message"],
        wording=find_fault(record["wording"]) if record["wording"] else None,
        result_faults={kind: find_fault(kind) for kind in record["result_faults"]},
    )
    sha256 = str(record["reference_sha256"])
    picture_file = pictures / f"{sha256}.png" if record["picture"] else None
    return Kept(task, RenderInput(spec, sha256, picture_file), record["request_sha256"], int(record["case"]))
