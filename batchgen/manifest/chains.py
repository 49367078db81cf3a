"""Scenes that are made of the results of others: that these exist, come first, and may be references. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from jsonschema.protocols import Validator

from batchgen.manifest.document import Document, in_line
from batchgen.manifest.expand import Draft, Model, as_json_number, source_of
from batchgen.manifest.media_limits import beyond
from batchgen.model import Data, DataPath, Problem, whole_number
from batchgen.references import FIRST, LAST, WHOLE, Content, Facts, ResultReference, Source

MOST_IN_A_ROW = 3
"""Results that are built on one another before it is warned: colours and faces drift with each link."""
_MOST_CIRCLES = 20
_STILL = "image/png"
_VIDEO = "video/mp4"
_MOMENT = re.compile(rf"{FIRST}|{LAST}|[0-9]+([.][0-9]+)?")
_Graph: TypeAlias = Mapping[str, Collection[str]]


def uses(data: Mapping[str, Data]) -> Iterator[tuple[ResultReference, DataPath]]:
    """Every place of a manifest that names the result of a scene."""
    for path, entries in _listed(data):
        for key, written in entries:
            found = source_of(written)
            if isinstance(found, ResultReference):
                yield found, (*path, key)


def _listed(data: Mapping[str, Data]) -> Iterator[tuple[DataPath, list[tuple[str | int, Data]]]]:
    cast, scenes = data.get("cast"), data.get("scenes")
    if isinstance(cast, dict):
        yield ("cast",), list(cast.items())
    listed = enumerate(scenes if isinstance(scenes, list) else ())
    for path, settings in ((("defaults",), data.get("defaults")), *((("scenes", index), one) for index, one in listed)):
        references = settings.get("references") if isinstance(settings, dict) else None
        if isinstance(references, list):
            yield (*path, "references"), list(enumerate(references))


def asked_of(drafts: Collection[Draft], model: Model) -> dict[Source, Content]:
    """The results that scenes are made of, by what is asked of them: none of them is there yet."""
    named = {source for draft in drafts for source in (draft.filled.sources if draft.filled else ())}
    results = [source for source in named if isinstance(source, ResultReference)]
    shots = _shots(drafts) if results else {}
    return {result: _asked_of(result, shots[result.scene], model) for result in results if result.scene in shots}


def _asked_of(result: ResultReference, shot: Draft, model: Model) -> Content:
    width, height = _pixels(shot.settings.get("size", model.default("size")))
    if result.moment:
        return Content("", _STILL, Facts("image", "png", 0, width, height, alpha=False), None)
    seconds = _seconds(shot, model)
    return Content("", _VIDEO, Facts("video", "mp4", 0, width, height, seconds=seconds), None)


def _pixels(size: Data) -> tuple[int | None, int | None]:
    width, _, height = size.partition("*") if isinstance(size, str) else ("", "", "")
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else (None, None)


def _seconds(shot: Draft, model: Model) -> float | None:
    said = shot.settings.get("duration", model.default("duration"))
    seconds = None if said is None or isinstance(said, list | dict) else whole_number(as_json_number(said))
    seconds = model.seconds if seconds is None else seconds
    return None if seconds is None else float(seconds)


def problems(document: Document, drafts: Collection[Draft], model: Model, limit: Validator) -> Iterator[Problem]:
    """What is wrong with references to results; ``limit`` is what the model says of references."""
    used = list(uses(document.data)) if isinstance(document.data, dict) else []
    # Names of takes by the million are not made for nothing.
    shots = _shots(drafts) if used else {}
    for result, path in used:
        if result.scene not in shots:
            yield _unknown(document, result, path, shots)
        else:
            yield from _beyond(document, result, path, _asked_of(result, shots[result.scene], model), limit)
            yield from _on_moment(document, result, path, _seconds(shots[result.scene], model))
    if used:
        yield from _on_order(document, drafts, shots)


def _shots(drafts: Collection[Draft]) -> dict[str, Draft]:
    """The shots by their ids, and by those of their takes."""
    takes = {scene_id: draft for draft in drafts for scene_id in draft.scene_ids()}
    return {**takes, **{draft.id: draft for draft in drafts if draft.id is not None}}


def _unknown(document: Document, result: ResultReference, path: DataPath, known: Collection[str]) -> Problem:
    close = get_close_matches(result.scene, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "name the id of a scene in this manifest"
    message = f"there is no scene {result.scene!r} whose result could be a reference; {hint}"
    return Problem(document.spot(path).place, path, "reference.scene", message, result.scene)


def with_hints(document: Document, found: Iterable[Problem], drafts: Collection[Draft]) -> Iterator[Problem]:
    """The problems, with what to write where a file is missing that has the name of a scene."""
    problems = list(found)
    known = _shots(drafts) if any(problem.rule == "reference.unusable" for problem in problems) else {}
    for problem in problems:
        name, _, moment = (problem.value or "").strip('"').partition("#")
        if problem.rule == "reference.unusable" and name in known:
            still = moment if _MOMENT.fullmatch(moment) else LAST
            whole, meant = f"{{scene: {name}}}", f"{{scene: {name}, frame: {still}}}"
            if document.name_of_place is not in_line:  # a shot list has texts only
                whole, meant = f"{name}#{WHOLE}", f"{name}#{still}"
            hint = f"for the result of scene {name} write {whole}, for a still {meant}"
            yield replace(problem, message=f"{problem.message}; {hint}")
        else:
            yield problem


def _beyond(
    document: Document, result: ResultReference, path: DataPath, asked: Content, limit: Validator
) -> Iterator[Problem]:
    for problem in beyond(f"{result.spoken}, as it is asked for", asked.facts.as_json(), limit):
        place = document.spot(path).place
        yield Problem(place, path, problem.rule, problem.message, str(result), problem.severity)


def _on_moment(document: Document, result: ResultReference, path: DataPath, seconds: float | None) -> Iterator[Problem]:
    """A moment after the end, which is taken for the last frame."""
    is_number = result.moment.replace(".", "", 1).isdecimal()  # else it is a word, or a text that the schema refuses
    if is_number and seconds is not None and float(result.moment) > seconds:
        message = (
            f"{result.scene} is {seconds:g} s long, so that its frame at {result.moment} s is the last one; write "
            f"frame: {LAST} if that is meant"
        )
        yield Problem(document.spot(path).place, path, "reference.frame", message, str(result), "warning")


def _on_order(document: Document, drafts: Collection[Draft], shots: Mapping[str, Draft]) -> Iterator[Problem]:
    """Circles; and where there are none, long chains."""
    graph = {str(draft.id): _sources(draft, shots) for draft in drafts if draft.id is not None}
    circles = list(_circles({name: set(sources) for name, sources in graph.items()}))
    for circle in circles:
        draft = shots[circle[-1]]
        path = draft.origins.get("references", draft.origins.get("prompt", draft.path))
        message = f"{' → '.join(circle)} is a circle, so that none of them can be first; take one of the references out"
        yield Problem(document.spot(path).place, path, "references.circle", message, circle[0])
    yield from [] if circles else _on_length(document, shots, graph)


def _sources(draft: Draft, shots: Mapping[str, Draft]) -> list[str]:
    named = draft.filled.sources if draft.filled is not None else ()
    results = (source for source in named if isinstance(source, ResultReference) and source.scene in shots)
    return list(dict.fromkeys(str(shots[result.scene].id) for result in results))


def _circles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """The circles of a graph, one after the other, each with its first member once more at its end."""
    for _ in range(_MOST_CIRCLES):
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            yield circle
            graph[circle[1]].discard(circle[0])
        else:
            return


def _on_length(document: Document, shots: Mapping[str, Draft], graph: _Graph) -> Iterator[Problem]:
    """The first scene of each chain that is too long; those behind it are not told, too."""
    depths: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        depths[name] = max((depths[source] + 1 for source in graph.get(name, ())), default=0)
        if depths[name] == MOST_IN_A_ROW + 1:
            draft = shots[name]
            path = draft.origins.get("references", draft.origins.get("prompt", draft.path))
            message = (
                f"scene {name} is built on more than {MOST_IN_A_ROW} results one after the other "
                f"({' → '.join(_before(name, graph, depths))}), and colours and faces drift with each; build it on an "
                "earlier one"
            )
            yield Problem(document.spot(path).place, path, "references.chain", message, name, "warning")


def _before(name: str, graph: _Graph, depths: Mapping[str, int]) -> list[str]:
    """The longest chain that leads to a scene, from its beginning."""
    chain: list[str] = []
    while graph.get(name):
        name = max(graph[name], key=depths.__getitem__)
        chain.append(name)
    return chain[::-1]
