"""A manifest, checked and expanded, with the run directory and the earlier runs that belong to it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from batchgen.app.checking import InvalidManifest, check
from batchgen.app.kept_results import to_reuse
from batchgen.app.notices import Notify, ProblemsFound, ignore
from batchgen.app.run_directory import REHEARSAL, RUNS, RunDirectory, usual_place
from batchgen.app.sources import SceneMaker
from batchgen.engine.attempts import Attempt
from batchgen.engine.earlier_lengths import earlier_lengths
from batchgen.engine.pacing import EarlierLengths
from batchgen.engine.prices import Prices, learn
from batchgen.engine.states import State
from batchgen.errors import Remedy, UsageError
from batchgen.layout import JOURNAL
from batchgen.manifest.load import without_profiles
from batchgen.options import placed
from batchgen.providers.provider import Provider
from batchgen.providers.registry import PROVIDERS, name_of
from batchgen.scenes import Manifest
from batchgen.schemas import Catalogue, compiled, shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """What a batch is loaded from, and how.

    ``history`` are earlier run directories to learn prices and lengths of tasks from, ``reuse`` those to link results
    in from. Where one of them or the run directory is None, the manifest may say it under ``run:``; else the run
    directory is runs/NAME beside the manifest, runs/NAME-rehearsal for a rehearsal. ``publishes`` says that the run
    publishes what the API takes by URL alone. ``catalogue`` holds the models,
    those that are shipped and those of BATCHGEN_MODELS where it is None, ``providers`` those that serve them.
    """

    path: Path
    run_dir: Path | None = None
    profile: str | None = None
    history: tuple[Path, ...] | None = None
    reuse: tuple[Path, ...] | None = None
    strict: bool = False
    rehearsal: bool = False
    publishes: bool = False
    catalogue: Catalogue | None = None
    providers: Mapping[str, Provider] = field(default_factory=lambda: PROVIDERS)


@dataclass(frozen=True, slots=True)
class Batch:
    """A manifest without errors, where it is run, and the earlier runs that are learned from.

    ``rehearsal`` says that it is run against the embedded emulator; ``reuse`` are run directories whose results
    are linked in where they are those of a scene; ``run_settings`` are the options under ``run:``, by name, with
    paths as they lead from here; ``loading`` says what it was loaded from. ``in_profile`` gives the manifest with
    another of its profiles, None where that has errors.
    """

    manifest: Manifest
    directory: RunDirectory
    loading: Loading
    history: tuple[State, ...] = ()
    rehearsal: bool = False
    reuse: tuple[RunDirectory, ...] = ()
    catalogue: Catalogue = field(default_factory=shipped)
    run_settings: Mapping[str, Any] = field(default_factory=dict)
    in_profile: Callable[[str], Manifest | None] = field(default=without_profiles, compare=False, repr=False)

    def scene_maker(self) -> SceneMaker:
        """What makes the requests of scenes that are built on results."""
        media = f"models/{self.manifest.model}/media"
        known = self.catalogue.document(media, self.manifest.model) if media in self.catalogue.names() else {}
        limit = compiled(known.get("properties", {}).get("references", {}))
        return SceneMaker(self.directory.path, self.manifest.scenes, limit)

    @property
    def model(self) -> Mapping[str, Any]:
        """What the model's ``model.json`` says."""
        return self.catalogue.for_model(self.manifest.model, "model.json")

    @property
    def provider(self) -> str:
        """The name of the provider that serves the model."""
        return name_of(dict(self.model))

    @property
    def error_codes(self) -> Mapping[str, Mapping[str, str]]:
        """The error codes that the model documents: description, class and advice by code."""
        errors: Mapping[str, Mapping[str, str]] = self.model["errors"]
        return errors

    def prices(self, state: State) -> Prices:
        """The declared prices, and those learned from a state and the earlier runs."""
        manifest = self.manifest
        learned = learn(_attempts(state, self.history), manifest.model, manifest.reference_price)
        return Prices(manifest.pricing, learned, manifest.reference_price)

    def lengths(self, state: State) -> EarlierLengths:
        """How long tasks took, by kind, as a state and the earlier runs tell."""
        return earlier_lengths(_attempts(state, self.history))


def load(how: Loading, notify: Notify = ignore) -> Batch:
    """Load a manifest that is to be planned or run.

    Raises `InvalidManifest` where there are errors, `UsageError` and `RunDirectoryError` where a manifest, a history
    or a directory to reuse cannot be read.
    """
    path, rehearsal = how.path, how.rehearsal

    def directory_of(name: str, settings: Mapping[str, Any]) -> RunDirectory:
        given, written = how.run_dir, settings.get("run_dir")
        if given is None and written is not None:
            given = written.with_name(f"{written.name}{REHEARSAL}") if rehearsal else written
        return _directory(path, given, name, rehearsal=rehearsal)

    def earlier(directory: RunDirectory, settings: Mapping[str, Any]) -> tuple[State, ...]:
        lenient = rehearsal or directory.is_rehearsal()
        given = settings.get("history", ()) if how.history is None else how.history
        folders = {folder.resolve(): RunDirectory(folder) for folder in map(Path, given)}
        others = [each for resolved, each in folders.items() if resolved != directory.path.resolve()]
        return tuple(_history(each, rehearsal=lenient) for each in others)

    def priced(name: str, model: str, written: Mapping[str, Any]) -> Collection[str]:
        settings = placed(written, path.parent)
        directory = directory_of(name, settings)
        return learn(_attempts(directory.state_or_empty(), earlier(directory, settings)), model)

    loaded = check(
        path,
        strict=how.strict,
        publishes=how.publishes,
        priced=priced,
        profile=how.profile,
        every_profile=False,
        catalogue=how.catalogue,
        providers=how.providers,
    )
    if loaded.problems:
        notify(ProblemsFound(path, loaded.problems))
    if loaded.manifest is None:
        raise InvalidManifest(path, loaded.problems)
    settings = placed(loaded.manifest.run, path.parent)
    directory = directory_of(loaded.manifest.name, settings)
    own, past = directory.path.resolve(), earlier(directory, settings)
    lenders = map(Path, settings.get("reuse", ()) if how.reuse is None else how.reuse)
    others = tuple(to_reuse(each, rehearsal=rehearsal) for each in lenders if each.resolve() != own)
    catalogue, in_profile = how.catalogue or shipped(), loaded.in_profile
    return Batch(loaded.manifest, directory, how, past, rehearsal, others, catalogue, settings, in_profile)


def _directory(manifest: Path, run_dir: Path | None, name: str, *, rehearsal: bool) -> RunDirectory:
    """The run directory of a batch: the same one, wherever the command is called.

    Raises `UsageError` where only the place that versions before would have taken has a journal in it.
    """
    if run_dir is not None:
        return RunDirectory(run_dir)
    directory = RunDirectory(usual_place(manifest, name, rehearsal=rehearsal))
    before = RunDirectory(Path(RUNS) / name)
    if not rehearsal and before.is_begun() and not directory.is_begun() and not before.is_rehearsal():
        raise UsageError(
            f"{before} holds runs of this batch, and {directory} is where they are looked for now; what was paid for "
            "would be paid for again",
            Remedy.GO_ON_THERE,
            str(before),
        )
    return directory


def _history(directory: RunDirectory, *, rehearsal: bool) -> State:
    if not directory.is_begun():
        raise UsageError(
            f"nothing can be learned from {directory}: there is no {JOURNAL} in it, so it is not a run directory"
        )
    if directory.is_rehearsal() and not rehearsal:
        raise UsageError(
            f"nothing can be learned from {directory}: it holds a rehearsal, whose prices are the emulator's own"
        )
    return directory.state()


def _attempts(state: State, history: Sequence[State]) -> Iterator[Attempt]:
    return chain.from_iterable(each.all_attempts() for each in (state, *history))
