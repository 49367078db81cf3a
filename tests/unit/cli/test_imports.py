"""What a command imports, and what it leaves to those that need it."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from helpers.servers import Peer, server
from helpers.support import one_scene

_HEAVY = frozenset({
    "PIL", "av", "concurrent_log_handler", "filelock", "jsonschema", "logging", "multipart", "ssl", "starlette", "tqdm",
    "urllib3", "uvicorn", "yaml",
})  # fmt: skip
_OF_JSONSCHEMA = {"ssl"} if metadata.version("jsonschema").split(".")[:2] < ["4", "26"] else set[str]()
_NEEDED_TO_CHECK = frozenset({"jsonschema", "logging", "yaml"}) | _OF_JSONSCHEMA
_NEEDED_TO_SUBMIT = _NEEDED_TO_CHECK | {"concurrent_log_handler", "filelock", "ssl", "tqdm", "urllib3"}
_PROGRAM = """
import json, sys
from batchgen.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""


def imported(folder: Path, *arguments: str) -> tuple[int, frozenset[str]]:
    """The exit code of a command, and which heavy modules it had imported at its end."""
    command = [sys.executable, "-P", "-c", _PROGRAM, *arguments]
    variables = {"PATH": "", "BATCHGEN_API_KEY": "sk-0123456789", "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False)
    code, modules = json.loads(ended.stderr.splitlines()[-1])
    return code, _HEAVY & set(modules)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["validate", "--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(tmp_path: Path, arguments: list[str]) -> None:
    assert imported(tmp_path, *arguments) == (0, frozenset())


def test_a_manifest_of_addresses_is_checked_without_decoders(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text(one_scene(references="['https://example.com/a.png']"))
    assert imported(tmp_path, "validate", "manifest.yaml") == (0, _NEEDED_TO_CHECK)


def test_a_run_submits_without_what_only_results_and_rehearsals_need(tmp_path: Path) -> None:
    def refuse(peer: Peer) -> None:
        peer.read_request()
        peer.answer(401)

    (tmp_path / "manifest.yaml").write_text(one_scene(references="['https://example.com/a.png']"))
    with server(refuse) as address:
        ended = imported(tmp_path, "run", "manifest.yaml", f"--base-url={address}", "--yes", "--no-progress")
    assert ended == (5, _NEEDED_TO_SUBMIT | {"PIL"}), "which the storyboard at the end asks for its formats"
    (directory,) = (tmp_path / "runs").iterdir()
    assert imported(tmp_path, "status", str(directory))[1] == _NEEDED_TO_CHECK | {"filelock"}


def test_the_library_imports_what_is_asked_for(tmp_path: Path) -> None:
    program = "import sys, batchgen; print(sorted(name for name in sys.modules if name.startswith('batchgen')))"
    command = [sys.executable, "-P", "-c", program]
    variables = {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "['batchgen', 'batchgen.version']\n"
