"""State → the storyboard: shots in the order of the manifest, with all that is shown of each of their takes. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from batchgen.engine.attempts import Attempt, AttemptKey
from batchgen.engine.events import SceneFacts
from batchgen.engine.states import State
from batchgen.model import SOUND
from batchgen.money import total
from batchgen.references import ResultReference, Still
from batchgen.report.cost_chart import Bar, cost_bars
from batchgen.report.meanings import Codes, meaning
from batchgen.report.prompt_diff import changed_words
from batchgen.report.rows import Row, SceneStatus, counts, is_picked, report_rows, status_of, totals
from batchgen.report.shot_list import standing_for

_PROMPT = "prompt"
_KNOWN_BY = frozenset({"url", "sha256", "moment"})
"""What a reference has beside its source: an address, a content, or what is to come of a scene."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference of a scene: what prompts call it, its name in the cast, what the manifest writes.

    ``picture`` is what its picture is found by, empty for a URL. Where it is the result of a scene, ``scene`` is the
    id of that.
    """

    label: str
    name: str
    source: str
    picture: str
    scene: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """An attempt at a scene; ``path`` leads to its file from the run directory and is empty where there is none."""

    name: str
    outcome: str
    path: str
    sha256: str
    cost_usd: Decimal | None
    seed: int | None
    at: str
    is_shown: bool


@dataclass(frozen=True, slots=True)
class Change:
    """How what a scene asks for differs from what it asked for before: words of the prompt, names of settings."""

    since: str
    before: str
    after: str
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Take:
    """A scene: its row in report.csv, and what else is shown of it.

    ``pick`` is what picks it in a file of picks, ``meaning`` says what its error code means and what to do, and
    ``review`` that nothing is built on it before something of its shot is picked.
    """

    row: Row
    note: str
    pick: str
    meaning: str
    shown: Result | None
    results: tuple[Result, ...]
    references: tuple[Reference, ...]
    change: Change | None
    review: bool = False

    @property
    def said(self) -> str:
        """What was said of its error; empty where the meaning of the code says the same."""
        message = str(self.row["error_message"] or "")
        return "" if message.strip(" .").casefold() in self.meaning.casefold() else message

    @property
    def is_playable(self) -> bool:
        """Whether what it shows is its video, and not one that is not what was asked for."""
        return self.row["status"] == SceneStatus.COMPLETED and self.shown is not None and bool(self.shown.path)


@dataclass(frozen=True, slots=True)
class Shot:
    """A shot with its takes, one where it has none. ``cost_rank`` orders shots by what was charged for them."""

    id: str
    takes: tuple[Take, ...]
    picked: str
    cost_rank: int
    elapsed_s: float

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.takes[0].row["title"] or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storyboard:
    """All that the page shows. Amounts are US dollars; ``is_rehearsal`` says that nobody paid them.

    ``is_sent`` says that it is for somebody who does not have the run directory, ``has_costs`` that money, seeds and
    errors are in it. ``profile`` is the one of the last run, empty for none.
    """

    name: str
    model: str
    is_rehearsal: bool
    shots: tuple[Shot, ...]
    totals: Mapping[str, Any]
    budget_usd: Decimal | None
    bars: tuple[Bar, ...]
    profile: str = ""
    is_sent: bool = False
    has_costs: bool = True

    @property
    def takes(self) -> Iterator[Take]:
        """All scenes, in the order of the manifest."""
        return (take for shot in self.shots for take in shot.takes)


def storyboard(  # noqa: PLR0913 - what a storyboard is made of
    state: State,
    codes: Codes,
    *,
    missing: Collection[str] = (),
    files: Collection[AttemptKey] = (),
    is_rehearsal: bool = False,
    names_characters: bool = True,
) -> Storyboard:
    """The storyboard of a run directory.

    ``missing`` are scenes whose delivered file is gone, ``files`` attempts whose file is there, ``names_characters``
    says that the model's prompts call references characterN.
    """
    rows = report_rows(state, missing)
    listed = zip(state.scenes, rows, strict=True)
    made = [_take(state, scene, row, codes, files, names_characters) for scene, row in listed]
    grouped = [(shot, tuple(takes)) for shot, takes in groupby(made, lambda take: str(take.row["shot"]))]
    costs = sorted({_cost(takes) for _, takes in grouped})
    picked = _picked(state)
    return Storyboard(
        name=state.name,
        model=state.model,
        is_rehearsal=is_rehearsal,
        shots=tuple(
            Shot(shot, takes, picked.get(shot, ""), costs.index(_cost(takes)), max(map(_elapsed_s, takes)))
            for shot, takes in grouped
        ),
        totals=totals(rows, state),
        budget_usd=state.budget_usd,
        bars=tuple(cost_bars(state)),
        profile=state.profile,
    )


def _cost(takes: Sequence[Take]) -> Decimal:
    costs = (take.row["cost_usd"] for take in takes)
    return total(cost for cost in costs if isinstance(cost, Decimal))


def _elapsed_s(take: Take) -> float:
    elapsed = take.row["elapsed_s"]
    return elapsed if isinstance(elapsed, float) else 0.0


def _picked(state: State) -> dict[str, str]:
    """What is picked of each shot, as a file of picks names it."""
    scenes = {shot: scene_id for shot, scene_id in state.picked_scenes.items() if shot}
    attempts = {state.shot_of(name): f"{key[0]}@{key[1]}" for name, key in state.picked_attempts.items()}
    return scenes | attempts


def _take(  # noqa: PLR0913, PLR0917 - what a take is made of
    state: State,
    scene: SceneFacts,
    row: Row,
    codes: Codes,
    files: Collection[AttemptKey],
    names_characters: bool,  # noqa: FBT001
) -> Take:
    current = state.current_attempt(scene)
    made = {attempt.key: attempt for attempt in [*state.attempts.get(scene.scene_id, ()), *_if_any(current)]}
    results = {key: _result(one, state, scene, files, is_shown=one is current) for key, one in made.items()}
    is_wrong = current is not None and current.has_file and not counts(current, state, scene.scene_id)
    return Take(
        row=row,
        note=scene.note,
        pick=current.name if current is not None and is_wrong else scene.scene_id,
        meaning=meaning(str(row["error_code"]), codes) if row["error_code"] else "",
        shown=results[current.key] if current is not None and current.has_file else None,
        results=tuple(results.values()),
        references=tuple(_references(scene, names_characters)),
        change=_change(state, scene),
        review=scene.review,
    )


def _if_any(attempt: Attempt | None) -> list[Attempt]:
    return [] if attempt is None else [attempt]


def _result(
    attempt: Attempt, state: State, scene: SceneFacts, files: Collection[AttemptKey], *, is_shown: bool
) -> Result:
    wrong_but_picked = is_picked(attempt, state, scene.scene_id) and attempt.has_file
    outcome = SceneStatus.COMPLETED if wrong_but_picked else status_of(attempt, state)
    return Result(
        name=attempt.name,
        outcome=outcome,
        path=str(attempt.video_path) if attempt.has_file and attempt.key in files else "",
        sha256=str(attempt.video_sha256) if attempt.has_file else "",
        cost_usd=attempt.result.cost_usd,
        seed=attempt.request.seed,
        at=attempt.submitted_at,
        is_shown=is_shown,
    )


def _references(scene: SceneFacts, names_characters: bool) -> Iterator[Reference]:  # noqa: FBT001
    """The references of a scene; which of them members of the cast are is certain only where all are."""
    request = scene.request
    found = list(_found(request.document))
    names = request.characters if len(request.characters) == len(found) else ("",) * len(found)
    word = "character" if names_characters else "reference "
    for number, (one, name) in enumerate(zip(found, names, strict=True), 1):
        yield _reference(scene, f"{word}{number}", name, one)


def _reference(scene: SceneFacts, label: str, name: str, one: Mapping[str, Any]) -> Reference:
    """A reference; the result of a shot with takes is shown as that of the take that stands for it."""
    source, sha256 = str(one["source"]), str(one.get("sha256", ""))
    if source not in scene.sources:
        return Reference(label, name, source, sha256)
    result, built_on = ResultReference.from_text(source), dict(zip(scene.sources, scene.built_on, strict=False))
    shown = standing_for(result, built_on.get(source, ""))
    picture = Still(sha256, one["frame"]).key if isinstance(one.get("frame"), int) else sha256
    return Reference(label, name, shown.short, picture, shown.scene)


def _found(value: Any) -> Iterator[Mapping[str, Any]]:
    """The references in the document of a request, at any depth; a sound, which nobody can see, is none."""
    if isinstance(value, Mapping) and "source" in value and not _KNOWN_BY.isdisjoint(value):
        if not str(value.get("mime", "")).startswith(SOUND):
            yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _found(item)


def _change(state: State, scene: SceneFacts) -> Change | None:
    """What is asked for now and was not in the last attempt that asked for something else; None without one."""
    asked = [one for one in state.attempts.get(scene.scene_id, ()) if not one.asks_for(scene)]
    if not asked:
        return None
    before = asked[-1].request
    names = (name.rpartition(".")[2] for name in before.changes(scene.request))
    words = changed_words(before.prompt, scene.request.prompt)
    return Change(asked[-1].name, *words, tuple(name for name in names if name != _PROMPT))
