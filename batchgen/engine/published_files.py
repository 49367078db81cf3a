"""What a run does with files that a request names by URL: they are published before the scene is submitted. Pure.

`Scheduler`, which chooses what to begin, builds on it. Nothing is published long before it is needed: a scene goes to
be published when it would be submitted, and then before all others; so what a budget or the gateway does not let
through is not published either, but for a few. What is published once is not published again while its URL works:
whoever carries the command out knows that, and the state keeps it from one run to the next.
"""

from batchgen.engine import events as ev
from batchgen.engine.backoff import Jitter, retry_wait
from batchgen.engine.commands import Publish, PublishResult, Stop
from batchgen.engine.linked_scenes import LinkedScenes
from batchgen.engine.queues import CommandKind
from batchgen.engine.scene_run import SceneRun
from batchgen.engine.settings import Settings
from batchgen.engine.states import State
from batchgen.engine.steps import Choice
from batchgen.limits import MOST_PUBLISHES

PUBLISH_FAILED = "publish_failed"
"""The code of a scene that is not submitted since a file of it could not be published."""


class PublishedFiles(LinkedScenes):
    """Has files published, and scenes submitted only once theirs are."""

    def __init__(self, state: State, settings: Settings, jitter: Jitter, choice: Choice | None) -> None:
        """Begin with nothing under way."""
        super().__init__(state, settings, jitter, choice)
        self._endings = {**self._endings, PublishResult: self._publish_result}
        self._publishing = 0
        self._has_given_up = False
        self._is_head_held = False
        """The scene whose turn it is waits until others are published."""

    def _is_published(self, run: SceneRun, at: str) -> bool:
        """Whether nothing of a scene has to be published, or looked at again, before it is submitted."""
        return not self._settings.publishes(run.scene.scene_id) or at < run.published_until

    def _publish_first(self, now: float, at: str) -> Publish | None:
        """Have the scene published that would be submitted now; one at most waits for that to begin."""
        self._is_head_held = self._queues.head(CommandKind.PUBLISH) is not None
        if not self._is_head_held:
            run = self._queues.take(CommandKind.SUBMIT)
            run.is_new = bool(run.scene.sources)  # what others make of the same request may come before it
            self._queues.now(CommandKind.PUBLISH, run)
        return self._next_publish(now, at)

    def _is_overtaken(self, run: SceneRun) -> bool:
        """Whether another scene has submitted what this one asks for, while its files were published."""
        made = self.state.attempts_for(run.scene) if run.published_until and not run.again else ()
        return any(one.is_in_flight or one.is_unknown for one in made)

    def _next_publish(self, now: float, at: str) -> Publish | None:  # noqa: ARG002 - the choices are called alike
        run = self._queues.head(CommandKind.PUBLISH)
        is_alone = not self._queues.has(CommandKind.SUBMIT) and not self._in_flight
        if run is None or self._publishing >= MOST_PUBLISHES or not self._workers.may_fetch(is_alone=is_alone):
            return None
        self._queues.take(CommandKind.PUBLISH)
        self._publishing += 1
        return self._begun(Publish(run.scene.scene_id), run)

    def _publish_result(self, result: PublishResult, run: SceneRun, now: float, at: str) -> None:
        """Submit the scene next, or try again, or leave it to a later run. What was published is kept in any case."""
        self._publishing -= 1
        for one in result.published:
            self._remember(ev.Published(at, one.sha256, one.place, one.url, one.good_until))
        if self.stop is not None:
            self._hold_back(run, at)
        elif result.denied:
            # It is held back with the others that wait.
            self._queues.now(CommandKind.PUBLISH, run)
            self._stop_submitting(Stop.PUBLISHING, PUBLISH_FAILED, result.failure, at)
        elif result.failure:
            self._publish_failed(result, run, now, at)
        else:
            run.publishes, self._has_given_up = 0, False
            run.published_until = result.good_until
            self._queues.behind(CommandKind.SUBMIT, run, lambda other: bool(other.published_until))

    def _publish_failed(self, result: PublishResult, run: SceneRun, now: float, at: str) -> None:
        """Try again a few times; once a scene was given up, others are tried once only until one succeeds."""
        run.publishes += 1
        if result.again and not self._has_given_up and run.publishes < MOST_PUBLISHES:
            self._queues.at(now + retry_wait(run.publishes, self._jitter), CommandKind.PUBLISH, run)
            return
        self._has_given_up = self._has_given_up or result.again
        self._remember(ev.HeldBack(at, run.scene.scene_id, PUBLISH_FAILED, f"not submitted: {result.failure}"))
