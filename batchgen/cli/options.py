"""Options that may stand in the environment and in a manifest, and which of the places decides.

`batchgen.options` says where each may stand. click reads the command line and the environment; what the
manifest says is known once it is loaded, and fills what neither of them gave.
"""

import json
import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from batchgen.options import OPTIONS, PREFIX, variable
from batchgen.text import on_one_line

_NOT_SHOWN = frozenset({"base_url", "publish", "output"})
"""A password may stand in it."""
_MAYBE_A_KEY = frozenset({"api_key_file"})
"""Where no file is found, the key itself may have been given for its name."""
_MANIFESTS = frozenset({".yaml", ".yml"})
_ALIKE = 0.6
"""How alike two names have to be, from 0 to 1."""


def name_of(parameter: click.Parameter) -> str:
    """The name of an option, as `batchgen.options` has it."""
    longest = max(parameter.opts, key=len)
    return longest.lstrip("-").replace("-", "_")


class Number(click.FloatRange):
    """A number within a range, which "nan" is not."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it as click does."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


class NearPath(click.Path):
    """A path to something that is there; where it is not, ``near`` says what may be meant by it."""

    def __init__(self, near: Callable[[Path], Path | None], *, is_folder: bool) -> None:
        """Take folders alone, or files alone."""
        super().__init__(exists=True, file_okay=not is_folder, dir_okay=is_folder, path_type=Path)
        self._near = near

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it as click does."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            found = None
            with suppress(OSError, ValueError):  # a name that is none, or a folder that may not be entered
                found = self._near(Path(value))
            meant = "" if found in (None, Path(value)) else f" Did you mean {on_one_line(str(found))}?"
            raise click.BadParameter(f"{error.message}{meant}", ctx, param) from None


def _folder_like(path: Path) -> Path | None:
    """A folder beside it whose name goes on as this one, as that of a rehearsal does, or is like it."""
    names = sorted(each.name for each in path.parent.iterdir() if each.is_dir())
    found = [name for name in names if name.startswith(path.name)] or _alike(path.name, names)
    return path.with_name(found[0]) if found else None


def _manifest_like(path: Path) -> Path | None:
    """The only manifest in a folder; one beside it whose name is like it."""
    folder = path if path.is_dir() else path.parent
    names = [each.name for each in folder.iterdir() if each.suffix in _MANIFESTS]
    stems = {Path(name).stem: name for name in names}  # endings are alike whatever is meant
    like = [stems[stem] for stem in _alike(path.stem, list(stems))]
    found = (names if len(names) == 1 else []) if path.is_dir() else like
    return folder / found[0] if found else None


def _alike(name: str, names: Sequence[str]) -> list[str]:
    return get_close_matches(name, names, 1, _ALIKE)


RUN_DIRECTORY = NearPath(_folder_like, is_folder=True)
MANIFEST = NearPath(_manifest_like, is_folder=False)


class PlacedCommand(click.Command):
    """A command whose options are those of ``run``: they may stand in the environment, too.

    ``*`` marks the options that may stand under ``run:`` in a manifest.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """Give each option its variable."""
        super().__init__(*arguments, **settings)
        for parameter in self.params:
            option = OPTIONS.get(name_of(parameter))
            if option is None:
                continue
            parameter.envvar = variable(name_of(parameter)) if option.in_environment else None
            if isinstance(parameter, click.Option):
                parameter.show_envvar = option.in_environment
                parameter.help = f"{parameter.help}{'' if option.refusal else ' *'}"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; what is wrong with a variable is told under its name."""
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            wrong = error.param
            if wrong is None:
                raise
            if ctx.get_parameter_source(str(wrong.name)) is ParameterSource.ENVIRONMENT:
                error.param_hint = str(wrong.envvar)
            if name_of(wrong) not in _MAYBE_A_KEY:
                raise
            told = "there is no such file, or it cannot be read; what was given is not shown"
            raise click.BadParameter(told, ctx, wrong, error.param_hint) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, once variables that nobody reads are told of."""
        from batchgen.cli.output import show_notes

        show_notes(f"warning: {warning}" for warning in ignored_variables(os.environ))
        return super().invoke(ctx)


@dataclass(frozen=True, slots=True)
class Given:
    """The names of the options that the command line gave, and of those that the environment did.

    ``fixed`` are those that a saved plan says, which neither environment nor manifest changes.
    """

    typed: frozenset[str]
    in_environment: frozenset[str]
    fixed: frozenset[str] = frozenset()

    @classmethod
    def to(cls, context: click.Context) -> "Given":
        """What a command was given."""
        sources = {name_of(each): context.get_parameter_source(str(each.name)) for each in context.command.params}
        return cls(
            frozenset(name for name, source in sources.items() if source is ParameterSource.COMMANDLINE),
            frozenset(name for name, source in sources.items() if source is ParameterSource.ENVIRONMENT),
        )

    def left_to(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Of what the manifest says under ``run:``, that which nothing else has said."""
        return {name: value for name, value in settings.items() if not self.has(name)}

    def has(self, name: str) -> bool:
        """Whether an option was given before the manifest is asked."""
        return name in self.typed | self.in_environment | self.fixed

    def elsewhere(self, manifest: Path, written: Mapping[str, Any]) -> list[str]:
        """Lines that tell of the options in force that do not stand on the command line."""
        held = [f"{name}: {json.dumps(value)}" for name, value in self.left_to(written).items()]
        variables = [_assignment(name) for name in OPTIONS if name in self.in_environment - self.fixed]
        lines = [f"options from {manifest}: {', '.join(held)}"] if held else []
        return lines + ([f"options from the environment: {', '.join(variables)}"] if variables else [])


def _assignment(name: str) -> str:
    return variable(name) if name in _NOT_SHOWN else f"{variable(name)}={os.environ.get(variable(name), '')}"


def ignored_variables(environment: Collection[str]) -> list[str]:
    """What to say of variables that look like those of batchgen and are not."""
    known = {variable(name) for name, option in OPTIONS.items() if option.in_environment} | _other_variables()
    return [_ignored(name, known) for name in sorted(environment) if name.startswith(PREFIX) and name not in known]


def _other_variables() -> set[str]:
    from batchgen.providers.registry import PROVIDERS
    from batchgen.schemas import MODELS_VARIABLE

    return {MODELS_VARIABLE, *(provider.key_variable for provider in PROVIDERS.values())}


def _ignored(name: str, known: Collection[str]) -> str:
    option = name.removeprefix(PREFIX).lower()
    if option in OPTIONS:
        return f"{name} is ignored: --{option.replace('_', '-')} is taken from the command line alone"
    near = get_close_matches(name.removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known], 1, _ALIKE)
    meant = f"; did you mean {PREFIX}{near[0]}?" if near else ""
    return f"{name} is not a variable of batchgen, and is ignored{meant}"
