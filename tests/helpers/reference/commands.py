"""docs/reference/commands.md: every command, option and variable, out of click and of the table of options."""

import re
from collections.abc import Iterator, Sequence

import click

from batchgen.cli.main import COMMANDS, cli
from batchgen.cli.options import name_of
from batchgen.options import OPTIONS, variable
from batchgen.providers.registry import PROVIDERS
from batchgen.schemas import MODELS_VARIABLE

from helpers.pages import table
from helpers.reference.markdown import code, codes, page, plain, prose, section

_INTRO = (
    "Every command with its options, as `batchgen COMMAND --help` tells of them. *Variable* is the name that an option "
    "has in the environment, *manifest* the key that it has in a manifest. The command line goes before the "
    "environment, that before the manifest."
)
_STATED = re.compile(r" \[default: (.+)\]")
_UNTOLD = {"format": "How the output is written."}
"""Of options that go without a help text, what they do."""
_KEYS = {"budget": "budget_usd"}
"""Of the options that do not stand under ``run:``, those that have a key of their own."""


def commands_page() -> str:
    """The page as it has to be."""
    return page("Commands", _INTRO, *(_command(context) for context in _commands()), _variables())


def _commands() -> Iterator[click.Context]:
    """A context for every command, those of a group among them."""
    with click.Context(cli, info_name="batchgen") as whole:
        for name in cli.list_commands(whole):
            yield from _below(whole, name, cli.get_command(whole, name))


def _below(parent: click.Context, name: str, command: click.Command | None) -> Iterator[click.Context]:
    assert command is not None
    context = click.Context(command, parent, name)
    if not isinstance(command, click.Group):
        yield context
        return
    for inner in command.list_commands(context):
        yield from _below(context, inner, command.get_command(context, inner))


def _command(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    return section(
        context.command_path,
        f"```\n{usage}\n```",
        "\n\n".join(_paragraphs(command.help or "")),
        f"Example: {code(_example(context))}",
        _options([each for each in command.params if isinstance(each, click.Option)]),
    )


def _example(context: click.Context) -> str:
    return COMMANDS[context.command_path.split()[1]].example


def _paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a command's help but for the one about marks: there the columns of the table say it."""
    return (prose(paragraph) for paragraph in re.split(r"\n\s*\n", text.strip()) if "marked *" not in paragraph)


def _options(options: list[click.Option]) -> str:
    """A table; without the columns of the other places where none of the options has one."""
    if not options:
        return ""
    placed = any(each.envvar for each in options)
    head = ["option", "does", *(["variable", "manifest"] if placed else [])]
    return table(head, [_row(each, is_placed=placed) for each in options])


def _row(option: click.Option, *, is_placed: bool) -> Sequence[str]:
    places = [_code(str(option.envvar or "")), _code(_key(option))] if is_placed else []
    return [_written(option), _does(option), *places]


def _does(option: click.Option) -> str:
    """What the help says, without what other columns say, the words that an option takes, and its default."""
    told = _STATED.sub("", option.help or _UNTOLD[name_of(option)]).removesuffix(" *")
    words = f" One of {codes(option.type.choices)}." if isinstance(option.type, click.Choice) else ""
    default = _default(option)
    return prose(told) + words + (f" Default: {default}." if default else "")


def _written(option: click.Option) -> str:
    """The option as it is typed, with the word for its value."""
    names = " / ".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else f" {_value(option)}"
    return code(names + value)


def _value(option: click.Option) -> str:
    named = {"integer": "N", "float": "NUMBER", "choice": "WORD"}.get(_kind(option), _kind(option).upper())
    return (option.metavar or named).replace("|", "/")


def _kind(option: click.Option) -> str:
    """What kind of value an option takes, in click's word; a range is its kind of number."""
    return option.type.name.removesuffix(" range")


def _default(option: click.Option) -> str:
    stated = _STATED.search(option.help or "")
    if stated:
        return plain(stated[1])
    if option.is_flag or option.multiple or not isinstance(option.default, str | int | float):
        return ""
    return code(f"{option.default:g}" if isinstance(option.default, float) else option.default)


def _key(option: click.Option) -> str:
    name = name_of(option)
    where = OPTIONS.get(name)
    return _KEYS.get(name) or (f"run: {name}" if where and not where.refusal else "")


def _code(text: str) -> str:
    return code(text) if text else ""


def _variables() -> str:
    """Every variable of the environment that the program reads."""
    keys = [
        (code(each.key_variable), f"The API key for {each.base_url}, where no `--api-key-file` is given.")
        for each in PROVIDERS.values()
    ]
    own = [(code(MODELS_VARIABLE), "A folder with [models](../models.md) of your own.")]
    options = [
        (code(variable(name)), f"As {code('--' + name.replace('_', '-'))}.")
        for name, option in OPTIONS.items()
        if option.in_environment
    ]
    return section("Variables", _ABOUT_VARIABLES, table(["variable", "says"], [*keys, *own, *options]))


_ABOUT_VARIABLES = (
    "Flags are 0 or 1, several folders are separated as in `PATH`, an empty variable is none. One that begins with "
    "`BATCHGEN_` and is not in this list is warned of."
)
