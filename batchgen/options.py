"""The options of ``run``, and where each may stand besides the command line. Pure.

An option may stand in the environment as ``BATCHGEN_NAME``, and under ``run:`` in a manifest. The command
line goes before the environment, the environment before the manifest. A manifest may come from somebody
else, so that nothing in it names a key, an address to send to, or a command.

A new option gets a line in `OPTIONS`, and one in schemas/manifest.schema.json where a manifest may hold it;
`REFUSED`, the variables and the paths follow from that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

PREFIX = "BATCHGEN_"
"""What the names of environment variables begin with."""
_KEY = "a manifest holds no key and names no file with one: it is passed on, and a key must not be"
_ADDRESS = "a manifest names no address to send to: whoever wrote it would decide where your key and files go"
_COMMAND = "a manifest runs no command: it may come from somebody else"
_EACH_RUN = "whoever starts a run says that"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Where an option may stand.

    ``refusal`` says why it may not stand under ``run:``, and is empty where it may. ``is_path`` marks folders,
    which are relative to the manifest there.
    """

    refusal: str = ""
    in_environment: bool = True
    is_path: bool = False


OPTIONS: Mapping[str, Option] = {
    "profile": Option(),
    "run_dir": Option(is_path=True),
    "emulator": Option(refusal=_EACH_RUN),
    "base_url": Option(refusal=_ADDRESS),
    "api_key_file": Option(refusal=_KEY),
    "publish": Option(refusal=_ADDRESS),
    "output": Option(refusal=_ADDRESS),
    "cache_size": Option(refusal="it is about the disk of a machine, which whoever starts a run knows"),
    "request_format": Option(),
    "workers": Option(),
    "max_in_flight": Option(),
    "submit_rate": Option(),
    "poll_interval": Option(),
    "request_timeout": Option(),
    "task_timeout": Option(),
    "attempts": Option(),
    "no_wait": Option(refusal=_EACH_RUN),
    "plan": Option(refusal=_EACH_RUN, in_environment=False),
    "budget": Option(refusal="write it as budget_usd beside run"),
    "history": Option(is_path=True),
    "reuse": Option(is_path=True),
    "scene": Option(refusal=_EACH_RUN, in_environment=False),
    "retry_failed": Option(refusal=_EACH_RUN, in_environment=False),
    "again": Option(refusal=_EACH_RUN, in_environment=False),
    "executor": Option(refusal=_ADDRESS),
    "rebind": Option(refusal=_EACH_RUN, in_environment=False),
    "no_download": Option(refusal=_EACH_RUN),
    "no_progress": Option(refusal=_EACH_RUN),
    "strict": Option(refusal=_EACH_RUN),
    "yes": Option(refusal=_EACH_RUN, in_environment=False),
    "on_end": Option(refusal=_COMMAND, in_environment=False),
    "dry_run": Option(refusal=_EACH_RUN),
    "full": Option(refusal=_EACH_RUN),
}
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(("api_key", "key"), _KEY),
    **{name: option.refusal for name, option in OPTIONS.items() if option.refusal},
}
"""Why a name may not stand under ``run:``; those, too, that somebody may look for and that are no options."""


def variable(name: str) -> str:
    """The environment variable of an option."""
    return f"{PREFIX}{name.upper()}"


def as_numbers(written: Mapping[str, Any]) -> dict[str, Any]:
    """What stands under ``run:``, with the numbers that a run counts with; they are no amounts of money."""
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in written.items()}


def placed(settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The same with paths, relative to the folder of the manifest."""
    paths = {name for name, option in OPTIONS.items() if option.is_path}
    return {name: _placed(value, folder) if name in paths else value for name, value in settings.items()}


def _placed(value: Any, folder: Path) -> Path | tuple[Path, ...]:
    return tuple(folder / each for each in value) if isinstance(value, list) else folder / value
