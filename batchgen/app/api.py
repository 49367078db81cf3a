"""What ``import batchgen`` offers to load, plan and run a batch: the options of the command as keywords.

None means "not said": what the manifest says under ``run:`` holds, and else what holds for the command.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Event
from typing import Any, TypeAlias

from batchgen.app import loading, planning, running
from batchgen.app.asking import with_gateway_costs
from batchgen.app.attending import attended
from batchgen.app.executing import THREADS, checked_executor
from batchgen.app.keys import key_in_environment
from batchgen.app.keywords import (
    StrPath,
    Usd,
    checked_settings,
    dollars,
    file_size,
    flag,
    globs,
    listener,
    path_of,
    paths,
    refuse_beside,
    said,
    stopper,
    text,
)
from batchgen.app.loading import Batch, Loading
from batchgen.app.notices import Notify
from batchgen.app.planning import Plan
from batchgen.app.profiles import with_profile_costs
from batchgen.app.results import RunResult
from batchgen.app.run_options import Interrupt, RunOptions
from batchgen.app.saved_plan import bound, verify
from batchgen.engine.steps import Choice
from batchgen.errors import UsageError
from batchgen.providers.api_key import ApiKey
from batchgen.providers.provider import Provider
from batchgen.schemas import Catalogue

Globs: TypeAlias = str | Iterable[str]
Paths: TypeAlias = StrPath | Iterable[StrPath]
Providers: TypeAlias = Mapping[str, Provider]
_LOADED = "a manifest that is loaded; say it to load_manifest"
_PLANNED = "a plan that is made; say it to plan"


def load_manifest(  # noqa: PLR0913 - the options of the command
    path: StrPath,
    *,
    profile: str | None = None,
    run_dir: StrPath | None = None,
    emulator: bool | None = None,
    history: Paths | None = None,
    reuse: Paths | None = None,
    strict: bool | None = None,
    on_event: Notify | None = None,
    providers: Providers | None = None,
    catalogue: Catalogue | None = None,
) -> Batch:
    """Load a manifest, checked, with where it is run and the earlier runs that belong to it.

    ``emulator`` makes it a rehearsal, which is run against an emulator of its own and costs nothing. ``profile`` lays
    the settings of one over the defaults. ``history``
    are earlier run directories to learn prices from, ``reuse`` those to link results in from; ``strict`` makes
    errors of warnings, which else ``on_event`` gets. ``providers`` and ``catalogue`` take further providers and
    models. Raises `InvalidManifest` where there are errors, `UsageError` and `RunDirectoryError` where something
    cannot be read.
    """
    keywords = {
        "profile": profile,
        "run_dir": run_dir,
        "emulator": emulator,
        "history": history,
        "reuse": reuse,
        "strict": strict,
        "providers": providers,
        "catalogue": catalogue,
    }
    return _load(path, keywords, listener(on_event))


def plan(  # noqa: PLR0913 - the options of the command
    manifest: StrPath | Batch,
    *,
    scenes: Globs | None = None,
    retry_failed: bool | None = None,
    again: Globs | None = None,
    attempts: int | None = None,
    no_download: bool | None = None,
    profile: str | None = None,
    run_dir: StrPath | None = None,
    emulator: bool | None = None,
    history: Paths | None = None,
    reuse: Paths | None = None,
    ask_gateway: bool | None = None,
    base_url: str | None = None,
    api_key: ApiKey | str | None = None,
    request_format: str | None = None,
    strict: bool | None = None,
    on_event: Notify | None = None,
    providers: Providers | None = None,
) -> Plan:
    """Plan a batch: what a run would do with each scene, and what it would cost. Nothing is bought.

    ``manifest`` is a path, or what `load_manifest` returned: then what is said of loading there must not be said
    here. ``scenes`` and ``again`` are globs of ids, of scenes or shots. Nothing is sent but with ``ask_gateway``: then
    the gateway is asked, once for each kind of scene, what it would charge (`Plan.gateway_costs`), at ``base_url``,
    with ``api_key`` and in ``request_format`` as by `run`; what it does not state is told to ``on_event``. Raises as
    `load_manifest` does, and `UsageError` where nothing is selected, or the run directory holds another batch.
    """
    keywords = {
        "profile": profile,
        "run_dir": run_dir,
        "emulator": emulator,
        "history": history,
        "reuse": reuse,
        "strict": strict,
        "providers": providers,
    }
    choosing = {
        "scenes": scenes,
        "retry_failed": retry_failed,
        "again": again,
        "attempts": attempts,
        "no_download": no_download,
    }
    notify = listener(on_event)
    batch = _batch(manifest, keywords, notify)
    made = bound(with_profile_costs(planning.plan(batch, _choice(batch, choosing))))
    if not flag(ask_gateway, "ask_gateway"):
        beside = {"base_url": base_url, "api_key": api_key, "request_format": request_format}
        refuse_beside("a plan that asks no gateway", beside)
        return made
    if batch.rehearsal:
        raise UsageError("emulator and ask_gateway exclude each other")
    settings = {"request_format": request_format}
    options = replace(_options(batch, settings, {"no_wait": None, "rebind": None}, None), base_url=_address(base_url))
    return with_gateway_costs(made, _key(batch, api_key), options, notify)


def run(  # noqa: PLR0913 - the options of the command
    manifest_or_plan: StrPath | Batch | Plan,
    *,
    profile: str | None = None,
    run_dir: StrPath | None = None,
    emulator: bool | None = None,
    base_url: str | None = None,
    publish: str | None = None,
    output: str | None = None,
    cache_size: str | int | None = None,
    api_key: ApiKey | str | None = None,
    request_format: str | None = None,
    workers: int | None = None,
    max_in_flight: int | None = None,
    submit_rate: float | None = None,
    poll_interval: float | None = None,
    request_timeout: float | None = None,
    task_timeout: float | None = None,
    attempts: int | None = None,
    no_wait: bool | None = None,
    budget: Usd | None = None,
    history: Paths | None = None,
    reuse: Paths | None = None,
    scenes: Globs | None = None,
    retry_failed: bool | None = None,
    again: Globs | None = None,
    rebind: bool | None = None,
    executor: str | None = None,
    no_download: bool | None = None,
    strict: bool | None = None,
    on_event: Notify | None = None,
    stop: Event | None = None,
    providers: Providers | None = None,
) -> RunResult:
    """Run a batch, and write its reports. Run it again after whatever happened: it goes on.

    To call it is to agree to spend, within ``budget`` (else that of the manifest). A plan that was made is carried
    out as it is: it has all that is said of loading and planning. ``api_key`` left out is looked for in the variable
    of the provider, as by the command; no option is taken from the environment. ``publish`` is where local files go up
    that requests name by URL: an object store, or an upload address of the provider's family, which gets the key.
    ``output`` is an object store that results and reports go to, ``cache_size`` what results may take up on this disk
    then, in bytes or as "20GB".
    ``stop`` ends the run in order from another thread. ``on_event`` is called on this thread; what it raises, and
    KeyboardInterrupt, ends the run in order and is then raised.

    Whatever becomes of the run once it has begun stands in the `RunResult`. Raises `InvalidManifest` and
    `UsageError` where it cannot begin, `RefusedRun` where a budget cannot be kept or a plan does not hold any more,
    `RunDirectoryError` where the run directory cannot be used or written.
    """
    keywords = {
        "profile": profile,
        "run_dir": run_dir,
        "emulator": emulator,
        "history": history,
        "reuse": reuse,
        "strict": strict,
        "providers": providers,
    }
    choosing = {
        "scenes": scenes,
        "retry_failed": retry_failed,
        "again": again,
        "attempts": attempts,
        "no_download": no_download,
    }
    settings = {
        "request_format": request_format,
        "workers": workers,
        "max_in_flight": max_in_flight,
        "submit_rate": submit_rate,
        "poll_interval": poll_interval,
        "request_timeout": request_timeout,
        "task_timeout": task_timeout,
    }
    notify, stop = listener(on_event), stopper(stop)
    made = manifest_or_plan if isinstance(manifest_or_plan, Plan) else None
    if made is not None:
        refuse_beside(_PLANNED, {**keywords, **choosing})
        # The manifest and its references as they are now: those that the plan was made from may have changed.
        batch, choice = loading.load(made.batch.loading), made.choice
    else:
        batch = _batch(manifest_or_plan, keywords, notify, publishes=publish is not None)  # type: ignore[arg-type] # no plan
        choice = _choice(batch, choosing)
    options = _options(batch, settings, {"no_wait": no_wait, "rebind": rebind}, budget)
    if base_url is not None and batch.rehearsal:
        raise UsageError("emulator and base_url exclude each other")
    if publish is not None and batch.rehearsal:
        raise UsageError("emulator and publish exclude each other: the emulator keeps the files of a rehearsal")
    options = replace(
        options, base_url=_address(base_url), publish=_address(publish, "publish"), executor=_executor(executor)
    )
    options = replace(options, output=_address(output, "output"), cache_bytes=_cache_bytes(cache_size))
    key = api_key if batch.rehearsal else _key(batch, api_key)

    def confirm(found: Plan) -> bool:
        if made is not None:
            verify(made, found)
        return True

    def carry_out(notify: Notify, interrupt: Interrupt) -> RunResult:
        return running.run(batch, key, choice, options, notify=notify, confirm=confirm, interrupt=interrupt)

    return attended(carry_out, notify, stop)


def _address(url: object, name: str = "the base URL") -> str | None:
    return None if url is None else text(url, name)


def _cache_bytes(cache_size: str | int | None) -> int | None:
    return None if cache_size is None else file_size(cache_size)


def _executor(executor: object) -> str:
    return THREADS if executor is None else checked_executor(text(executor, "executor"))


def _key(batch: Batch, api_key: ApiKey | str | None) -> ApiKey | str | None:
    """The key that was given, or else that of the variable of the provider."""
    return key_in_environment(batch.provider, batch.loading.providers) if api_key is None else api_key


def _batch(
    manifest: StrPath | Batch, keywords: Mapping[str, Any], on_event: Notify, *, publishes: bool = False
) -> Batch:
    if isinstance(manifest, Batch):
        refuse_beside(_LOADED, keywords)
        return manifest
    return _load(manifest, keywords, on_event, publishes=publishes)


def _load(path: StrPath, keywords: Mapping[str, Any], on_event: Notify, *, publishes: bool = False) -> Batch:
    given = said(keywords)
    given["publishes"] = publishes or flag(given.get("emulator"), "emulator")
    given["rehearsal"] = flag(given.pop("emulator", None), "emulator")
    given["strict"] = flag(given.get("strict"), "strict")
    if "run_dir" in given:
        given["run_dir"] = path_of(given["run_dir"], "run_dir")
    if "profile" in given:
        given["profile"] = text(given["profile"], "profile")
    given |= {name: paths(given[name], name) for name in ("history", "reuse") if name in given}
    return loading.load(Loading(path=path_of(path, "the manifest"), **given), on_event)


def _choice(batch: Batch, choosing: Mapping[str, Any]) -> Choice:
    attempts = {"attempts": batch.run_settings.get("attempts", 1), **said({"attempts": choosing["attempts"]})}
    return Choice(
        globs(choosing["scenes"], "scenes"),
        flag(choosing["retry_failed"], "retry_failed"),
        not flag(choosing["no_download"], "no_download"),
        checked_settings(attempts)["attempts"],
        globs(choosing["again"], "again"),
    )


def _options(batch: Batch, settings: Mapping[str, Any], flags: Mapping[str, Any], budget: Usd | None) -> RunOptions:
    """How the run is to go: what is said, and else what stands under ``run:``."""
    return replace(
        RunOptions.of(batch, checked_settings(said(settings))),
        wait=not flag(flags["no_wait"], "no_wait"),
        rebind=flag(flags["rebind"], "rebind"),
        budget_usd=None if budget is None else dollars(budget),
    )
