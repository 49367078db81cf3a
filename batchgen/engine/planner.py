"""What a run would do with each scene, and why. Pure.

From the expanded manifest and the state; the same for `plan`, which shows it, and `run`, which
does it. What counts is what a scene asks for: an attempt at the same request is never made again
unasked, whatever scene it was made for.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from batchgen.engine.adoptions import adoptions
from batchgen.engine.attempts import TO_FETCH, Attempt, AttemptState
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.engine.steps import NOTHING_ELSEWHERE, Action, Choice, Lent, Step
from batchgen.engine.waiting import with_waits


def plan(
    scenes: Sequence[SceneFacts],
    state: State,
    choice: Choice,
    missing: Collection[str] = (),
    elsewhere: Lent = NOTHING_ELSEWHERE,
) -> list[Step]:
    """A step for each selected scene, in order, and for every other attempt that something is still to come of.

    ``missing`` holds the ids of scenes whose delivered file is not there any more, ``elsewhere`` the results
    of other run directories.
    """
    ahead = ahead_of(state, scenes)
    planner = _Planner(ahead, choice, missing, elsewhere)
    steps = list(_once_each(planner.step(scene) for scene in scenes if choice.takes(scene.scene_id)))
    steps = with_waits(steps, ahead, choice, missing)
    return [*steps, *planner.others(steps)]


def step_of(scene: SceneFacts, state: State, choice: Choice, elsewhere: Lent, borrowed: Collection[str] = ()) -> Step:
    """What happens to one scene, whose sources are all there; ``borrowed`` are hashes of what is being linked in."""
    return _Planner(state, choice, (), elsewhere, borrowed).step(scene)


def ahead_of(state: State, scenes: Sequence[SceneFacts]) -> State:
    """The state as a run of these scenes would find it: what is left of scenes that are gone is theirs."""
    ahead = state.with_scenes(scenes)
    for adoption in list(adoptions(ahead, "")):
        ahead.apply(adoption)
    return ahead


def _once_each(steps: Iterator[Step]) -> Iterator[Step]:
    """Let one scene submit, or link in, what several ask for; the others have it from that one."""
    first: dict[str, str] = {}
    for step in steps:
        sha256, scene_id = step.scene.request.sha256, step.scene.scene_id
        is_shared = (step.buys or step.elsewhere is not None) and step.scene.any_seed != sha256
        if not is_shared or first.setdefault(sha256, scene_id) == scene_id:
            yield step
        else:
            action = Action.WAIT if step.action is Action.SUBMIT else step.action
            reason = f"asks for the same as {first[sha256]}"
            yield replace(step, action=action, reason=reason, then_submits=False, elsewhere=None)


class _Planner:
    """Finds the step of one scene after the other."""

    def __init__(
        self,
        state: State,
        choice: Choice,
        missing: Collection[str],
        elsewhere: Lent,
        borrowed: Collection[str] = (),
    ) -> None:
        self._state = state
        self._choice = choice
        self._missing = missing
        self._elsewhere = elsewhere
        self._borrowed = borrowed

    @cached_property
    def _had(self) -> set[str]:
        """The hashes of results that are here already, or that other run directories lend in this plan.

        A name says nothing of that: the folder may have been called otherwise, or be a copy.
        """
        return {str(one.video_sha256) for one in self._state.all_attempts() if one.has_file} | set(self._borrowed)

    def step(self, scene: SceneFacts) -> Step:
        """What happens to a scene; where other profiles alone were paid for, nothing is paid for again."""
        step = self._open(scene)
        paid_as = self._paid_as(scene) if step.buys and step.paid_before and not step.again else ""
        if not paid_as:
            return step
        reason = f"new in this profile; it was paid for {paid_as}"
        if step.action is Action.RESUME:
            reason += ", and its task still runs and is waited for"
        return replace(step, reason=reason, changed=(), paid_before=False, paid_as=paid_as)

    def others(self, steps: Sequence[Step]) -> Iterator[Step]:
        """Attempts that no step follows and of which something is still to come: bought, and so not to be lost."""
        followed = {step.attempt.key for step in steps if step.attempt is not None and step.follows}
        listed = {scene.scene_id for scene in self._state.scenes}
        for attempt in self._state.all_attempts():
            if attempt.key in followed or not self._choice.takes(attempt.scene_id):
                continue
            gone = "not in the manifest any more" if attempt.scene_id not in listed else "of no use to the scene now"
            scene = attempt.as_scene()
            if attempt.is_open:
                reason = f"{gone}; its task still runs and is waited for"
                yield Step(scene, Action.RESUME, reason, paid_before=True, removed=True, attempt=attempt)
            elif self._choice.download and attempt.state in TO_FETCH:
                reason = f"{gone}; it was bought, and is kept"
                yield Step(scene, Action.DOWNLOAD, reason, paid_before=True, removed=True, attempt=attempt)

    def _open(self, scene: SceneFacts) -> Step:
        """Nothing is bought while what the scene asked for before is under way or unknown."""
        step, latest = self._step(scene), self._state.latest(scene.scene_id)
        if not step.buys or step.again or latest is None or latest.asks_for(scene):
            return step
        if step.action is not Action.SUBMIT:
            return replace(step, then_submits=step.then_submits and not latest.is_unknown)
        if latest.is_unknown:
            return self._unknown(scene, latest)
        return self._changed_meanwhile(scene, latest) if latest.is_open else step

    def _step(self, scene: SceneFacts) -> Step:
        current = self._state.current_attempt(scene)
        if current is None:
            return self._anew(scene)
        if current.is_unknown:
            return self._unknown(scene, current)
        if self._is_wanted_again(scene) and not current.is_open:
            return self._again(scene, current)
        if current.has_file and self._state.picked_attempts.get(scene.scene_id) == current.key:
            return self._delivered(scene, current, f"{current.name} is picked")
        if not current.asks_for(scene):
            return self._changed_meanwhile(scene, current)
        return self._unchanged(scene, current)

    def _paid(self, scene: SceneFacts) -> bool:
        made = (*self._state.attempts.get(scene.scene_id, ()), *self._state.attempts_for(scene))
        return any(attempt.is_paid for attempt in made)

    def _paid_as(self, scene: SceneFacts) -> str:
        """With which other profile a scene was paid for, where it was with others alone; empty where it was not so."""
        own = [one for one in self._state.attempts.get(scene.scene_id, ()) if one.is_paid]
        if any(one.is_paid for one in self._state.attempts_for(scene)):
            return ""
        unknown = "with another profile" if self._state.is_new_profile else ""
        paid = [self._in_others.get((scene.scene_id, one.request.sha256), unknown) for one in own]
        return paid[-1] if all(paid) and paid else ""

    @cached_property
    def _in_others(self) -> dict[tuple[str, str], str]:
        """With which profile a scene of that id asks for that, in words."""
        return {
            (scene.scene_id, scene.request.sha256): f"with profile {name}" if name else "without one"
            for name, listed in self._state.others.items()
            for scene in listed
        }

    def _is_wanted_again(self, scene: SceneFacts) -> bool:
        """Whether it is paid for once more: the wish of this run, or one that is not fulfilled yet.

        A wish that a run before has fulfilled is not one of this run while others of that run are open.
        """
        wish = self._state.wanted_again.get(scene.scene_id)
        known = wish is not None and wish[0] == scene.request.sha256
        if known:
            return self._state.is_wanted_again(scene.scene_id)
        return self._choice.wants_again(scene.scene_id)

    def _anew(self, scene: SceneFacts) -> Step:
        """A scene of whose request nothing is here, and nothing may come."""
        paid, latest = self._paid(scene), self._state.latest(scene.scene_id)
        if linked := self._linked(scene):
            return linked
        if latest is None:
            return Step(scene, Action.SUBMIT, "new")
        changed = latest.request.changes(scene.request)
        what = f"changed: {', '.join(changed) or 'the request'}"
        return Step(scene, Action.SUBMIT, f"{what}; it is paid for again" if paid else what, changed, paid)

    def _linked(self, scene: SceneFacts, gone: Attempt | None = None) -> Step | None:
        """Have the result of another run directory; where any seed will do, one that no other scene has.

        In place of an attempt whose file is gone, that very file before any other.
        """
        exact = [] if scene.any_seed == scene.request.sha256 else self._elsewhere.get(scene.request.sha256, [])
        alike = self._elsewhere.get(scene.any_seed or "", [])
        same = [one for one in (*exact, *alike) if gone is not None and one.sha256 == gone.video_sha256]
        found = next(iter([*same, *exact]), None) or next((one for one in alike if one.sha256 not in self._had), None)
        if found is None:
            return None
        self._had.add(found.sha256)
        paid = self._paid(scene)
        return Step(scene, Action.REUSE, f"bought as {found.name}", paid_before=paid, elsewhere=found)

    def _unknown(self, scene: SceneFacts, attempt: Attempt) -> Step:
        whose = "submitted" if attempt.scene_id == scene.scene_id else f"submitted as {attempt.name}"
        reason = f"{whose}, and the outcome is not known"
        return Step(scene, Action.UNKNOWN, reason, paid_before=True, attempt=attempt)

    def _changed_meanwhile(self, scene: SceneFacts, attempt: Attempt) -> Step:
        if linked := self._linked(scene):
            return linked
        changed = attempt.request.changes(scene.request)
        what = f"changed: {', '.join(changed) or 'the request'}"
        reason = f"{what}; its task still runs and is waited for, then it is paid for again"
        return Step(scene, Action.RESUME, reason, changed, paid_before=True, then_submits=True, attempt=attempt)

    def _again(self, scene: SceneFacts, current: Attempt) -> Step:
        """Pay once more, unless what was submitted for that is still on its way."""
        for attempt in reversed(self._made_for(scene)):
            if attempt.is_unknown:
                return self._unknown(scene, attempt)
            if attempt.is_in_flight:
                return self._task(scene, attempt)
        reason = "wanted once more; it is paid for again"
        return Step(scene, Action.SUBMIT, reason, paid_before=True, attempt=current, again=True)

    def _made_for(self, scene: SceneFacts) -> list[Attempt]:
        """The attempts at a request, those at the scene before it among them whose result it took over."""
        heir_of = self._state.adopted.get(scene.scene_id, ("", 0))[0]
        inherited = [one for one in self._state.attempts.get(heir_of, ()) if one.asks_for(scene)]
        found = {one.key: one for one in (*inherited, *self._state.attempts_for(scene))}
        return list(found.values())

    def _unchanged(self, scene: SceneFacts, current: Attempt) -> Step:
        match current.state:
            case AttemptState.RUNNING | AttemptState.RESOLVED:
                return self._task(scene, current)
            case AttemptState.NOT_FOUND:
                return self._not_found(scene, current)
            case AttemptState.NO_RESULT:
                return self._no_result(scene, current)
            case AttemptState.COMPLETED | AttemptState.DOWNLOAD_FAILED | AttemptState.DELIVERED:
                return self._delivered(scene, current, "unchanged since it was delivered")
            case _:
                return self._ended(scene, current)

    def _task(self, scene: SceneFacts, attempt: Attempt) -> Step:
        if attempt.scene_id == scene.scene_id:
            return Step(scene, Action.RESUME, f"task {attempt.task_id} is known", paid_before=True, attempt=attempt)
        reason = f"asks for the same as {attempt.name}, whose task {attempt.task_id} is known"
        return Step(scene, Action.WAIT, reason, paid_before=True, attempt=attempt)

    def _delivered(self, scene: SceneFacts, attempt: Attempt, reason: str) -> Step:
        is_own = attempt.scene_id == scene.scene_id
        bought = "bought" if is_own else f"bought as {attempt.name}"
        is_gone = attempt.has_file and scene.scene_id in self._missing
        if (is_gone or attempt.state in TO_FETCH) and (linked := self._linked(scene, attempt)):
            return linked
        if is_gone and attempt.reused_from:
            where = f"its file is gone; name the run directory that it is from with --reuse ({attempt.reused_from})"
            return Step(scene, Action.FAILED, where, paid_before=True, attempt=attempt)
        if is_gone or attempt.state in TO_FETCH:
            if not self._choice.download:
                reason = f"{bought}; its file is not wanted now"
                return Step(scene, Action.DONE, reason, paid_before=True, attempt=attempt)
            reason = f"{bought}, and its file is gone" if is_gone else f"{bought}, and not here yet"
            return Step(scene, Action.DOWNLOAD, reason, paid_before=True, attempt=attempt)
        if is_own or reason.endswith("is picked"):
            return Step(scene, Action.DONE, reason, paid_before=True, attempt=attempt)
        return Step(scene, Action.REUSE, bought, paid_before=True, attempt=attempt)

    def _not_found(self, scene: SceneFacts, attempt: Attempt) -> Step:
        reason = f"task {attempt.task_id} was not found; it is looked for once more"
        repeats = self._choice.retry_failed and not attempt.by_hand
        if repeats:
            reason += ", and paid for again if it is not there"
        return Step(scene, Action.RESUME, reason, paid_before=True, then_submits=repeats, attempt=attempt)

    def _no_result(self, scene: SceneFacts, attempt: Attempt) -> Step:
        """What is paid for may still come free: the task is read before anything is bought again."""
        reason = f"task {attempt.task_id} was completed without a video; it is looked for once more"
        # Of something else than was asked for, another attempt by itself would bring no better.
        is_mismatched = self._made_for(scene)[-1].state is AttemptState.MISMATCHED
        may_do_better = not is_mismatched and paid_for(self._state, scene) < self._choice.attempts
        repeats = self._choice.retry_failed or self._is_wanted_again(scene) or may_do_better
        if repeats:
            reason += ", and paid for again if it is not there"
        return Step(scene, Action.RESUME, reason, paid_before=True, then_submits=repeats, attempt=attempt)

    def _ended(self, scene: SceneFacts, attempt: Attempt) -> Step:
        """A request that was refused, failed, or brought something else than was asked for."""
        refused, paid = attempt.state is AttemptState.REFUSED, self._paid(scene)
        whose = "" if attempt.scene_id == scene.scene_id else f" as {attempt.name}"
        if attempt.again or (refused and self._choice.retry_failed):
            whom = "no task was created the last time" if refused else "the gateway created no task the last time"
            return Step(scene, Action.SUBMIT, whom, paid_before=paid, attempt=attempt)
        if linked := self._linked(scene):
            return linked
        if refused:
            return Step(scene, Action.FAILED, f"refused{whose}: {attempt.code}", paid_before=paid, attempt=attempt)
        if self._choice.retry_failed:
            reason = f"failed{whose} ({attempt.code}) and wanted again; it is paid for again"
            return Step(scene, Action.SUBMIT, reason, paid_before=True, attempt=attempt)
        made, most = paid_for(self._state, scene), self._choice.attempts
        if attempt.passing and made < most:
            reason = f"failed{whose} ({attempt.code}); attempt {made + 1} of {most} is paid for"
            return Step(scene, Action.SUBMIT, reason, paid_before=True, attempt=attempt)
        return Step(scene, Action.FAILED, f"failed{whose}: {attempt.code}", paid_before=True, attempt=attempt)


def paid_for(state: State, scene: SceneFacts) -> int:
    """Attempts at this very request that may have cost something."""
    return sum(attempt.is_paid for attempt in state.attempts_for(scene))
