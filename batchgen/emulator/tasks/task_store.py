"""Stores tasks in a folder, so that they survive a restart or a kill of the emulator.

``tasks.jsonl`` has one line for each task, appended before the submission is answered. It contains
the properties of the task and everything that its video depends on; ``pictures/`` contains the
reference pictures, each one once. The time decides whether a task has ended, so that is not stored.

Writes are handed to the operating system without fsync: they survive the end of the process, but
possibly not a power cut.
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
from batchgen.emulator.money import Charge
from batchgen.emulator.tasks.lifecycle import Task
from batchgen.emulator.video.drawing import VideoSpec
from batchgen.emulator.video.renderer import RenderInput
from batchgen.errors import UsageError

_VERSION = 1
_PRIVATE = 0o600
_TASKS_FILE, _PICTURES_FOLDER, _LOCK_FILE = "tasks.jsonl", "pictures", "lock"
_AMOUNTS = ("cost", "discount", "unit_price", "quantity", "reference_seconds")
_SPEC_FIELDS = tuple(entry.name for entry in fields(VideoSpec) if entry.name != "picture")


@dataclass(frozen=True, slots=True)
class StoredTask:
    """A task as it was created, the input of its video, and its place among equal requests."""

    task: Task
    render_input: RenderInput
    request_sha256: str
    submission_index: int


class TaskStore:
    """The tasks in one folder; without a folder, nothing is stored."""

    def __init__(self, folder: Path | None) -> None:
        """Open the folder, create it if it is missing, and read its tasks.

        Raises `UsageError` if that fails, or if another emulator uses the folder.
        """
        self.tasks: list[StoredTask] = []
        self._file: IO[bytes] | None = None
        if folder is None:
            return
        self._path, self._pictures = folder / _TASKS_FILE, folder / _PICTURES_FOLDER
        try:
            self._pictures.mkdir(parents=True, exist_ok=True)
            # The thread that serves releases the lock, and it may be another one than this.
            self._lock = FileLock(folder / _LOCK_FILE, mode=_PRIVATE, thread_local=False)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(f"state {folder} is in use by another emulator") from None
        except OSError as error:
            raise UsageError(f"state {folder} cannot be used: {error.strerror}") from None
        try:
            self._load()
        except OSError as error:
            self._lock.release()
            raise UsageError(f"{self._path} cannot be used: {error.strerror}") from None
        except BaseException:
            self._lock.release()
            raise

    def save_picture(self, render_input: RenderInput) -> None:
        """Store the reference picture of a video. Slow: call it outside the event loop."""
        if self._file is None or render_input.spec.picture is None:
            return
        path = self._pictures / f"{render_input.reference_sha256}.png"
        if not path.exists():
            # Two tasks may store the same picture at once, and a kill may interrupt either of them.
            temporary = path.with_suffix(f".{os.getpid()}.{id(render_input)}.part")
            render_input.spec.picture.save(temporary, "PNG", compress_level=1)
            temporary.replace(path)

    def add(self, stored: StoredTask) -> None:
        """Append a task. Raises OSError; the task is not stored then."""
        if self._file is None:
            return
        line = json.dumps(_to_record(stored), separators=(",", ":")).encode() + b"\n"
        try:
            self._file.write(line)
        except OSError:
            self._file.truncate(self._length)
            raise
        self._length += len(line)

    def close(self) -> None:
        """Close the file and release the lock on the folder."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._lock.release()

    def _load(self) -> None:
        content = self._path.read_bytes() if self._path.exists() else b""
        # A kill during a write leaves a last line without its end. No client has got a response for it.
        self._length = content.rfind(b"\n") + 1
        for number, line in enumerate(content[: self._length].splitlines(), 1):
            try:
                self.tasks.append(_from_record(json.loads(line), self._pictures))
            except (ArithmeticError, AttributeError, KeyError, TypeError, UsageError, ValueError):
                raise UsageError(f"{self._path}:{number}: this is not a line that an emulator wrote") from None
        self._file = self._path.open("ab", buffering=0)
        self._file.truncate(self._length)


def _to_record(stored: StoredTask) -> dict[str, Any]:
    task, render_input = stored.task, stored.render_input
    return {
        "v": _VERSION,
        "task_id": task.id,
        "job_id": task.job_id,
        "model": task.model,
        "request_sha256": stored.request_sha256,
        "case": stored.submission_index,
        "created": task.created,
        "latency": task.latency,
        "queued": task.queued,
        **_charge_record(task.charge),
        "outcome": task.outcome_fault and task.outcome_fault.kind,
        "failure_message": task.failure_message,
        "wording": task.wording_fault and task.wording_fault.kind,
        "result_faults": list(task.result_faults),
        "shape_faults": list(task.shape_faults),
        "look": {name: getattr(render_input.spec, name) for name in _SPEC_FIELDS},
        "reference_sha256": render_input.reference_sha256,
        "picture": render_input.spec.picture is not None,
    }


def _charge_record(charge: Charge) -> dict[str, Any]:
    amounts = {name: getattr(charge, name) for name in _AMOUNTS}
    texts = {name: format(value, "f") for name, value in amounts.items() if value is not None}
    return {**texts, "tier": charge.tier}


def _charge(record: Mapping[str, Any]) -> Charge:
    # Emulators before wrote the cost and the discount alone.
    amounts = {name: Decimal(record[name]) for name in _AMOUNTS if name in record}
    return Charge(**amounts, tier=str(record.get("tier", "")))


def _from_record(record: Mapping[str, Any], pictures: Path) -> StoredTask:
    if record["v"] != _VERSION:
        raise ValueError
    spec = VideoSpec(**{name: record["look"][name] for name in _SPEC_FIELDS})
    task = Task(
        id=record["task_id"],
        job_id=record["job_id"],
        model=record["model"],
        prompt=spec.prompt,
        created=float(record["created"]),
        latency=float(record["latency"]),
        charge=_charge(record),
        # Emulators before had no queue.
        queued=float(record.get("queued", 0)),
        outcome_fault=find_fault(record["outcome"]) if record["outcome"] else None,
        failure_message=record["failure_message"],
        wording_fault=find_fault(record["wording"]) if record["wording"] else None,
        result_faults={kind: find_fault(kind) for kind in record["result_faults"]},
        # Emulators before wrote none.
        shape_faults={kind: find_fault(kind) for kind in record.get("shape_faults", ())},
    )
    sha256 = str(record["reference_sha256"])
    picture_file = pictures / f"{sha256}.png" if record["picture"] else None
    return StoredTask(task, RenderInput(spec, sha256, picture_file), record["request_sha256"], int(record["case"]))
