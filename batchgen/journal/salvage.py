"""A way back from a journal that two runs wrote at once, or that lost lines. Pure.

What a task became can be asked again, free: whether it completed, what it cost, where its result is.
What cannot be asked is which submissions went out and which tasks came of them. So a journal is saved
where these are certain: every line can be read, none is missing, and the submissions of each scene whose
lines contradict each other all asked for the same. Such a scene keeps its submissions and their tasks, an
attempt each, and nothing else; the next run reads all of the tasks again. Scenes without contradictions
keep all of their lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from batchgen.engine import events as ev
from batchgen.engine.attempts import IllegalTransition
from batchgen.engine.states import State
from batchgen.journal.checks import checked
from batchgen.journal.records import DamagedRecord, Lines, Record, decode
from batchgen.journal.stored_requests import with_asked
from batchgen.model import AskedOf, unread


@dataclass(slots=True)
class Salvage:
    """What is wrong with a journal, what its lines tell all the same, and what can be made of it.

    ``wrong`` are the faults, each with its line; ``means`` what follows for scenes and tasks; ``doubts``
    why no journal can be made of it. ``events`` are those of a new journal, empty where there are doubts.
    """

    lines: int = 0
    wrong: list[str] = field(default_factory=list)
    means: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    events: list[ev.Event] = field(default_factory=list)


def salvage(content: bytes, asked_of: AskedOf = unread) -> Salvage:
    """Look through a journal, damaged or not; ``asked_of`` reads requests of versions before."""
    found = Salvage()
    records, state, contradicted = [], State(), dict[str, list[int]]()
    for number, record in _readable(content, found, asked_of):
        try:
            state.apply(record.event)
        except IllegalTransition as error:
            found.wrong.append(f"line {number}: {error}")
            if isinstance(record.event, ev.ManifestChanged):
                found.means.append(
                    f"the change of the manifest in line {number} is left out; the next run reads it again"
                )
                continue
            scene_id = getattr(record.event, "scene_id", "")
            contradicted.setdefault(scene_id, []).append(number)
        records.append((number, record))
    rebuilt = {scene_id: _rebuilt(scene_id, records, found) for scene_id in contradicted}
    found.means += _tasks(records, contradicted)
    if not found.doubts:
        found.events = list(_joined(records, rebuilt))
    return found


def _readable(content: bytes, found: Salvage, asked_of: AskedOf) -> Iterator[tuple[int, Record]]:
    """The lines that can be read, with their numbers; an unfinished last line was never written."""
    lines, whole = Lines(), content.rfind(b"\n") + 1
    for number, line in enumerate(content[:whole].splitlines(keepends=True), start=1):
        found.lines = number
        try:
            record = decode(line)
            record.event = with_asked(checked(record.event), asked_of)
        except DamagedRecord as error:
            found.wrong.append(f"line {number}: {error}")
            found.doubts.append(f"what line {number} said, and what it guarded, nobody knows")
            continue
        try:
            lines.take(record)
        except DamagedRecord as error:
            found.wrong.append(f"line {number}: {error}")
            found.doubts.append(f"what the lines missing before line {number} said, nobody knows")
            lines.restart(record)
        yield number, record


@dataclass(slots=True)
class _Sent:
    """One submission of a scene: its intent, and how it ended as far as that is known."""

    intent: ev.Submitting
    task_id: str | None = None
    refused: ev.Refused | None = None
    unknown: ev.OutcomeUnknown | None = None

    @property
    def is_open(self) -> bool:
        return self.task_id is None and self.refused is None


def _rebuilt(scene_id: str, records: Sequence[tuple[int, Record]], found: Salvage) -> list[ev.AttemptEvent]:
    """The submissions and tasks of a scene whose lines contradict each other."""
    sent: list[_Sent] = []
    events = [record.event for _, record in records]
    for number, record in records:
        event = record.event
        if getattr(event, "scene_id", None) == scene_id and not _take(sent, event):
            found.doubts.append(f"line {number} speaks of a submission of scene {scene_id} that no line begins")
    if any(isinstance(event, ev.Reused) and event.scene_id == scene_id for event in events):
        found.doubts.append(f"results of other run directories were linked in for scene {scene_id}")
    if len({one.intent.request.sha256 for one in sent}) > 1:
        found.doubts.append(
            f"scene {scene_id} was submitted with different requests: which task is whose, nobody knows"
        )
    kept = [one for one in sent if one.refused is None] or sent[-1:]
    tasks = [one.task_id for one in kept if one.task_id is not None]
    unknown = sum(one.is_open for one in kept)
    found.means.append(
        f"scene {scene_id}: submitted {'once' if len(kept) == 1 else f'{len(kept)} times'}"
        + (f"; tasks {', '.join(tasks)}" if tasks else "")
        + (f"; {unknown} without a known outcome" if unknown else "")
        + "; each may have been charged"
    )
    return [event for number, one in enumerate(kept, start=1) for event in _events(number, one)]


def _take(sent: list[_Sent], event: ev.Event) -> bool:
    """Take in a line of a scene; whether it fits to a submission that is known."""
    if isinstance(event, ev.Submitting):
        sent.append(_Sent(event))
        return True
    if isinstance(event, ev.SubmittingAgain):
        return _take_again(sent, event)
    waiting = next((one for one in sent if one.is_open), None)
    if isinstance(event, ev.Submitted | ev.Resolved) and event.task_id is not None:
        if any(one.task_id == event.task_id for one in sent):
            return True
        if waiting is not None:
            waiting.task_id = event.task_id
        return waiting is not None
    if isinstance(event, ev.Refused) and waiting is not None:
        waiting.refused = event
    elif isinstance(event, ev.OutcomeUnknown) and waiting is not None:
        waiting.unknown = event
    return True  # what became of a task is asked again


def _take_again(sent: list[_Sent], event: ev.SubmittingAgain) -> bool:
    """Take in that a request was sent once more; what it asked for stands in the line that began the attempt."""
    begun = [one.intent for one in sent if one.intent.attempt == event.attempt][-1:]
    for intent in begun:
        again = replace(intent, at=event.at, estimated_cost_usd=event.estimated_cost_usd)
        sent.append(_Sent(replace(again, request_id=event.request_id, request_format=event.request_format)))
    return bool(begun)


def _events(number: int, sent: _Sent) -> Iterator[ev.AttemptEvent]:
    yield replace(sent.intent, attempt=number)
    if sent.task_id is not None:
        yield ev.Submitted(sent.intent.at, sent.intent.scene_id, number, sent.task_id)
    elif sent.refused is not None:
        yield replace(sent.refused, attempt=number)
    elif sent.unknown is not None:
        yield replace(sent.unknown, attempt=number)


def _joined(
    records: Sequence[tuple[int, Record]], rebuilt: Mapping[str, Sequence[ev.AttemptEvent]]
) -> Iterator[ev.Event]:
    """All events of a new journal: those of a rebuilt scene stand where its first one stood."""
    done: set[str] = set()
    for _, record in records:
        scene_id = str(getattr(record.event, "scene_id", ""))
        if getattr(record.event, "of_scene_id", None) in rebuilt:
            continue  # its attempts have other numbers now; a pick can be said again
        if scene_id not in rebuilt or not isinstance(record.event, ev.AttemptEvent):
            yield record.event
        elif scene_id not in done:
            done.add(scene_id)
            yield from rebuilt[scene_id]


def _tasks(records: Sequence[tuple[int, Record]], contradicted: Mapping[str, object]) -> Iterator[str]:
    """Every task that a readable line names, of scenes without contradictions."""
    for _, record in records:
        event = record.event
        if isinstance(event, ev.Submitted) and event.scene_id not in contradicted:
            yield f"scene {event.scene_id}, attempt {event.attempt}: task {event.task_id}"
