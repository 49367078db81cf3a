"""Opens and measures every reference of a manifest, each distinct file once, in parallel."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from jsonschema.protocols import Validator

from batchgen.manifest.document import Document
from batchgen.manifest.media_limits import ReferenceProblem, beyond
from batchgen.manifest.messages import show_value
from batchgen.manifest.path_remedies import path_remedy
from batchgen.media import references
from batchgen.media.probe import UnusableMedia, mime_type, probe
from batchgen.model import Data, DataPath, Problem
from batchgen.object_stores import is_stored
from batchgen.references import Content, Facts

if TYPE_CHECKING:
    from batchgen.media.urls import Answer
    from batchgen.network import Network

_THREADS = max(4, os.cpu_count() or 1)
_NO_HEAD = frozenset({401, 403, 405, 501})
"""Answers of servers that do not take HEAD, signed addresses among them: no proof of anything."""


MOST_UNUSABLE = 200
"""Files that cannot be used before the rest of a hopeless manifest is left unopened."""
_BATCH = 64
_Key: TypeAlias = tuple[str, str]
_Measurement: TypeAlias = "Callable[[], Measured]"


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a manifest names a media file, and the setting it counts for."""

    source: str
    path: DataPath
    setting: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of measuring one file: its content where it could be used, and what is wrong with it."""

    content: Content | None
    problems: tuple[ReferenceProblem, ...] = ()


def uses(data: Mapping[str, Data]) -> Iterator[Use]:
    """Every place of a manifest that names a media file, as far as it is a text."""
    cast = data.get("cast")
    for name, source in (cast if isinstance(cast, dict) else {}).items():
        if isinstance(source, str):
            yield Use(source, ("cast", name), "references")
    yield from _uses_of(data.get("defaults"), ("defaults",))
    scenes = data.get("scenes")
    for index, scene in enumerate(scenes if isinstance(scenes, list) else ()):
        yield from _uses_of(scene, ("scenes", index))


def _uses_of(settings: Data, path: DataPath) -> Iterator[Use]:
    if not isinstance(settings, dict):
        return
    listed = settings.get("references")
    for index, source in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(source, str):
            yield Use(source, (*path, "references", index), "references")
    audio = settings.get("audio_url")
    if isinstance(audio, str):
        yield Use(audio, (*path, "audio_url"), "audio_url")


def measure(
    found: Iterable[Use], folder: Path, limits: Mapping[str, Validator], *, check_urls: bool
) -> dict[_Key, Measured]:
    """Measure what is used; the outcomes by source and setting. ``limits`` are by setting, too.

    URLs are left alone unless ``check_urls`` is set.
    """
    with ExitStack() as stack:
        ask = partial(_ask, stack.enter_context(_connections())) if check_urls else None
        measurements: dict[_Key, _Measurement] = {}
        key_of: dict[_Key, _Key] = {}
        for use in found:
            limit = limits.get(use.setting)
            if limit is None or (use.source, use.setting) in key_of:
                continue
            if references.is_url(use.source):
                if ask is not None:
                    measurements[use.source, use.setting] = partial(ask, source=use.source, limit=limit)
                    key_of[use.source, use.setting] = (use.source, use.setting)
                continue
            key = (_identity(use.source, folder), use.setting)
            measurements.setdefault(key, partial(_measure, source=use.source, folder=folder, limit=limit))
            key_of[use.source, use.setting] = key
        results = _results(measurements) if measurements else {}
    return {use: results[key] for use, key in key_of.items() if key in results}


@contextmanager
def _connections() -> "Iterator[Network]":
    """To ask servers with, which few manifests need."""
    from batchgen.media import urls

    with closing(urls.network()) as connections:
        yield connections


def _results(measurements: Mapping[_Key, _Measurement]) -> dict[_Key, Measured]:
    """Do all measurements; where too many files cannot be used, the rest is left and one of them says so."""
    results: dict[_Key, Measured] = {}
    unusable = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for batch in _batches(measurements):
            if unusable >= MOST_UNUSABLE:
                message = f"after {unusable} files that cannot be used, this one and the rest were not opened"
                results[batch[0]] = Measured(None, (ReferenceProblem("reference.not-opened", message),))
                break
            for key, outcome in zip(batch, pool.map(lambda key: measurements[key](), batch), strict=True):
                results[key] = outcome
                unusable += outcome.content is None and bool(outcome.problems)
    return results


def _batches(keys: Iterable[_Key]) -> Iterator[list[_Key]]:
    rest = iter(keys)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _identity(source: str, folder: Path) -> str:
    is_whole = references.declared_mime(source) is not None or is_stored(source)
    return source if is_whole else os.path.normpath(folder / source)


def _measure_stored(source: str, limit: Validator) -> Measured:
    """Measure a file in an object store."""
    from batchgen.media.stored import measured

    shown = show_value(source)
    try:
        stored, sha256, facts = measured(source, probe)
    except UnusableMedia as error:
        return Measured(None, (ReferenceProblem("reference.unusable", f"{shown} {error}"),))
    problems = tuple(_problems_of(shown, facts, limit, source))
    if any(problem.severity == "error" for problem in problems):
        return Measured(None, problems)
    return Measured(Content(sha256, mime_type(facts), facts, None, stored), problems)


def _measure(source: str, folder: Path, limit: Validator) -> Measured:
    if is_stored(source):
        return _measure_stored(source, limit)
    shown = show_value(source)
    try:
        file, path = references.open_reference(source, folder)
        with file:
            facts = probe(file)
            problems = tuple(_problems_of(shown, facts, limit, source))
            if any(problem.severity == "error" for problem in problems):
                return Measured(None, problems)
            mime = references.declared_mime(source) or mime_type(facts)
            return Measured(Content(references.sha256(file), mime, facts, path), problems)
    except UnusableMedia as error:
        advice = path_remedy(source, folder) if references.declared_mime(source) is None else None
        said = f"does not exist; {advice}" if advice else str(error)
        return Measured(None, (ReferenceProblem("reference.unusable", f"{shown} {said}"),))
    except OSError as error:  # it could be opened, and then not be read
        return Measured(None, (ReferenceProblem("reference.unusable", f"{shown} cannot be read: {error.strerror}"),))


def _problems_of(shown: str, facts: Facts, limit: Validator, source: str) -> Iterator[ReferenceProblem]:
    measured = facts.as_json()
    yield from beyond(shown, measured, limit)
    if facts.alpha and not facts.transparency and not limit.is_valid({**measured, "transparency": True}):
        message = f"{shown} has an alpha channel, though all of it is opaque; save the image without one"
        yield ReferenceProblem("image.alpha", message, "warning")
    declared = references.declared_mime(source)
    if declared is not None and declared != mime_type(facts):
        message = f"{shown} says it is {declared}, but its content is {mime_type(facts)}; correct the data URI"
        yield ReferenceProblem("reference.mime", message, "warning")


def _ask(connections: "Network", source: str, limit: Validator) -> Measured:
    from batchgen.media import urls

    shown = show_value(source)
    try:
        answer = urls.ask(connections, source)
        if answer.status in _NO_HEAD:
            message = f"{shown} could not be checked: its server answers HEAD with {answer.status}"
            return Measured(None, (ReferenceProblem("url.status", message, "warning"),))
        if answer.status >= _FIRST_ERROR_STATUS:
            message = f"{shown} is not there: its server answers {answer.status}"
            return Measured(None, (ReferenceProblem("url.status", message),))
        return _of_answer(connections, source, answer, limit)
    except UnusableMedia as error:
        return Measured(None, (ReferenceProblem("url.unusable", f"{shown} {error}"),))


_FIRST_ERROR_STATUS = 400


def _of_answer(connections: "Network", source: str, answer: "Answer", limit: Validator) -> Measured:
    """Judge a file by what its server says; the length of a sound is only known by fetching it."""
    from batchgen.media import urls

    shown, facts = show_value(source), answer.facts()
    if answer.mime is None or answer.mime == "application/octet-stream":
        message = f"{shown}: its server does not say what kind of file it is"
        return Measured(None, (ReferenceProblem("url.type", message, "warning"),))
    if "kind" not in facts:
        message = f"{shown} is {answer.mime}, neither an image nor a video nor a sound"
        return Measured(None, (ReferenceProblem("url.type", message),))
    problems = tuple(beyond(shown, facts, limit))
    if problems or facts["kind"] != "audio" or answer.bytes is None:
        return Measured(None, problems)
    with urls.fetch(connections, source, answer.bytes) as file:
        measured = probe(file)
        problems = tuple(beyond(shown, measured.as_json(), limit))
        return Measured(Content(references.sha256(file), mime_type(measured), measured, None), problems)


def problems(
    document: Document, found: Iterable[Use], outcomes: Mapping[tuple[str, str], Measured]
) -> Iterator[Problem]:
    """What is wrong with files, at each line that uses them."""
    for use in found:
        outcome = outcomes.get((use.source, use.setting))
        for problem in outcome.problems if outcome else ():
            place = document.spot(use.path).place
            yield Problem(place, use.path, problem.rule, problem.message, show_value(use.source), problem.severity)
