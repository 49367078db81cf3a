"""From a manifest file to scenes, with everything found that can be known before money is spent."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from batchgen.garbage import unsearched
from batchgen.manifest import chains, for_each, profiles, reference_checks, rules, run_checks, schema
from batchgen.manifest.decimal_commas import explained
from batchgen.manifest.document import Document, UnreadableManifest
from batchgen.manifest.expand import Draft, Model, accepted, drafts, manifest
from batchgen.manifest.messages import joined
from batchgen.manifest.profiles import Checked, UnknownProfile
from batchgen.manifest.row_file import reader_in
from batchgen.manifest.yaml_reader import MOST_PROBLEMS, read
from batchgen.model import DataPath, Problem, RequestForm
from batchgen.references import Content, Source
from batchgen.scenes import Manifest
from batchgen.schemas import DEFAULT_MODEL, Catalogue, Schema, compiled

PricedTiers: TypeAlias = Callable[[str, str, Mapping[str, Any]], Collection[str]]
"""For the name of a batch, its model and what stands under ``run:``, the tiers with a price known from elsewhere."""
FormOf: TypeAlias = Callable[[Catalogue, str], RequestForm]
"""For the name of a model in a catalogue, the form of its requests."""
_SETTING_DEPTH = {"scenes": 3, "profiles": 3, "defaults": 2, "cast": 2, "vars": 2, "pricing": 2, "run": 2}


def without_profiles(_: str) -> None:
    """Have no profile."""


@dataclass(frozen=True, slots=True)
class LoadedManifest:
    """What came of loading a manifest; ``manifest`` is None where there are errors.

    ``in_profile`` gives the same manifest with another of its profiles, None where that has errors: it is not read
    again, and no file is measured twice.
    """

    problems: tuple[Problem, ...]
    manifest: Manifest | None
    in_profile: Callable[[str], Manifest | None] = field(default=without_profiles, compare=False, repr=False)


def without_prices(_: str, __: str, ___: Mapping[str, Any]) -> tuple[str, ...]:
    """Know no prices from elsewhere."""
    return ()


@unsearched()
def load_manifest(  # noqa: PLR0913 - most have a default
    path: Path,
    catalogue: Catalogue,
    form_of: FormOf,
    *,
    strict: bool = False,
    check_urls: bool = False,
    publishes: bool = False,
    priced: PricedTiers = without_prices,
    profile: str | None = None,
    every_profile: bool = False,
) -> LoadedManifest:
    """Read, validate, measure and expand a manifest.

    Problems come errors first, both errors and warnings in file order; ``strict`` makes errors of
    the warnings. ``priced`` is asked for prices that the manifest need not declare, and ``publishes`` says that local
    files are published where the API takes URLs alone. ``profile`` is laid over the defaults, else the one that the
    manifest names under ``run:``; with ``every_profile`` the problems of all are told. Raises OSError where the file
    cannot be read, `UnknownProfile` where there is none of that name, and whatever ``form_of`` and ``priced`` raise.
    """
    try:
        document = read(path.read_bytes(), names=_setting_names(catalogue))
    except UnreadableManifest as error:
        return LoadedManifest((error.problem,), None)
    return check_document(
        document,
        path.parent,
        catalogue,
        form_of,
        strict=strict,
        check_urls=check_urls,
        publishes=publishes,
        priced=priced,
        profile=profile,
        every_profile=every_profile,
    )


def check_document(  # noqa: PLR0913 - most have a default
    document: Document,
    folder: Path,
    catalogue: Catalogue,
    form_of: FormOf,
    *,
    strict: bool = False,
    check_urls: bool = False,
    publishes: bool = False,
    priced: PricedTiers = without_prices,
    profile: str | None = None,
    every_profile: bool = False,
) -> LoadedManifest:
    """Validate, measure and expand a manifest that is read; its references are relative to ``folder``.

    Problems are as of `load_manifest`. Raises `UnknownProfile`, and whatever ``form_of`` and ``priced`` raise.
    """
    loading = _Loading(document, catalogue, form_of, folder, priced, check_urls=check_urls, publishes=publishes)
    found, expanded = loading.run(profile, every_profile=every_profile)
    if strict:
        found = [replace(problem, severity="error") for problem in found]
    distinct = {(problem.place, problem.place.cell, problem.rule, problem.message): problem for problem in found}
    ordered = sorted(distinct.values(), key=lambda one: (one.severity, one.place, one.place.cell or ()))
    if expanded is None or any(problem.severity == "error" for problem in ordered):
        return LoadedManifest(tuple(ordered), None)
    # What the manifest was read from takes as much memory as what a run makes of it: it stays for other profiles alone.
    in_profile = partial(loading.in_profile, strict=strict) if expanded.profiles else without_profiles
    return LoadedManifest(tuple(ordered), expanded, in_profile)


def _setting_names(catalogue: Catalogue) -> Collection[str]:
    """Every key that a manifest for the default model may have, but for those that users choose."""
    settings = catalogue.for_model(DEFAULT_MODEL, "settings")["$defs"]["settings"]["properties"]
    return {*settings, *catalogue.document("manifest")["properties"]}


def _refused(found: Iterable[Problem]) -> set[DataPath]:
    """The settings, and what else has a name, that something was found in."""
    return {problem.path[: _SETTING_DEPTH.get(str(problem.path[0]), 1)] for problem in found if problem.path}


def _with_scene(problem: Problem, document: Document) -> Problem:
    """The problem with the id of its scene: users know their scenes by id and not by number."""
    if problem.path[:1] != ("scenes",) or len(problem.path) == 1 or not isinstance(document.data, dict):
        return problem
    scenes, index = document.data.get("scenes"), problem.path[1]
    scene = scenes[index] if isinstance(scenes, list) and isinstance(index, int) and index < len(scenes) else None
    scene_id = scene.get("id") if isinstance(scene, dict) else None
    return replace(problem, scene_id=scene_id) if isinstance(scene_id, str) else problem


class _Before(NamedTuple):
    """What a manifest is before a profile is laid over it, and what was found so far.

    ``most`` is how many scenes there may be, ``learned`` the tiers with a price known from elsewhere.
    """

    model: Model
    most: int
    rows: for_each.Expanded
    found: Sequence[Problem]
    learned: Collection[str]


class _Loading:
    """One manifest on its way through the stages."""

    def __init__(  # noqa: PLR0913 - what loading needs
        self,
        document: Document,
        catalogue: Catalogue,
        form_of: FormOf,
        folder: Path,
        priced: PricedTiers,
        *,
        check_urls: bool,
        publishes: bool,
    ) -> None:
        self._document = document
        self._catalogue = catalogue
        self._form_of = form_of
        self._folder = folder
        self._priced = priced
        self._check_urls = check_urls
        self._publishes = publishes
        self._data = document.data if isinstance(document.data, dict) else {}
        self._measurements: dict[tuple[str, str], reference_checks.Measured] = {}
        self._before: _Before | None = None

    def run(self, profile: str | None, *, every_profile: bool) -> tuple[list[Problem], Manifest | None]:
        """What is wrong, and the expanded manifest where nothing is. Raises `UnknownProfile`."""
        name, unknown = self._model()
        description, settings = (self._catalogue.for_model(name, part) for part in ("model.json", "settings"))
        model = Model.from_schemas(description, settings, self._form_of(self._catalogue, name))
        whole = self._catalogue.document("manifest", name)
        names = settings["$defs"]["settings"]["properties"]
        most = whole["properties"]["scenes"]["maxItems"]
        rows = for_each.expanded(
            self._document, most, reader_in(self._folder), for_each.accepting(names), model.form.required
        )
        self._show(rows.document)
        plain = compiled(for_each.written_out(whole))
        found = [*self._document.problems, *schema.problems(self._document, plain, model.tiers.texts, names)]
        found = list(explained(self._document, found))
        if len(found) >= MOST_PROBLEMS or any(problem.rule == "scenes.maxItems" for problem in found):
            # Hopeless, and not all of it was looked at: the rules take nothing that the schema has not seen.
            return self._told([*unknown, *found], rows), None
        refused = _refused(found)
        found += run_checks.problems(self._document, self._run_settings(refused), self._folder)
        refused |= {problem.path[:2] for problem in found if problem.path[:1] == ("run",)}
        learned = self._learned(name, refused)
        chosen, wrong = self._profile(profile, refused)
        found += wrong
        self._before = _Before(model, most, rows, found, learned)
        every = every_profile and profile is None and (profiles.KEY,) not in refused
        checked = [self._of_profile(each) for each in self._profiles(chosen, every=every)]
        told = self._told([*unknown, *found, *profiles.together(checked)], rows)
        is_wrong = any(problem.severity == "error" for problem in told)
        return told, None if is_wrong else next(each.manifest for each in checked if each.name == chosen)

    def _of_profile(self, name: str | None) -> Checked:
        if self._before is None:
            return Checked(name, (), None)
        return self._with_profile(name)._checked(self._before, name)  # noqa: SLF001 - its own kind

    @unsearched()
    def in_profile(self, name: str, *, strict: bool) -> Manifest | None:
        """The manifest with another profile, once it was run; None where that has errors, by `load_manifest`."""
        checked = self._of_profile(name)
        found = (*(() if self._before is None else self._before.found), *checked.problems)
        is_wrong = any(strict or problem.severity == "error" for problem in found)
        return None if is_wrong else checked.manifest

    def _show(self, document: Document) -> None:
        """Look at another state of the manifest from now on."""
        self._document = document
        self._data = document.data if isinstance(document.data, dict) else {}

    def _told(self, found: Iterable[Problem], rows: for_each.Expanded) -> list[Problem]:
        return rows.in_manifest(_with_scene(problem, self._document) for problem in found)

    def _profile(self, given: str | None, refused: set[DataPath]) -> tuple[str | None, list[Problem]]:
        """The profile in force, and what is wrong with the one that the manifest names. Raises `UnknownProfile`."""
        known, path = profiles.names_in(self._data), ("run", "profile")
        named = given if given is not None else self._run_settings(refused).get("profile")
        if named is None or named in known or (profiles.KEY,) in refused:
            return named if named in known else None, []
        if given is not None:
            raise UnknownProfile(given, known)
        message = str(UnknownProfile(named, known))
        return None, [Problem(self._document.spot(path).place, path, "profile.unknown", message, str(named))]

    def _profiles(self, chosen: str | None, *, every: bool) -> list[str | None]:
        """Which are checked, None for none: that is left out where every run has one."""
        if not every:
            return [chosen]
        return [*([] if chosen else [None]), *profiles.names_in(self._data)]

    def _with_profile(self, name: str | None) -> "_Loading":
        """The same manifest once a profile is laid over its defaults."""
        other = copy(self)
        other._show(profiles.laid_over(self._document, name))  # noqa: SLF001 - its own kind
        return other

    def _checked(self, before: _Before, profile: str | None) -> Checked:
        """What the rules find in a manifest whose rows are written out, and of which the schema has said its part."""
        model, most, rows, earlier, learned = before
        there = [(profiles.over(problem.path, rows.document, profile), problem) for problem in earlier]
        known = [replace(problem, path=path) for path, problem in there if path is not None]
        refused = _refused(known) | rows.refused
        entries = list(drafts(self._data, refused, model))
        found = [*rules.on_ids(self._document, entries, most), *rules.on_names(self._document, entries, refused)]
        found += rules.on_budget(self._document, entries, model, refused, learned)
        found += chain.from_iterable(rules.on_scene(self._document, draft, model) for draft in entries)
        exact = {problem.path for problem in (*known, *found) if problem.severity == "error"}
        outcomes, measured = self._measured(model, exact)
        found += chains.with_hints(self._document, outcomes, entries)
        found += self._on_results(entries, model, exact)
        contents = {**measured, **chains.asked_of(entries, model)}
        found += self._on_references(entries, model, contents)
        expanded = None
        if not rows.problems and all(problem.severity != "error" for problem in (*earlier, *found)):
            made = manifest(self._data, model, entries, contents)
            expanded = replace(made, profile=profile, profiles=profiles.names_in(self._data))
            found += rules.on_twins(self._document, expanded.scenes, model)
        return Checked(profile, tuple(profiles.back(each, rows.document, profile) for each in found), expanded)

    def _learned(self, model: str, refused: set[DataPath]) -> Collection[str]:
        """Tiers that need no declared price; nobody is asked for a batch whose name does not hold."""
        name = self._data.get("name")
        asks = "budget_usd" in self._data and isinstance(name, str) and ("name",) not in refused
        return self._priced(str(name), model, self._run_settings(refused)) if asks else ()

    def _run_settings(self, refused: set[DataPath]) -> dict[str, Any]:
        return accepted(self._data.get("run"), ("run",), refused)

    def _model(self) -> tuple[str, tuple[Problem, ...]]:
        """The model to check by. For one that does not exist it is the likeliest, so that the rest is checked, too."""
        known, named = self._catalogue.models(), self._data.get("model", DEFAULT_MODEL)
        if not isinstance(named, str) or named in known:
            return named if isinstance(named, str) else DEFAULT_MODEL, ()
        close = get_close_matches(named, known, n=1)
        meant = close[0] if close else DEFAULT_MODEL
        hint = f"did you mean {meant!r}?" if close else f"there is {joined(known, 'and')}"
        message = f"there is no model {named!r}; {hint} (all else here is checked as for {meant})"
        place = self._document.spot(("model",)).place
        return meant, (Problem(place, ("model",), "model.unknown", message, named),)

    def _measured(self, model: Model, refused: set[DataPath]) -> tuple[list[Problem], dict[Source, Content]]:
        # A reference without limits is measured all the same: only then is it known to be a file, and sent as one.
        media = {**({"references": {}} if model.references else {}), **self._media_schema(model.name)}
        limits = {setting: compiled(limit) for setting, limit in media.items()}
        found = [use for use in reference_checks.uses(self._data) if use.path not in refused]
        new = [use for use in found if (use.source, use.setting) not in self._measurements]
        self._measurements |= reference_checks.measure(new, self._folder, limits, check_urls=self._check_urls)
        outcomes = {
            key: known for key in ((use.source, use.setting) for use in found) if (known := self._measurements.get(key))
        }
        contents: dict[Source, Content] = {
            source: outcome.content for (source, _), outcome in outcomes.items() if outcome.content
        }
        return list(reference_checks.problems(self._document, found, outcomes)), contents

    def _media_schema(self, name: str) -> Schema:
        """The limits on measured files by setting; a model without references has no such file."""
        part = f"models/{name}/media"
        known = self._catalogue.document(part, name) if part in self._catalogue.names() else {}
        limits: Schema = known.get("properties", {})
        return limits

    def _on_results(self, entries: Collection[Draft], model: Model, refused: set[DataPath]) -> Iterator[Problem]:
        if not any(True for _ in chains.uses(self._data)):
            return
        limit = compiled(self._media_schema(model.name).get("references", {}))
        for problem in chains.problems(self._document, entries, model, limit):
            if not any(path[: len(problem.path)] == problem.path for path in refused):
                yield problem

    def _on_references(
        self, entries: Iterable[Draft], model: Model, contents: Mapping[Source, Content]
    ) -> Iterator[Problem]:
        taken = model.form.settings
        prompt = compiled(dict(taken["prompt"]))
        listed = compiled({key: value for key, value in model.references.items() if key != "items"})
        for draft in entries:
            yield from rules.on_filled(self._document, draft, prompt)
            counts = not draft.filled or draft.filled.members or any(s in contents for s in draft.filled.sources)
            if "references" in taken and counts:
                yield from rules.on_counts(self._document, draft, contents, listed)
            audio = contents.get(str(draft.settings.get("audio_url")))
            if audio is not None and audio.is_file and not self._publishes:
                yield rules.on_local_audio(self._document, draft)
            if audio is not None:
                yield from rules.on_audio_length(self._document, draft, audio, model)
