"""A world whose scenes are built on the results of others: links, shots with takes, looks, and picks."""

import re
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

from batchgen.engine.attempts import AttemptState
from batchgen.engine.commands import Link, LinkResult, Prepare, PrepareResult, SourceFile, Stop
from batchgen.engine.events import Event, Picked, RequestMade, Reused, SceneFacts
from batchgen.engine.making import made_whole
from batchgen.engine.planner import plan
from batchgen.engine.scheduler import Scheduler
from batchgen.engine.sources import lacking, may_come_later, result_of, sources_of
from batchgen.engine.states import State
from batchgen.engine.steps import Choice, Elsewhere, Step
from batchgen.engine.waiting import held_for_review, stale
from batchgen.references import ResultReference

from campaigns.simulation.mishaps import FAIR, Mishaps
from campaigns.simulation.world import World, hash_of
from helpers.engine_support import known_request

S = AttemptState
_TAKE = re.compile(r"(.+)-t[0-9]+")
_MOMENTS = ("", "first", "last", "2.5")
_MOST_LOOKS = 12
_LENT = 48
"""Of 256 requests, how many another run directory has a result of."""


def _shot_of(name: str) -> str:
    found = _TAKE.fullmatch(name)
    return found[1] if found else name


class LinkedWorld(World):
    """The same, where scenes are built on earlier ones; what is added later may be built on all that was before."""

    def __init__(self, random: Random, seen: "Counter[str]", *, scenes: int = 1, cap: int = 99) -> None:
        self.links: dict[str, tuple[str, ...]] = {}
        """What each scene is built on, as texts of references; of what is not in the manifest nothing is asked."""
        self.reviewed: set[str] = set()
        """The shots that somebody has to look at before they are built on."""
        self._takes: dict[str, tuple[str, ...]] = {}
        self._order: list[str] = []
        self._chosen: dict[str, str] = {}
        self._failed_to_prepare: set[str] = set()
        super().__init__(random, seen, scenes=scenes, cap=cap)

    # The user

    def add(self, scene_id: str) -> None:
        """Put a scene, or a shot of two or three takes, into the manifest."""
        if scene_id not in self._takes:
            count = self.random.choice((1, 1, 1, 2, 3))
            self._takes[scene_id] = tuple(f"{scene_id}-t{take}" for take in range(1, count + 1))
            if count == 1:
                self._takes[scene_id] = (scene_id,)
            self._link(scene_id)
        for name in self._takes[scene_id]:
            super().add(name)
            self._take_note(name, scene_id)

    def _link(self, shot: str) -> None:
        chances = (0, 1, 1, 1, 2)
        wanted = min(self.random.choice(chances), len(self._order))
        names = (
            self.random.sample(list(dict.fromkeys([*self._order, *map(_shot_of, self._order)])), wanted)
            if wanted
            else []
        )
        self.links[shot] = tuple(str(ResultReference(name, self.random.choice(_MOMENTS))) for name in names)
        if self.random.random() < 0.15:
            self.reviewed.add(shot)

    def _take_note(self, name: str, alike: str) -> None:
        if name not in self._order:
            self._order.append(name)
        self.links.setdefault(name, self.links[alike])

    def repeat(self, scene_id: str) -> None:
        """The user wants of a new scene what another one is already."""
        super().repeat(scene_id)
        self._take_note(next(reversed(self.versions)), scene_id)

    def link_anew(self, scene_id: str) -> None:
        """The user builds a scene on something else, of what was before it."""
        before = self._order[: self._order.index(scene_id)]
        before = [name for name in before if _shot_of(name) != _shot_of(scene_id)]
        names = self.random.sample(before, min(1, len(before)))
        self.links[scene_id] = tuple(str(ResultReference(name, self.random.choice(_MOMENTS))) for name in names)

    def pick_something(self) -> None:
        """The user picks a take, or one of the attempts at a scene."""
        state = self._opened()
        scene = self.random.choice(state.scenes) if state.scenes else None
        if scene is None:
            return
        with_files = [one for one in state.attempts.get(scene.scene_id, ()) if one.has_file]
        if with_files and self.random.random() < 0.3:
            self._remember(state, [Picked(self.at(), scene.scene_id, *self.random.choice(with_files).key)])
        else:
            self._remember(state, [Picked(self.at(), scene.scene_id, None, None)])
        self.seen["picked"] += 1

    def pick_what_is_held(self) -> bool:
        """The user looks at what waits for that; whether there was anything."""
        state = self._opened()
        held = {source.name for scene in state.scenes for source in lacking(scene, state) if source.is_held}
        self._remember(state, [Picked(self.at(), name, None, None) for name in sorted(held)])
        self.seen["picked after a look"] += len(held)
        return bool(held)

    def _opened(self) -> State:
        self.witness.disk.mishaps = FAIR
        return self.witness.open()

    def scene(self, scene_id: str) -> SceneFacts:
        """What the manifest says of a scene now; without a request where it is built on results."""
        plain, shot = super().scene(scene_id), _shot_of(scene_id)
        sources = tuple(text for text in self.links[scene_id] if self._is_there(text))
        take = None if shot == scene_id else 1
        facts = replace(plain, shot=shot, take=take, sources=sources, review=shot in self.reviewed)
        if not sources:
            return facts
        references = [_marker(text) for text in sources]
        return self._built(facts, [f"waits {text}" for text in sources], references)

    def _is_there(self, text: str) -> bool:
        name = ResultReference.from_text(text).scene
        return any(name in (known, _shot_of(known)) for known in self.versions)

    def _built(self, facts: SceneFacts, contents: list[str], references: list[dict[str, Any]]) -> SceneFacts:
        """A scene with what it is made of in its request."""
        before = facts.request
        document = {**before.document, "references": references}
        sha256 = hash_of(self.plain_request(facts.scene_id), *contents)
        any_seed = None if facts.any_seed is None else hash_of(self.plain_any_seed(facts.scene_id), *contents)
        return replace(
            facts, request=known_request(sha256, document, before.tier, before.characters), any_seed=any_seed
        )

    def plain_request(self, scene_id: str) -> str:
        """The hash of what a scene asks for besides results."""
        return super().scene(scene_id).request.sha256

    def plain_any_seed(self, scene_id: str) -> str:
        """The same without a seed that nobody wrote."""
        return super().scene(scene_id).any_seed or ""

    # What a run makes of it

    def facts(self, state: State, choice: Choice) -> tuple[SceneFacts, ...]:
        """The scenes, those with requests whose sources are there."""

        def steps_of(scenes: tuple[SceneFacts, ...]) -> list[Step]:
            return plan(scenes, state, choice)

        def make(scene: SceneFacts, files: tuple[SourceFile, ...], _: State) -> RequestMade:
            return self._request_made(scene, files)

        return made_whole(super().facts(state, choice), state, choice, steps_of, make)

    def _request_made(self, scene: SceneFacts, files: tuple[SourceFile, ...]) -> RequestMade:
        contents = [f"{file.sha256} {_frame(file.source)}" for file in files]
        references = [_reference(file) for file in files]
        made = self._built(self.scene(scene.scene_id), contents, references)
        built_on = tuple(file.attempt for file in files)
        return RequestMade("", made.scene_id, made.request, made.any_seed, built_on)

    def prepare(self, command: Prepare) -> PrepareResult:
        """Make a request from results that are durable."""
        self._heard = None
        for file in command.sources:
            name, _, number = file.attempt.rpartition("@")
            known = self.witness.state.find((name, int(number)))
            assert known is not None, f"{command.scene_id} is built on {file.attempt}, which nobody knows"
            assert (known.has_file, known.video_sha256) == (True, file.sha256), f"{file.attempt} is not delivered"
        if self.random.random() < self.gateway.faults / 4:
            self._failed_to_prepare.add(command.scene_id)
            self.seen["prepare failed"] += 1
            return PrepareResult(command, failure="cannot be read")
        made = self._request_made(self.scene(command.scene_id), command.sources)
        self.seen["prepared"] += 1
        return PrepareResult(command, made.request, made.any_seed, elsewhere=self._lent(made))

    def _lent(self, made: RequestMade) -> dict[str, list[Elsewhere]]:
        """What another run directory has of a request; of the same one it is always the same."""
        name = made.any_seed or made.request.sha256
        if int(name[:2], 16) >= _LENT:
            return {}
        return {name: [Elsewhere(f"old:{name}@1", made.request, f"/old/{name}.mp4", hash_of("lent", name))]}

    def link(self, command: Link) -> LinkResult:
        """Have a result of another run directory, which may be gone, and the disk full."""
        self._heard = None
        how = self.random.choice(("gone", "disk")) if self.random.random() < self.gateway.faults * 8 else "well"
        self.seen[f"link {how}"] += 1
        return LinkResult(command, "" if how == "well" else how, unstorable=how == "disk")

    def as_sent(self, scene: SceneFacts) -> SceneFacts:
        """A scene with its request, by what is durable of its sources."""
        if not scene.sources:
            return scene
        state = self.witness.state
        known = state.scene(scene.scene_id)
        assert known is not None, "sent though it is not in the manifest"
        assert known.has_request, "sent before there is a request"
        sources = list(sources_of(known, state, lambda one: may_come_later(one, state)))
        assert [one.attempt and one.attempt.name for one in sources] == list(known.built_on), "built on something else"
        for built_on in (source.scene for source in sources if source.scene is not None and source.scene.review):
            takes = {take.scene_id for take in state.takes_of(built_on.shot)}
            picked = {*state.picked_attempts, state.picked_scenes.get(built_on.shot)}
            assert takes & picked, f"built on {built_on.scene_id}, at which nobody has looked"
        self.seen["sent with sources"] += 1
        return known

    def _told(self, event: Event) -> None:
        super()._told(event)
        if isinstance(event, RequestMade):
            self.seen["request made"] += 1
            self._check_choice(event)
        if isinstance(event, Reused):
            # Before it is told of, what lies there belongs to nobody, and another result may take its place.
            assert self._kept.setdefault(event.path, event.sha256) == event.sha256, f"{event.path} is written over"
            lent = [one for one in self.witness.state.all_attempts() if one.reused_from == event.source]
            assert event.any_seed is None or len(lent) == 1, f"{event.source} serves {len(lent)} scenes"

    def _check_choice(self, event: RequestMade) -> None:
        """A take is built on only once no earlier one can come, or the user has picked it."""
        state = self.witness.state
        scene = state.scene(event.scene_id)
        for source in scene.sources if scene else ():
            shot = ResultReference.from_text(source).scene
            take = state.chosen_scenes.get(shot)
            assert take is not None or state.scene(shot) is not None, f"what stands for {shot} is not written down"
            if take in (None, self._chosen.get(shot)) or shot in state.picked_scenes:
                continue
            for earlier in state.takes_of(shot):
                if earlier.scene_id == take:
                    break
                assert result_of(earlier, state) is None, f"{take} stands for {shot}, and {earlier.scene_id} is there"
                assert not may_come_later(earlier, state), f"{take} stands for {shot}, and {earlier.scene_id} may come"
            self.seen["chosen among takes"] += len(state.takes_of(shot)) > 1

    # What has to hold

    def run(self, choice: Choice, mishaps: Mishaps = FAIR) -> Scheduler | None:
        """One process; one that came to its end in order has left nothing that it could have done."""
        self._failed_to_prepare = set()
        finished = super().run(choice, mishaps)
        if finished is not None and finished.stop is None and choice.download and self._settings.wait:
            self._check_nothing_waits(finished.state)
        return finished

    def _check_nothing_waits(self, state: State) -> None:
        for scene in state.scenes:
            is_left = state.current_attempt(scene) is None and scene.scene_id not in self._failed_to_prepare
            is_left = is_left and scene.scene_id in self.may_buy
            if scene.sources and is_left and scene.scene_id not in state.held:
                assert lacking(scene, state), f"{scene.scene_id} waits, and all that it is built on is there"

    def check(self) -> None:
        """The promises that hold at any time: what was chosen stays."""
        super().check()
        for shot, take in self.witness.state.chosen_scenes.items():
            assert self._chosen.setdefault(shot, take) == take, f"{shot} flips from {self._chosen[shot]} to {take}"

    def fair_weather(self) -> None:
        """Everything works, and the user looks at what waits for that; at the end nothing waits for ever."""
        self.gateway.clear_up()
        self.interrupts = self.bugs = 0.0
        looks = 0
        while self.run(Choice()) is not None and self.pick_what_is_held():
            self.resolve()
            looks += 1
            assert looks < _MOST_LOOKS, "there is always something more to look at"
        super().fair_weather()
        state = self.witness.state
        assert not held_for_review(state), "what was looked at is waited for"
        if self.budget is None and self._scheduler.stop not in (Stop.UNREACHABLE, Stop.SHUT_OUT):
            old = [scene.scene_id for scene in stale(state)]
            assert not old, f"built on results that do not stand any more: {old}"
            for scene in state.scenes:
                self._check_has_reason_to_wait(scene, state)

    def _check_has_reason_to_wait(self, scene: SceneFacts, state: State) -> None:
        """What was never submitted lacks a source that has ended without a result, or lacks one itself."""
        if state.current_attempt(scene) is None and not state.wanted_again:
            before = lacking(scene, state)
            assert before, f"{scene.scene_id} was never submitted"
            assert all(source.attempt is None for source in before), f"{scene.scene_id} waits for what is there"


def _marker(text: str) -> dict[str, Any]:
    reference = ResultReference.from_text(text)
    return {"source": text, "scene": reference.scene, "moment": reference.moment}


def _reference(file: SourceFile) -> dict[str, Any]:
    frame = _frame(file.source)
    known = {"source": file.source, "sha256": file.sha256}
    return {**known, "mime": "video/mp4"} if frame is None else {**known, "frame": frame}


def _frame(source: str) -> int | None:
    return {"": None, "first": 0, "last": 149, "2.5": 75}[ResultReference.from_text(source).moment]
