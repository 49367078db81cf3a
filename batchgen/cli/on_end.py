"""``run --on-end``: a command of the user that is told how a run ended."""

import json
import os
import subprocess

from batchgen.app.loading import Batch
from batchgen.app.results import RunResult
from batchgen.cli.output import show_notes
from batchgen.engine.states import State
from batchgen.providers.registry import PROVIDERS
from batchgen.report.rows import report_rows
from batchgen.report.status import as_json


def tell(command: str, batch: Batch, state: State, result: RunResult | None, exit_code: int) -> None:
    """Run a command with the summary on its standard input, and wait for it; ``result`` is None where a run broke off.

    How it ends changes nothing of the run. It does not get the API key.
    """
    directory = batch.directory
    summary = {
        "name": batch.manifest.name,
        "run_dir": str(directory.path.resolve()),
        "rehearsal": batch.rehearsal,
        "exit_code": exit_code,
        "stop": None if result is None else result.stop,
        "why": "" if result is None else result.why,
        **as_json(report_rows(state, directory.missing(state)), state),
    }
    keys = {provider.key_variable for provider in PROVIDERS.values()}
    environment = {name: value for name, value in os.environ.items() if name not in keys}
    content = json.dumps(summary, ensure_ascii=True).encode()
    try:
        ended = subprocess.run(command, shell=True, input=content, env=environment, check=False)  # noqa: S602 - the user's own
    except OSError as error:
        show_notes([f"--on-end: the command could not be run: {error.strerror}"])
    else:
        if ended.returncode:
            show_notes([f"--on-end: the command ended with {ended.returncode}"])
