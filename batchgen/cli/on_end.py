"""``run --on-end``: a command of the user that is told how a run ended."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from batchgen.app.loading import Batch
from batchgen.app.results import RunResult
from batchgen.cli.output import show_notes
from batchgen.cli.signals import interruptible
from batchgen.engine.states import State
from batchgen.providers.registry import PROVIDERS
from batchgen.report.status import as_json

_TERMINATES_WITHIN_S = 2.0
"""For how long a command that is to end may put things in order, before it is killed."""


def tell(command: str, batch: Batch, state: State, result: RunResult | None, exit_code: int) -> None:
    """Run a command with the summary on its standard input, and wait for it; ``result`` is None where a run broke off.

    How it ends changes nothing of the run. It does not get the API key. A signal ends it, with all that it started.
    """
    directory = batch.directory
    summary = {
        "name": batch.manifest.name,
        "run_dir": str(directory.path.resolve()),
        "rehearsal": batch.rehearsal,
        "exit_code": exit_code,
        "stop": None if result is None else result.stop,
        "why": "" if result is None else result.why,
        **as_json(directory.rows(state), state),
    }
    keys = {provider.key_variable for provider in PROVIDERS.values()}
    environment = {name: value for name, value in os.environ.items() if name not in keys}
    content = json.dumps(summary, ensure_ascii=True).encode()
    try:
        show_notes(_run(command, content, environment))
    except OSError as error:
        show_notes([f"--on-end: the command could not be run: {error.strerror}"])


def _run(command: str, content: bytes, environment: Mapping[str, str]) -> list[str]:
    """Run it, in a group of processes of its own; what there is to say of its end. Raises OSError."""
    with (
        interruptible(),
        subprocess.Popen(  # noqa: S602 - the user's own
            command, shell=True, stdin=subprocess.PIPE, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            process.communicate(content)
        except KeyboardInterrupt:
            _end(process)
            return ["--on-end: the command was ended, as you wished; the run itself had ended before"]
    return [f"--on-end: the command ended with {process.returncode}"] if process.returncode else []


if sys.platform == "win32":

    def _end(process: "subprocess.Popen[bytes]") -> None:
        process.kill()

else:

    def _end(process: "subprocess.Popen[bytes]") -> None:
        """End all that the command started: a shell alone would leave what it waits for behind."""
        try:
            with suppress(ProcessLookupError, subprocess.TimeoutExpired, KeyboardInterrupt):
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(_TERMINATES_WITHIN_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
