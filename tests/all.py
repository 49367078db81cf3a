"""Everything that has to hold before a change lands, from nothing but Python 3.11 or newer.

    python3 tests/all.py

makes a virtual environment of its own, installs batchgen and its tools there, lints, checks types
and imports, runs the tests on the installed package, builds the wheel, and tries that wheel in a
second, empty environment. Standard library only: it runs before anything is installed.
"""

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv-test"
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
OLDEST = (3, 11)


def step(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run one command; stop everything where it fails."""
    print(f"\n$ {' '.join(str(word) for word in command)}", flush=True)
    environment = {"HYPOTHESIS_PROFILE": "ci", **os.environ}
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=environment, check=False)
    if done.returncode:
        sys.exit(f"\nfailed with exit code {done.returncode}: {' '.join(str(word) for word in command)}")


def fresh_environment(folder: Path) -> Path:
    """Make an empty virtual environment; returns the folder of its programs."""
    print(f"\n$ python -m venv --clear {folder.name}", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    return folder / SCRIPTS


def check_sources(tools: Path) -> None:
    """Lint, types, and the direction of imports."""
    step(tools / "ruff", "check", ".")
    step(tools / "ruff", "format", "--check", ".")
    step(tools / "mypy")
    step(tools / "lint-imports")


def run_tests(tools: Path) -> None:
    """The tests on the installed package: pytest as a program does not put the checkout on the path."""
    step(tools / "coverage", "erase")
    step(tools / "coverage", "run", tools / "pytest", "--durations=10")
    step(tools / "coverage", "combine", "--quiet")
    step(tools / "coverage", "report")


def play_histories(tools: Path) -> None:
    """What is too long under coverage: histories by the ten thousand, and faults that they have to notice."""
    step(tools / "python", ROOT / "tests" / "simulation", "--first", "0", "--seeds", "20000")
    step(tools / "python", ROOT / "tests" / "mutations")


def try_wheel(tools: Path) -> None:
    """Build the wheel, install it alone, and use it in an empty folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        step(tools / "python", "-m", "build", "--outdir", folder / "dist", ROOT)
        (wheel,) = (folder / "dist").glob("*.whl")
        scripts = fresh_environment(folder / "empty")
        step(scripts / "python", "-m", "pip", "install", "--quiet", wheel)
        step(scripts / "batchgen", "init", "garden", cwd=folder)
        step(scripts / "batchgen", "validate", "--strict", "garden/manifest.yaml", cwd=folder)
        quick_start = ROOT / "manifests" / "quickstart.yaml"
        step(scripts / "batchgen", "run", quick_start, "--emulator", "--run-dir", "rehearsal", cwd=folder)
        examples = sorted((ROOT / "manifests").glob("*.yaml"))
        step(scripts / "batchgen", "validate", "--strict", *examples, cwd=folder)


def audit_dependencies() -> None:
    """Ask whether anything that batchgen brings along is known to be vulnerable."""
    with tempfile.TemporaryDirectory() as name:
        users, auditor = (fresh_environment(Path(name) / folder) for folder in ("users", "auditor"))
        step(users / "python", "-m", "pip", "install", "--quiet", ROOT)
        step(auditor / "python", "-m", "pip", "install", "--quiet", "pip-audit>=2.9")
        step(auditor / "python", ROOT / "tests" / "security" / "dependencies.py", users.parent)


def main() -> None:
    """Do all of it, in the order in which it fails soonest."""
    if sys.version_info < OLDEST:
        sys.exit(f"batchgen needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}")
    tools = fresh_environment(ENVIRONMENT)
    step(tools / "python", "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    step(tools / "python", "-m", "pip", "install", "--quiet", f"{ROOT}[dev]")
    check_sources(tools)
    run_tests(tools)
    play_histories(tools)
    try_wheel(tools)
    audit_dependencies()
    print("\nall of it holds")


if __name__ == "__main__":
    main()
