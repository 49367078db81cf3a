"""The options of ``batchgen run``: which of them hold, and who needs which."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from pathlib import Path

from batchgen.app.loading import Batch
from batchgen.app.run_options import RunOptions
from batchgen.app.saved_plan import SavedPlan
from batchgen.cli.options import Given
from batchgen.engine.steps import Choice
from batchgen.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options, as the command line and the environment give them; the rest at their usual values."""

    manifest: Path
    profile: str | None
    run_dir: Path | None
    emulator: bool
    base_url: str | None
    publish: str | None
    output: str | None
    cache_size: int | None
    api_key_file: Path | None
    request_format: str
    workers: int
    max_in_flight: int
    submit_rate: float | None
    poll_interval: float
    request_timeout: float
    task_timeout: float
    attempts: int
    no_wait: bool
    plan_file: Path | None
    budget: Decimal | None
    history: tuple[Path, ...]
    reuse: tuple[Path, ...]
    scenes: tuple[str, ...]
    retry_failed: bool
    again: tuple[str, ...]
    rebind: bool
    executor: str
    no_download: bool
    no_progress: bool
    strict: bool
    yes: bool
    on_end: str | None
    dry_run: bool
    full: bool

    @property
    def choice(self) -> Choice:
        """What planning needs of them."""
        return Choice(self.scenes, self.retry_failed, not self.no_download, self.attempts, self.again)

    @property
    def of_run(self) -> RunOptions:
        """What running needs of them."""
        return RunOptions(
            base_url=self.base_url,
            request_format=self.request_format,
            workers=self.workers,
            max_in_flight=self.max_in_flight,
            submit_rate=self.submit_rate,
            poll_interval_s=self.poll_interval,
            request_timeout_s=self.request_timeout,
            task_timeout_s=self.task_timeout,
            wait=not self.no_wait,
            budget_usd=self.budget,
            rebind=self.rebind,
            executor=self.executor,
            publish=self.publish,
            output=self.output,
            cache_bytes=self.cache_size,
        )


_SAVED_AS: Mapping[str, str] = {
    "profile": "profile",
    "scene": "scenes",
    "retry_failed": "retry_failed",
    "no_download": "no_download",
    "attempts": "attempts",
    "again": "again",
    "history": "history",
    "reuse": "reuse",
}
"""Options as they are typed, and the fields of `Options` that hold them, that a saved plan fixes."""
SAVED = frozenset(_SAVED_AS)
"""Options that a saved plan fixes: its own values hold, whatever environment and manifest say."""


def as_saved(options: Options, given: Given, saved: SavedPlan) -> Options:
    """The options with what a saved plan fixes. Raises `UsageError` where one that was typed says something else."""
    choice = saved.choice
    fixed = replace(
        options,
        profile=saved.profile,
        scenes=choice.globs,
        retry_failed=choice.retry_failed,
        no_download=not choice.download,
        attempts=choice.attempts,
        again=choice.again,
        history=saved.history,
        reuse=saved.reuse,
    )
    for name, field in _SAVED_AS.items():
        if name in given.typed and _comparable(getattr(options, field)) != _comparable(getattr(fixed, field)):
            raise UsageError(
                f"{options.plan_file} was saved with another {_typed(name)}; take it out here, or save a new plan"
            )
    return fixed


def _comparable(value: object) -> object:
    """A value as it is compared; folders as they are, however they are written."""
    if not isinstance(value, tuple):
        return value
    return tuple(each.resolve() if isinstance(each, Path) else each for each in value)


_NOT_LOGGED = frozenset({"base_url", "publish", "output"})
"""Addresses, in which a password may stand."""


def in_force(options: Options, batch: Batch) -> str:
    """All options as they hold, for the log."""
    held = {field.name: getattr(options, field.name) for field in fields(options) if field.name not in _NOT_LOGGED}
    held["run_dir"] = batch.directory
    return "options in force: " + ", ".join(f"{name}={_shown(value)}" for name, value in held.items())


def _shown(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, tuple) else str(value)


def same_way(options: Options, given: Given, budget: Decimal | None = None) -> list[str]:
    """The options without which the next run would look elsewhere, take other scenes, or spend more.

    What a saved plan said is among them: its file may be gone by then. A budget that is given goes before that of
    this run.
    """
    kept = given.typed | given.fixed
    named = {
        **({"profile": options.profile} if options.profile else {}),
        "run_dir": options.run_dir,
        "api_key_file": options.api_key_file,
        "base_url": options.base_url,
        "publish": options.publish,
        "output": options.output,
        "cache_size": options.cache_size,
        "request_format": options.request_format,
        "max_in_flight": options.max_in_flight,
        "submit_rate": options.submit_rate,
        "task_timeout": options.task_timeout,
        "request_timeout": options.request_timeout,
        "attempts": options.attempts,
        "budget": options.budget if budget is None else budget,
        "executor": options.executor,
        "on_end": options.on_end,
    }
    kept |= set() if budget is None else {"budget"}
    words = [word for name, value in named.items() if name in kept for word in (_typed(name), _as_typed(value))]
    for name, folders in (("history", options.history), ("reuse", options.reuse)):
        words += [word for folder in folders if name in kept for word in (_typed(name), str(folder))]
    words += [word for glob in options.scenes for word in ("--scene", glob)]
    words += ["--no-download"] if options.no_download else []
    return [str(options.manifest), *(["--emulator"] if options.emulator else []), *words]


def _typed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _as_typed(value: object) -> str:
    """A value as it is typed, with all its digits."""
    return format(value, "f") if isinstance(value, Decimal) else str(value).removesuffix(".0")
