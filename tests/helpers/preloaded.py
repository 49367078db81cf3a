"""Runs the program in processes that are forked from one that has imported it already.

Most of the time of a short command is Python importing the program. A forked process is as separate as
any other: its own descriptors, environment, folder, signals and exit code. Tests about what happens
before the imports start a Python of their own.
"""

import atexit
import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

_PATIENCE_S = 100


class _Parent:
    """The process that has imported everything, and starts one command after the other."""

    def __init__(self) -> None:
        # Coverage is for the commands to measure, each by itself.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        environment = {**inherited, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-P", __file__]
        # Without a buffer: a line that lay in one would not be seen by select.
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._lock = Lock()
        atexit.register(self._end)

    def _end(self) -> None:
        self._process.communicate(timeout=_PATIENCE_S)

    def run(
        self, arguments: Sequence[str], folder: Path | None, environment: Mapping[str, str]
    ) -> tuple[int, str, str]:
        """Run a command to its end: exit code, stdout, stderr."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with TemporaryDirectory() as name, self._lock:
            out, err = Path(name) / "out", Path(name) / "err"
            asked = {
                "arguments": list(arguments),
                "folder": str(folder or Path.cwd()),
                "environment": dict(environment),
                "out": str(out),
                "err": str(err),
            }
            rest = memoryview(json.dumps(asked).encode() + b"\n")
            while rest:
                rest = rest[self._process.stdin.write(rest) :]
            pid = self._said()
            if not select.select([self._process.stdout], [], [], _PATIENCE_S)[0]:
                os.kill(pid, 9)
            code = self._said()
            told = [path.read_text(encoding="utf-8", errors="replace") for path in (out, err)]
            return code, told[0], told[1]

    def _said(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@cache
def parent() -> _Parent:
    """The one of this process of tests."""
    return _Parent()


def _serve() -> None:
    """Import the program, then fork for each line of stdin; on stdout, the process's id and then its exit code."""
    import pkgutil
    from importlib import import_module

    import coverage

    import batchgen
    from batchgen.cli.main import main

    for module in pkgutil.walk_packages(batchgen.__path__, "batchgen."):
        if module.name not in ("batchgen.__main__", "batchgen.cli.log_file"):  # the latter needs a temporary folder
            import_module(module.name)
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(asked)
            if any(name.startswith("COVERAGE_PROCESS") for name in os.environ):
                coverage.process_startup()
            code = _exit_code(main, asked["arguments"])
            atexit._run_exitfuncs()  # noqa: SLF001 - coverage writes its figures there
            os._exit(code)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _become(asked: Mapping[str, Any]) -> None:
    """Take on the descriptors, the environment and the folder of a command."""
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    for descriptor, target, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, asked["out"], os.O_WRONLY | os.O_CREAT),
        (2, asked["err"], os.O_WRONLY | os.O_CREAT),
    ):
        opened = os.open(target, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115


def _exit_code(main: Any, arguments: list[str]) -> int:
    try:
        main(arguments)
    except SystemExit as end:
        sys.stdout.flush()
        sys.stderr.flush()
        return end.code if isinstance(end.code, int) else 1
    raise AssertionError("the program always ends by exiting")


if __name__ == "__main__":
    _serve()
