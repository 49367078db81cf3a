"""The tasks of this repository, one word each: ``nox --list`` names them.

Without a name, nox does what has to hold before a change is committed: ``static`` and ``tests``.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["static", "tests"]
nox.options.error_on_external_run = True
# Tests start some thousand processes: what they import is compiled once, and not by each of them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
CAMPAIGN_SEEDS = "20000"
SUITE = ("tests/unit", "tests/e2e")
OF_PYTHON_ALONE = ("tests/campaigns/simulation",)
"""Of what no dependency has a part in, and so once for each Python: what is played in virtual time reads the shipped
schemas, and nothing else of anybody's; ``tests/unit/manifest`` asks more of that."""
_REACHING = ("audit", "cli", "money", "odd_gateways", "one_writer", "output_schemas", "run_output", "second_look")
REACHING = (
    *(f"tests/e2e/test_{name}.py" for name in _REACHING),
    "tests/campaigns/test_shards.py",
    "tests/campaigns/cluster/test_runs.py",
)
"""Tests of whole processes that reach what no other tests do."""


def _interpreter(version: str) -> str | None:
    """The program of a version of Python that starts, None where there is none.

    A version manager may have a name on the path that only says that the version is not selected; the
    programs themselves lie in its folder.
    """
    name = f"python{version}"
    managed = sorted(
        Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv").glob(f"versions/{version}.*/bin/{name}")
    )
    for program in filter(None, [shutil.which(name), *map(str, reversed(managed))]):
        if subprocess.run([program, "-c", ""], capture_output=True, check=False).returncode == 0:
            return program
    return None


FOUND = {version: program for version in PYTHONS if (program := _interpreter(version)) is not None}
HERE = (f"{sys.version_info.major}.{sys.version_info.minor}", "newest")
"""What ``tests`` runs on."""
COMBINATIONS = [each for each in product(FOUND, ("newest", "lowest")) if each != HERE]
ABSENT = [version for version in PYTHONS if version not in FOUND]


def _install(session: nox.Session, *extra: str) -> None:
    session.install("--editable", ".[dev]", *extra)


@nox.session
def static(session: nox.Session) -> None:
    """Lint, formatting, types, and the direction of imports."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests of the code and of the program, on the installed package."""
    session.install(".[dev]")
    session.run("pytest", "-q", "--durations=10", *(session.posargs or SUITE))


@nox.session
def coverage(session: nox.Session) -> None:
    """What of the package the tests reach, in their own process and in those of the program."""
    session.install(".[dev,dask]")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "-q", "tests/unit", *REACHING)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(tags=["all"])
def campaigns(session: nox.Session) -> None:
    """Short campaigns: every fault on the wire, real crashes of each kind, and what fuzzing found before."""
    session.install(".[dev]")
    session.run("pytest", "-q", "-m", "not slow", "tests/campaigns", env={"HYPOTHESIS_PROFILE": "ci"})
    session.run("pytest", "-q", "-m", "slow", "tests/campaigns/test_continuity.py")


@nox.session(tags=["all"])
@nox.parametrize(
    "python,dependencies",
    [(FOUND[version], which) for version, which in COMBINATIONS],
    ids=["-".join(combination) for combination in COMBINATIONS],
)
def pythons(session: nox.Session, dependencies: str) -> None:
    """The same tests on each Python that is here, with both ends of each dependency's range."""
    session.log(f"not here, and so not tested: {', '.join(ABSENT) or 'none'}")
    constraints: list[str] = []
    if dependencies == "lowest":
        lowest = Path(session.create_tmp()) / "lowest.txt"
        session.install("uv")
        session.run(
            *("uv", "pip", "compile", "--quiet", "--resolution", "lowest-direct", "--no-header", "--no-annotate"),
            *("--python", str(session.python), "--output-file", str(lowest), "pyproject.toml"),
        )
        constraints = ["--constraint", str(lowest)]
    session.install(".[dev]", *constraints)
    chosen = [*SUITE, *([] if dependencies == "lowest" else OF_PYTHON_ALONE)]
    session.run("pytest", "-q", *(session.posargs or chosen), env={"HYPOTHESIS_PROFILE": "fast"})


@nox.session(tags=["all"])
def browser(session: nox.Session) -> None:
    """Look at the storyboard in a real browser: plays, filters, picks, prints, resists, and is fit for keyboards."""
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        session.error("there is no Chromium: apt-get install chromium")
    session.install(".[dev,browser]")
    session.run("pytest", "-q", "-n", "2", *(session.posargs or ("tests/browser",)))


@nox.session(tags=["all"])
def cluster(session: nox.Session) -> None:
    """Runs with a Dask cluster that is lost or of another version, or whose workers are killed, fifty times."""
    session.install(".[dev,dask]")
    session.run("pytest", "-q", "-m", "", "tests/campaigns/cluster")


@nox.session
def acceptance(session: nox.Session) -> None:
    """The tests of runs that buy, break off and go on, each with a Dask cluster; takes eight minutes."""
    session.install(".[dev,dask]")
    session.run("python", "tests/campaigns/cluster", *session.posargs)


@nox.session(tags=["all"])
def storage(session: nox.Session) -> None:
    """Object stores for real: s3fs against an S3 that moto serves, each in an environment of its own."""
    moto = Path(session.create_tmp()) / "moto"
    session.install("uv")
    session.run("uv", "venv", "--quiet", "--clear", str(moto))
    # Both in one environment take minutes to be resolved.
    session.run("uv", "pip", "install", "--quiet", "--python", str(moto), "moto[s3,server]>=5.1")
    session.install(".[dev,s3,browser]")
    program = moto / "bin" / "moto_server"
    chosen = session.posargs or ("tests/campaigns/storage",)
    session.run("pytest", "-q", "-n", "2", *chosen, env={"MOTO_SERVER": str(program)})


@nox.session(tags=["all"])
def simulation(session: nox.Session) -> None:
    """Play histories by the ten thousand: no promise may break."""
    session.install(".[dev]")
    session.run("python", "tests/campaigns/simulation", "--first", "0", "--seeds", CAMPAIGN_SEEDS)


@nox.session(tags=["all"])
def mutations(session: nox.Session) -> None:
    """Put deliberate faults into copies of the package: the simulation has to notice each."""
    session.install(".[dev]")
    session.run("python", "tests/campaigns/mutations")


@nox.session
def crashes(session: nox.Session) -> None:
    """Kill, stop and starve real runs, many of each kind, and reconcile what is left with the gateway's own log."""
    session.install(".[dev]")
    session.run("python", "tests/campaigns/reliability", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Look for inputs that nobody should write; ``nox -s fuzz -- manifest --for 600`` for longer."""
    session.install(".[dev]")
    session.run("python", "tests/campaigns/fuzz", *(session.posargs or ("all", "--for", "60")))


@nox.session(tags=["all"])
def docs(session: nox.Session) -> None:
    """The site of docs/, into site/: every link, anchor and picture leads somewhere, and no page is forgotten."""
    session.install(".[docs]")
    # With --quiet no warning would be counted, and so none refused.
    session.run("mkdocs", "build", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(tags=["all"])
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it alone, and use it in an empty folder."""
    session.install("build")
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder)
    session.run("python", "-m", "build", "--outdir", str(folder / "dist"), ".")
    (built,) = (folder / "dist").glob("*.whl")
    session.install("--reinstall-package", "batchgen", str(built))
    manifests = Path("manifests").resolve()
    with session.chdir(folder):
        session.run("batchgen", "init", "garden")
        session.run("batchgen", "validate", "--strict", "garden/manifest.yaml")
        session.run("batchgen", "run", str(manifests / "quickstart.yaml"), "--emulator", "--run-dir", "rehearsal")
        session.run("batchgen", "validate", "--strict", *map(str, sorted(manifests.glob("*.yaml"))))


@nox.session(tags=["all"])
def audit(session: nox.Session) -> None:
    """Ask whether anything that batchgen brings along is known to be vulnerable."""
    session.install("pip-audit>=2.9", "uv")
    users = Path(session.create_tmp()) / "users"
    session.run("uv", "venv", "--quiet", "--clear", str(users))
    session.run("uv", "pip", "install", "--quiet", "--python", str(users), ".")
    session.run("python", "tests/campaigns/dependencies.py", str(users))


@nox.session(tags=["all"], venv_backend="none")
def readme(session: nox.Session) -> None:
    """The two lines of the README, one after the other, in a fresh clone whose name is that of a common folder."""
    lines = Path("README.md").read_text(encoding="utf-8").splitlines()
    start, test = (line for line in lines if line.startswith("python3 -m venv"))
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "src"
        session.run("git", "clone", "--quiet", ".", str(clone), external=True)
        with session.chdir(clone):
            session.run("sh", "-c", start, external=True)
            session.run("sh", "-c", f"{test} --session static", external=True)
