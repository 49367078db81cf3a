"""A command → an act → what came of it. Runs on the threads of the executor; raises nothing."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from batchgen.engine.commands import Act, Ending, Fetch, FetchEnded, Poll, PollEnded, Submit, SubmitEnded
from batchgen.engine.outcomes import Kind, Meaning, Result
from batchgen.gateway.download import DownloadFailed, fetch, mismatch
from batchgen.gateway.interface import CallFailed, Created, Gateway, Task
from batchgen.gateway.meanings import CodeClasses, of_create, of_read
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
        self._kinds: Mapping[type, Callable[..., Ending]] = {
            Submit: self._submit,
            Poll: self._poll,
            Fetch: self._fetch,
        }

    def perform(self, act: Act) -> Ending:
        """Do it, and say how it ended."""
        return self._kinds[type(act)](act)

    def _submit(self, act: Submit) -> SubmitEnded:
        log.info("scene %s: submitting, attempt %d", act.scene_id, act.attempt)
        ending: Created | CallFailed
        try:
            ending = self._gateway.create(self._requests[act.scene_id])
        except CallFailed as error:
            ending = error
        except Exception as error:
            # A bug must not make a paid request look as if it had never been sent.
            log.exception("scene %s: unexpected error while submitting", act.scene_id)
            reason = f"submitted, and the outcome is not known: {type(error).__name__}"
            return SubmitEnded(act, Meaning(Kind.UNCERTAIN, "submit_unknown", reason))
        meaning = of_create(ending, self._codes)
        if isinstance(ending, Created):
            self._any_created = True
            log.info("scene %s: task %s created", act.scene_id, ending.task_id)
            return SubmitEnded(act, meaning, ending.task_id)
        if ending.status in _WRONG_FORMAT and not self._any_created:
            hint = "; if every scene is refused, try --request-format params (or documented)"
            meaning = replace(meaning, reason=meaning.reason + hint)
        # What is sent again by itself is no news to anyone who watches.
        level = logging.INFO if meaning.again else logging.WARNING
        log.log(level, "scene %s: %s (%s): %s", act.scene_id, meaning.kind, meaning.code, meaning.reason)
        return SubmitEnded(act, meaning, candidate_id=ending.task_id, excerpt=ending.excerpt)

    def _poll(self, act: Poll) -> PollEnded:
        ending: Task | CallFailed
        try:
            ending = self._gateway.read(act.task_id)
        except CallFailed as error:
            ending = error
        except Exception as error:
            log.exception("scene %s: task %s: unexpected error while reading", act.scene_id, act.task_id)
            return PollEnded(act, Meaning(Kind.TRANSIENT, "internal", type(error).__name__))
        meaning = of_read(ending, self._codes)
        if meaning.kind is Kind.RUNNING:
            log.debug("scene %s: task %s is running", act.scene_id, act.task_id)
        elif meaning.kind is Kind.DONE:
            log.info("scene %s: task %s completed", act.scene_id, act.task_id)
        else:
            log.warning("scene %s: task %s: %s: %s", act.scene_id, act.task_id, meaning.code, meaning.reason)
        if isinstance(ending, CallFailed):
            return PollEnded(act, meaning)
        return PollEnded(act, meaning, Result(ending.video_url, ending.job_id, ending.cost_usd, ending.discount))

    def _fetch(self, act: Fetch) -> FetchEnded:
        target = self._folder / VIDEOS / f"{act.scene_id}.mp4"
        try:
            target.parent.mkdir(exist_ok=True)
            arrived = fetch(self._downloads, act.url, target.with_name(f"{act.scene_id}@{act.attempt}.mp4"))
            wrong = mismatch(arrived.path, act.size, act.duration_s)
            arrived.path.replace(target)
        except DownloadFailed as error:
            log.warning("scene %s: %s", act.scene_id, error)
            return FetchEnded(act, failure=str(error), expired=error.expired)
        except OSError as error:
            log.error("scene %s: the result cannot be stored: %s", act.scene_id, error.strerror)  # noqa: TRY400
            return FetchEnded(act, failure=f"the result cannot be stored: {error.strerror}", unstorable=True)
        except Exception as error:
            log.exception("scene %s: unexpected error while downloading", act.scene_id)
            return FetchEnded(act, failure=f"the result did not arrive: {type(error).__name__}")
        log.info("scene %s: %d bytes arrived%s", act.scene_id, arrived.bytes, f"; {wrong}" if wrong else "")
        return FetchEnded(act, f"{VIDEOS}/{target.name}", arrived.sha256, wrong)
