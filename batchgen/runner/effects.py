"""A command → an act → what came of it. Runs on the threads of the executor; raises nothing."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from batchgen.engine.classification import Classification, Kind, Result
from batchgen.engine.commands import Command, CommandResult, Fetch, FetchResult, Poll, PollResult, Submit, SubmitResult
from batchgen.gateway.download import DownloadFailed, fetch, mismatch
from batchgen.gateway.interface import CallFailed, Created, Gateway, Task
from batchgen.gateway.meanings import CodeClasses, classify_create, classify_read
from batchgen.model import Request
from batchgen.network import Network

VIDEOS = "videos"
_WRONG_FORMAT = (400, 422)
log = logging.getLogger("batchgen")


class Effects:
    """Performs the acts of one run against a gateway."""

    def __init__(
        self,
        gateway: Gateway,
        downloads: Network,
        requests: Mapping[str, Request],
        codes: CodeClasses,
        folder: Path,
    ) -> None:
        """``requests`` is by scene id; results go to ``folder``/videos."""
        self._gateway = gateway
        self._downloads = downloads
        self._requests = requests
        self._codes = codes
        self._folder = folder
        self._any_created = False
        self._kinds: Mapping[type, Callable[..., CommandResult]] = {
            Submit: self._submit,
            Poll: self._poll,
            Fetch: self._fetch,
        }

    def perform(self, command: Command) -> CommandResult:
        """Do it, and say how it ended."""
        return self._kinds[type(command)](command)

    def _submit(self, command: Submit) -> SubmitResult:
        log.info("scene %s: submitting, attempt %d", command.scene_id, command.attempt)
        result: Created | CallFailed
        try:
            result = self._gateway.create(self._requests[command.scene_id])
        except CallFailed as error:
            result = error
        except Exception as error:
            # A bug must not make a paid request look as if it had never been sent.
            log.exception("scene %s: unexpected error while submitting", command.scene_id)
            reason = f"submitted, and the outcome is not known: {type(error).__name__}"
            return SubmitResult(command, Classification(Kind.UNCERTAIN, "submit_unknown", reason))
        classification = classify_create(result, self._codes)
        if isinstance(result, Created):
            self._any_created = True
            log.info("scene %s: task %s created", command.scene_id, result.task_id)
            return SubmitResult(command, classification, result.task_id)
        if result.status in _WRONG_FORMAT and not self._any_created:
            hint = "; if every scene is refused, try --request-format params (or documented)"
            classification = replace(classification, reason=classification.reason + hint)
        # What is sent again by itself is no news to anyone who watches.
        level = logging.INFO if classification.again else logging.WARNING
        log.log(
            level,
            "scene %s: %s (%s): %s",
            command.scene_id,
            classification.kind,
            classification.code,
            classification.reason,
        )
        return SubmitResult(command, classification, candidate_id=result.task_id, excerpt=result.excerpt)

    def _poll(self, command: Poll) -> PollResult:
        result: Task | CallFailed
        try:
            result = self._gateway.read(command.task_id)
        except CallFailed as error:
            result = error
        except Exception as error:
            log.exception("scene %s: task %s: unexpected error while reading", command.scene_id, command.task_id)
            return PollResult(command, Classification(Kind.TRANSIENT, "internal", type(error).__name__))
        classification = classify_read(result, self._codes)
        if classification.kind is Kind.RUNNING:
            log.debug("scene %s: task %s is running", command.scene_id, command.task_id)
        elif classification.kind is Kind.DONE:
            log.info("scene %s: task %s completed", command.scene_id, command.task_id)
        else:
            log.warning(
                "scene %s: task %s: %s: %s",
                command.scene_id,
                command.task_id,
                classification.code,
                classification.reason,
            )
        if isinstance(result, CallFailed):
            return PollResult(command, classification)
        return PollResult(
            command, classification, Result(result.video_url, result.job_id, result.cost_usd, result.discount)
        )

    def _fetch(self, command: Fetch) -> FetchResult:
        target = self._folder / VIDEOS / f"{command.scene_id}.mp4"
        try:
            target.parent.mkdir(exist_ok=True)
            arrived = fetch(self._downloads, command.url, target.with_name(f"{command.scene_id}@{command.attempt}.mp4"))
            wrong = mismatch(arrived.path, command.size, command.duration_s)
            arrived.path.replace(target)
        except DownloadFailed as error:
            log.warning("scene %s: %s", command.scene_id, error)
            return FetchResult(command, failure=str(error), expired=error.expired)
        except OSError as error:
            log.error("scene %s: the result cannot be stored: %s", command.scene_id, error.strerror)  # noqa: TRY400
            return FetchResult(command, failure=f"the result cannot be stored: {error.strerror}", unstorable=True)
        except Exception as error:
            log.exception("scene %s: unexpected error while downloading", command.scene_id)
            return FetchResult(command, failure=f"the result did not arrive: {type(error).__name__}")
        log.info("scene %s: %d bytes arrived%s", command.scene_id, arrived.bytes, f"; {wrong}" if wrong else "")
        return FetchResult(command, f"{VIDEOS}/{target.name}", arrived.sha256, wrong)
