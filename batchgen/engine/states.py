"""Where every attempt at every scene stands: the state, and the fold that makes it. Pure.

Attempts are kept by the scene that they were made for, and found by what they asked for: two scenes with
the same request, or one scene under two names, have the same attempts.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import islice
from typing import Any

from batchgen.engine.attempts import (
    TRANSITIONS,
    WEIGHTS,
    Attempt,
    AttemptKey,
    AttemptState,
    IllegalTransition,
    after,
    shows_gateway,
)
from batchgen.engine.events import (
    Adopted,
    AttemptEvent,
    Event,
    HeldBack,
    ManifestChanged,
    ManifestRead,
    Picked,
    PicksCleared,
    Published,
    RequestMade,
    Reused,
    RunEnded,
    RunEvent,
    RunStarted,
    SceneFacts,
    Steered,
    Submitted,
    WantedAgain,
)
from batchgen.engine.manifest_changes import scenes_after
from batchgen.engine.steerable import Steerable
from batchgen.model import frames_in
from batchgen.references import ResultReference

S = AttemptState

TAKE = re.compile(r"-t[0-9]+\Z")
"""What the ids of takes end with, behind that of their shot."""


@dataclass(slots=True)
class State:
    """Everything that the journal tells. Changed by `apply` and by nothing else."""

    name: str = ""
    model: str = ""
    scenes: tuple[SceneFacts, ...] = ()
    attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    runs: int = 0
    cut_off: bool = False
    """The last run did not come to its end."""
    is_under_way: bool = False
    """It goes on, on this machine. The journal cannot say so; whoever looks at it from outside sets this."""
    left_in_sending: frozenset[AttemptKey] = frozenset()
    """Submissions that were cut off before the last run began."""
    held: dict[str, HeldBack] = field(default_factory=dict)
    """Scenes that the last run did not submit on purpose."""
    downloads: bool = True
    """The last run wanted the files of its results here."""
    tasks: dict[str, AttemptKey] = field(default_factory=dict)
    """The attempt that each task belongs to, by its id."""
    by_request: dict[str, list[AttemptKey]] = field(default_factory=dict)
    """The attempts at each request, by its hash, and by that of requests in which any seed will do."""
    adopted: dict[str, AttemptKey] = field(default_factory=dict)
    """The attempt that a scene has taken over from one that is gone."""
    wanted_again: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Scenes that are to be paid for once more: what they asked for when that was said, and how often it had been."""
    chosen_scenes: dict[str, str] = field(default_factory=dict)
    """The scene that stands for a shot in scenes that are built on it, from the first of them on."""
    picked_scenes: dict[str, str] = field(default_factory=dict)
    """The scene that stands for a shot, where the user picked one."""
    picked_attempts: dict[str, AttemptKey] = field(default_factory=dict)
    """The attempt that counts for a scene, where the user picked one."""
    budget_usd: Decimal | None = None
    """What the last run might spend at most, over all runs; None for no limit."""
    gateway: str = ""
    """Where the first task was created, or may have been; empty before that, and for a rehearsal."""
    profile: str = ""
    """The profile of the last run; empty for none."""
    is_new_profile: bool = False
    """No run was ever made with the profile, looking ahead to one with it; see `with_profile`."""
    others: dict[str, tuple[SceneFacts, ...]] = field(default_factory=dict)
    """The scenes of the manifest in the other profiles, as each was run last."""
    output: str = ""
    """Below which URL results and reports go to an object store; empty where they stay in the run directory."""
    request_format: str = ""
    """The form of the request that last created a task; empty where that is not known."""
    published: dict[tuple[str, str], Published] = field(default_factory=dict)
    """The latest publication of each file, by its place and the hash of its content."""
    _talks_to: str = ""
    frames: dict[tuple[str, str], int] = field(default_factory=dict)
    """The frame that each moment of a result is, by the hash of its file and the moment, as far as that was needed."""
    _listed: dict[str, SceneFacts] = field(default_factory=dict)
    _takes: dict[str, list[str]] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)

    # What is asked of it

    def latest(self, scene_id: str) -> Attempt | None:
        """The last attempt that was made for a scene, None where there was none."""
        listed = self.attempts.get(scene_id)
        return listed[-1] if listed else None

    def next_number(self, scene_id: str) -> int:
        """The number of the next attempt at a scene.

        A submission that created nothing does not count, unless the user alone says so: that can be corrected.
        """
        latest = self.latest(scene_id)
        is_free = latest is None or (latest.state is S.REFUSED and not latest.by_hand)
        return len(self.attempts.get(scene_id, ())) + (0 if latest is not None and is_free else 1)

    def attempt(self, key: AttemptKey) -> Attempt:
        """An attempt that there is."""
        return self.attempts[key[0]][key[1] - 1]

    def find(self, key: AttemptKey) -> Attempt | None:
        """An attempt, None where there is none of that number."""
        listed = self.attempts.get(key[0], [])
        return listed[key[1] - 1] if 0 < key[1] <= len(listed) else None

    def attempts_for(self, scene: SceneFacts) -> list[Attempt]:
        """All attempts whose result would be that of the scene, in the order of their submission.

        Where a request has no seed its results differ, and one made for another scene is not this one's,
        unless it was taken over.
        """
        keys = self.by_request.get(scene.request.sha256, [])
        if scene.any_seed is not None:
            # Its own may have another seed, where they come from elsewhere.
            own = [one.key for one in self.attempts.get(scene.scene_id, []) if one.asks_for(scene)]
            keys = own if scene.any_seed == scene.request.sha256 else list(dict.fromkeys([*keys, *own]))
        adopted = self.adopted_by(scene)
        return [self.attempt(key) for key in ([adopted] if adopted and adopted not in keys else []) + keys]

    def current_attempt(self, scene: SceneFacts) -> Attempt | None:
        """The attempt that says where a scene stands, None where there is none.

        That is the one that was picked, else the best at its request; before there is one, what is still under
        way or unknown of the request that the scene had before.
        """
        picked = self.find(self.picked_attempts.get(scene.scene_id, ("", 0)))
        if picked is not None and picked.has_file:
            return picked
        made = self.attempts_for(scene)
        if made:
            best = max(WEIGHTS[attempt.state] for attempt in made)
            return [attempt for attempt in made if WEIGHTS[attempt.state] == best][-1]
        latest = self.latest(scene.scene_id)
        return latest if latest is not None and (latest.is_open or latest.is_unknown) else None

    def is_wanted_again(self, scene_id: str) -> bool:
        """Whether a scene is to be paid for once more, and its request has not been since that was said."""
        wish, scene = self.wanted_again.get(scene_id), self._listed.get(scene_id)
        if wish is None or scene is None or wish[0] != scene.request.sha256:
            return False  # what is asked for now was not wished for
        return self._known_paid(scene) <= wish[1]

    def _known_paid(self, scene: SceneFacts) -> int:
        """How many attempts at the request of a scene were paid for; whether an unknown one was, nobody knows.

        One that was taken over may go to another scene yet, and does not count.
        """
        made = (one for one in self.attempts_for(scene) if one.key != self.adopted.get(scene.scene_id))
        return sum(attempt.is_paid and not attempt.is_unknown for attempt in made)

    def scene(self, scene_id: str) -> SceneFacts | None:
        """A scene of the manifest, None where there is none of that id."""
        return self._listed.get(scene_id)

    def takes_of(self, shot: str) -> list[SceneFacts]:
        """The scenes of a shot, in their order."""
        return [self._listed[scene_id] for scene_id in self._takes.get(shot, ())]

    def all_attempts(self) -> Iterable[Attempt]:
        """Every attempt, by scene in the order of their first submission."""
        return (attempt for listed in self.attempts.values() for attempt in listed)

    def owner_of(self, task_id: str) -> Attempt | None:
        """The attempt that a task belongs to, None where no attempt has that id."""
        owner = self.find(self.tasks.get(task_id, ("", 0)))
        return owner if owner is not None and owner.task_id == task_id else None

    @property
    def bound_to(self) -> str:
        """The gateway that this run directory belongs to; empty before there may be a task."""
        sent = any(attempt.state is S.SUBMITTING for attempt in self.all_attempts())
        return self.gateway or (self._talks_to if sent else "")

    def with_scenes(self, scenes: Sequence[SceneFacts]) -> "State":
        """This state, as it would be once a manifest with these scenes is read; only to look at."""
        ahead = replace(self, attempts=dict(self.attempts), by_request=dict(self.by_request))
        ahead.chosen_scenes, ahead.frames = dict(self.chosen_scenes), dict(self.frames)
        ahead._list(tuple(scenes))  # noqa: SLF001 - its own kind
        return ahead

    def with_profile(self, profile: str) -> "State":
        """This state, as it would be once a run with that profile begins; only to look at."""
        is_new = bool(self.scenes) and profile != self.profile and profile not in self.others
        return replace(self, others=self._besides(profile), profile=profile, is_new_profile=is_new)

    def _besides(self, profile: str) -> dict[str, tuple[SceneFacts, ...]]:
        """The scenes of all profiles but that one."""
        if profile == self.profile or not self.scenes:
            return self.others
        return {name: listed for name, listed in [*self.others.items(), (self.profile, self.scenes)] if name != profile}

    def adopted_by(self, scene: SceneFacts) -> AttemptKey | None:
        """The attempt that a scene has taken over from one that is gone, None where there is none."""
        key = self.adopted.get(scene.scene_id)
        found = None if key is None else self.find(key)
        fits = found is not None and scene.any_seed is not None and found.any_seed == scene.any_seed
        return key if found is not None and fits and not self.is_claimed(found) else None

    def is_claimed(self, attempt: Attempt) -> bool:
        """Whether the scene that an attempt was made for is in the manifest, under its name or by its very request."""
        own = self._listed.get(attempt.scene_id)
        if own is not None and own.any_seed == attempt.any_seed:
            return True
        return attempt.request.sha256 != attempt.any_seed and attempt.request.sha256 in self._asked

    # What changes it

    def apply(self, event: Event) -> None:
        """Take in one event. Raises `IllegalTransition`, and changes nothing then."""
        steps: Mapping[AttemptState | None, AttemptState] | None = TRANSITIONS.get(type(event))
        either: Any = event
        if steps is None:
            self._apply_to_run(either)
        else:
            self._apply_to_attempt(either, steps)

    def _apply_to_run(self, event: RunEvent) -> None:  # noqa: C901, PLR0912 - one case for each event
        match event:
            case RunStarted():
                self._begin(event)
            case Steered():
                if event.setting == Steerable.BUDGET:
                    self.budget_usd = Decimal(event.value) if event.value else None
            case RunEnded():
                self._end()
            case ManifestRead():
                self._read(event, event.scenes)
            case ManifestChanged():
                self._read(event, scenes_after(self.scenes, event))
            case RequestMade():
                self._make_request(event)
            case HeldBack():
                self.held[event.scene_id] = event
            case Published():
                self.published[event.place, event.sha256] = event
            case WantedAgain():
                self._wish(event.scene_id)
            case Adopted():
                self._adopt(event)
            case Picked():
                self._pick(event)
            case PicksCleared():
                self._clear_picks(event.shot)

    def _wish(self, scene_id: str) -> None:
        scene, wish = self._listed.get(scene_id), self.wanted_again.get(scene_id)
        if scene is not None and (wish is None or wish[0] != scene.request.sha256):
            self.wanted_again[scene_id] = scene.request.sha256, self._known_paid(scene)

    def _begin(self, event: RunStarted) -> None:
        self.gateway = event.gateway if event.rebound and self.bound_to else self.bound_to
        self._talks_to = event.gateway
        self.runs, self.cut_off, self.held = self.runs + 1, True, {}
        self.left_in_sending = frozenset(one.key for one in self.all_attempts() if one.state is S.SUBMITTING)
        self.downloads, self.budget_usd = event.download, event.budget_usd
        self.output = event.output or self.output
        self.others, self.profile = self._besides(event.profile), event.profile

    def _end(self) -> None:
        self.cut_off = False
        if not any(map(self.is_wanted_again, self._listed)):
            self.wanted_again = {}

    def _read(self, event: ManifestRead | ManifestChanged, scenes: tuple[SceneFacts, ...]) -> None:
        self.name, self.model = event.name, event.model
        self._list(scenes)

    def _list(self, scenes: tuple[SceneFacts, ...]) -> None:
        self.scenes = scenes
        self._listed = {scene.scene_id: scene for scene in scenes}
        self._asked = {scene.request.sha256 for scene in scenes}
        self._takes = {}
        for scene in scenes:
            self._takes.setdefault(scene.shot or scene.scene_id, []).append(scene.scene_id)
            if scene.any_seed is not None:
                self._any_seed_will_do(scene, scene.any_seed)
        for scene in scenes:
            self._learn_sources(scene)

    def _make_request(self, event: RequestMade) -> None:
        scene = self._listed.get(event.scene_id)
        if scene is None or len(event.built_on) != len(scene.sources):
            raise IllegalTransition(f"{event.scene_id}: is not made of {len(event.built_on)} results of other scenes")
        made = replace(scene, request=event.request, any_seed=event.any_seed, built_on=event.built_on)
        self._listed[event.scene_id] = made
        self.scenes = tuple(self._listed.values())
        self._asked.add(made.request.sha256)
        self._learn_sources(made)

    def _learn_sources(self, scene: SceneFacts) -> None:
        """Keep which take a scene is built on, so that no other one takes its place, and which frame a moment is."""
        for source, name in zip(map(ResultReference.from_text, scene.sources), scene.built_on, strict=False):
            takes = [] if source.scene in self._listed else self.takes_of(source.scene)
            # The result of a take may have been bought for another scene.
            stands = (take for take in takes if any(one.name == name for one in self.attempts_for(take)))
            for take in islice(stands, 1):
                self.chosen_scenes.setdefault(source.scene, take.scene_id)
        self.frames.update(frames_in(scene.request.document) if scene.built_on else ())

    def _any_seed_will_do(self, scene: SceneFacts, any_seed: str) -> None:
        """Mark attempts of versions before, which did not say that any seed would do for their request."""
        for key in self.by_request.get(scene.request.sha256, ()):
            attempt = self.attempt(key)
            if attempt.any_seed is None:
                listed = self.attempts[key[0]] = list(self.attempts[key[0]])
                listed[key[1] - 1] = replace(attempt, any_seed=any_seed)
                if any_seed != scene.request.sha256:
                    self.by_request[any_seed] = [*self.by_request.get(any_seed, []), key]

    def _adopt(self, event: Adopted) -> None:
        key = event.of_scene_id, event.of_attempt
        if self.find(key) is None:
            raise IllegalTransition(f"{event.scene_id}: adopts attempt {event.of_attempt} of {event.of_scene_id}")
        self.adopted = {scene_id: other for scene_id, other in self.adopted.items() if other != key}
        self.adopted[event.scene_id] = key

    def _pick(self, event: Picked) -> None:
        if event.of_scene_id is None or event.of_attempt is None:
            # A scene is picked with all its edits: one of its attempts is not what stands for it any longer.
            shot = self.shot_of(event.scene_id)
            self._clear_picks(shot)
            self.picked_scenes[shot] = event.scene_id
            return
        key = event.of_scene_id, event.of_attempt
        if self.find(key) is None:
            raise IllegalTransition(f"{event.scene_id}: picks attempt {event.of_attempt} of {event.of_scene_id}")
        self.picked_attempts[event.scene_id] = key

    def _clear_picks(self, shot: str) -> None:
        self.picked_scenes = {name: picked for name, picked in self.picked_scenes.items() if shot and name != shot}
        picked = self.picked_attempts.items()
        self.picked_attempts = {name: key for name, key in picked if shot and self.shot_of(name) != shot}

    def shot_of(self, scene_id: str) -> str:
        """The shot that a scene is, or is a take of, as far as the manifest that was read last tells."""
        listed = self._listed.get(scene_id)
        return listed.shot or scene_id if listed is not None else TAKE.sub("", scene_id)

    def _apply_to_attempt(self, event: AttemptEvent, steps: Mapping[AttemptState | None, AttemptState]) -> None:
        listed, position = self.attempts.get(event.scene_id) or [], event.attempt - 1
        if not 0 <= position <= len(listed):
            raise IllegalTransition(f"{event.scene_id}: attempt {event.attempt} after {len(listed)}")
        before = listed[position] if position < len(listed) else None
        stands = before.state if before else None
        target = steps.get(stands)
        if target is None:
            raise IllegalTransition(f"{event.scene_id}: {type(event).__name__} while {stands or 'not begun'}")
        attempt = after(before, event, target)
        if before is not None:
            listed[position] = attempt
        elif listed:
            listed.append(attempt)
        else:
            self.attempts[event.scene_id] = [attempt]
        self._index(before, attempt, (event.scene_id, event.attempt))
        if isinstance(event, Reused):
            self._keep_pick(attempt)
        if isinstance(event, Submitted):
            self.request_format = attempt.request_format or self.request_format
        if not self.gateway and shows_gateway(event):
            self.gateway = self._talks_to

    def _keep_pick(self, linked: Attempt) -> None:
        """Let a pick go over to the same file, which was linked in since that of the picked attempt is gone."""
        picked = self.find(self.picked_attempts.get(linked.scene_id, ("", 0)))
        if picked is not None and picked.video_sha256 == linked.video_sha256:
            self.picked_attempts[linked.scene_id] = linked.key

    def _index(self, before: Attempt | None, attempt: Attempt, key: AttemptKey) -> None:
        """Keep attempts findable by what they ask for, and by their tasks."""
        if before is None or before.request is not attempt.request or before.any_seed != attempt.any_seed:
            self._index_request(before, attempt, key)
        task_id = attempt.task_id
        if task_id is not None and self.tasks.get(task_id) != key and self.owner_of(task_id) is None:
            self.tasks[task_id] = key

    def _index_request(self, before: Attempt | None, attempt: Attempt, key: AttemptKey) -> None:
        asks = attempt.request.sha256, attempt.any_seed
        if before is not None and (before.request.sha256, before.any_seed) == asks:
            return
        for name in {} if before is None else dict.fromkeys((before.request.sha256, before.any_seed)):
            if name in self.by_request:
                self.by_request[name] = [other for other in self.by_request[name] if other != key]
        for name in dict.fromkeys(asks):
            if name is not None:
                self.by_request[name] = [*self.by_request.get(name, ()), key]
