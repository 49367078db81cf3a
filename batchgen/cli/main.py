"""The command line: finds the command, runs it, and turns whatever it ends with into an exit code.

Commands are imported when they are called, and each imports what is heavy when it runs, so that
``batchgen --help`` answers at once.
"""

import importlib
import io
import os
import platform
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import click

from batchgen.cli import terminal
from batchgen.cli.remedies import message_of
from batchgen.errors import EXIT_BUG, BatchgenError
from batchgen.files import made_for_their_owner
from batchgen.runner import LOG_WRITER, WORKERS
from batchgen.text import printable
from batchgen.version import __version__

_EXIT_INTERRUPTED = 130
_EXIT_UNWRITTEN = 1


@dataclass(frozen=True, slots=True)
class _Entry:
    module: str
    summary: str
    example: str


COMMANDS: Mapping[str, _Entry] = {
    "init": _Entry("batchgen.cli.init", "Write a manifest that runs as it stands.", "batchgen init garden"),
    "validate": _Entry(
        "batchgen.cli.validate",
        "Check manifests and their reference files.",
        "batchgen validate garden/manifest.yaml",
    ),
    "plan": _Entry(
        "batchgen.cli.plan", "Show what a run would do, and what it would cost.", "batchgen plan garden/manifest.yaml"
    ),
    "run": _Entry(
        "batchgen.cli.run",
        "Run a batch; run again, it goes on and pays for nothing twice.",
        "batchgen run garden/manifest.yaml --emulator",
    ),
    "status": _Entry("batchgen.cli.status", "Show where each scene stands.", "batchgen status runs/garden"),
    "report": _Entry("batchgen.cli.report", "Write the reports again from the state.", "batchgen report runs/garden"),
    "audit": _Entry(
        "batchgen.cli.audit", "Add up what was charged, and check the invoice.", "batchgen audit runs/* --by day"
    ),
    "resolve": _Entry(
        "batchgen.cli.resolve",
        "Settle a submission whose outcome is unknown.",
        "batchgen resolve runs/garden s07 --not-created",
    ),
    "pick": _Entry(
        "batchgen.cli.pick",
        "Say which take stands for its shot, which attempt for its scene.",
        "batchgen pick runs/garden s02-t2 s05@1",
    ),
    "control": _Entry(
        "batchgen.cli.control",
        "Pause, resume or pace a run that is under way.",
        "batchgen control runs/garden set max_in_flight=20",
    ),
    "import": _Entry(
        "batchgen.cli.import_shots",
        "Make a manifest of a shot list.",
        "batchgen import shots.csv --out film.yaml",
    ),
    "export": _Entry(
        "batchgen.cli.export",
        "Write what stands for each shot: a timeline, an animatic, a picture, a list.",
        "batchgen export runs/garden --format otio --out garden.otio",
    ),
    "emulator": _Entry(
        "batchgen.cli.emulator",
        "Serve the API on this machine, to rehearse without spending.",
        "batchgen emulator --port 8080 --latency 1-3",
    ),
    "model": _Entry(
        "batchgen.cli.model",
        "Make a model's folder from its provider's specification.",
        "batchgen model import spec.json --out models",
    ),
    "schema": _Entry("batchgen.cli.schema", "Print a JSON Schema.", "batchgen schema manifest > manifest.schema.json"),
}


class _Commands(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = importlib.import_module(entry.module).command
        command.epilog = f"\b\nExample:\n  {entry.example}"
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Examples"):
            for entry in COMMANDS.values():
                formatter.write_text(entry.example)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="batchgen")
@click.pass_context
def cli(context: click.Context) -> None:
    """Run batches of paid, slow, remote video generations from a YAML manifest."""
    if context.invoked_subcommand not in _FOR_EVERYBODY:
        context.with_resource(made_for_their_owner())


_FOR_EVERYBODY = frozenset({"export", "import", "init", "model"})
"""Commands whose files are a user's own, to be shared like any other; what runs leave is private."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code; the one place where errors end."""
    terminal.secure()
    warnings.filterwarnings("ignore", module=r"distributed\.")  # what matters of a cluster is looked at, and told
    code = _exit_code(arguments)
    failure = terminal.failure_of_stdout()
    if failure is not None:
        click.echo(f"batchgen: the output could not be written: {failure.strerror}", err=True)
        code = code or _EXIT_UNWRITTEN
    if any(thread.name.startswith((WORKERS, LOG_WRITER)) for thread in threading.enumerate()):
        # A request that an interrupted run does not wait for, or a stuck log, must not hold up its end.
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _exit_code(arguments: list[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="batchgen", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        return _EXIT_INTERRUPTED
    except click.ClickException as error:
        # A name on the command line may come from a folder that somebody else has filled.
        from batchgen.cli.output import show_notes

        said = io.StringIO()
        error.show(said)
        show_notes(printable(said.getvalue().expandtabs(2)).splitlines())
        return error.exit_code
    except BatchgenError as error:
        from batchgen.cli.output import show_notes

        show_notes(f"batchgen: {printable(_with_notes(message_of(error), error))}".splitlines())
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last resort, so that no traceback reaches a user
        click.echo(printable(_with_notes(_bug_report(error), error)), err=True)
        return EXIT_BUG
    return code if isinstance(code, int) else 0


def _with_notes(text: str, error: Exception) -> str:
    """A message and what was added to the error on its way."""
    return "\n".join([text, *getattr(error, "__notes__", ())])


def _bug_report(error: Exception) -> str:
    """What to paste into an issue: where it happened, and no value that a user may want to keep."""
    frames = traceback.extract_tb(error.__traceback__)
    where = "\n".join(f"  {frame.name} ({frame.filename}:{frame.lineno})" for frame in frames[-6:])
    return (
        f"batchgen: this is a bug in batchgen, not a fault of yours: {type(error).__name__}\n"
        f"Please report it with these lines:\n"
        f"  batchgen {__version__}, Python {platform.python_version()}, {platform.system()}\n{where}"
    )
