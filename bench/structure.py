"""Size and shape of the code: of the working tree, and beside it of a commit.

Everything is read from the source text; nothing is imported. Product is what lies under ``batchgen/``, tests
what lies under ``tests/``. Lines are those of the files, blank lines and comments included. The length of a
function runs from its ``def`` to its last line, docstring included; a function inside another counts in both.

The way of the options of ``run`` are the functions that take them whole: those with a parameter of one of the
types in `OPTION_TYPES`. What is made of options (a plan, a connection) is no option any more.

``--time-tests`` runs the README's test command in a fresh clone of each commit, and takes that long; the working tree
is timed as its last commit.

An import counts wherever it stands, inside functions too, but for those under ``if TYPE_CHECKING``. An import by
name (``importlib.import_module``) counts where the name is a text in the same module.
"""

import argparse
import ast
import io
import math
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeGuard

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "batchgen"
TESTS = "tests"
WORKING_TREE = "working tree"

OPTION_TYPES = frozenset({"Options", "RunOptions", "Choice", "Loading", "Given"})
"""What options of ``run`` are held in, on their way from the command line and from the library's keywords."""

Imports: TypeAlias = Mapping[str, frozenset[str]]
"""Each module, and the modules of the package that it imports."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What was counted in one tree."""

    lines_by_file: Mapping[str, int]
    function_lines: tuple[int, ...]
    circles: tuple[tuple[str, ...], ...]
    taking_options: Mapping[str, int]
    """Files, and how many functions of each take options of ``run``."""
    test_lines: int
    test_files: int
    test_modules: int

    @property
    def lines(self) -> int:
        """Lines of the product."""
        return sum(self.lines_by_file.values())

    @property
    def largest(self) -> str:
        """The product file with the most lines."""
        return max(self.lines_by_file, key=self.lines_by_file.__getitem__)


ROWS: Mapping[str, Callable[[Structure], str]] = {
    "product: files": lambda tree: f"{len(tree.lines_by_file)}",
    "product: lines": lambda tree: f"{tree.lines}",
    "largest file: lines": lambda tree: f"{tree.lines_by_file[tree.largest]}",
    "functions": lambda tree: f"{len(tree.function_lines)}",
    "function lines: median": lambda tree: f"{statistics.median(tree.function_lines):g}",
    "function lines: 90th percentile": lambda tree: f"{_percentile(tree.function_lines, 90)}",
    "function lines: most": lambda tree: f"{max(tree.function_lines)}",
    "import circles": lambda tree: f"{len(tree.circles)}",
    "modules in import circles": lambda tree: f"{sum(map(len, tree.circles))}",
    "functions that take options of run": lambda tree: f"{sum(tree.taking_options.values())}",
    "the same: most in one file": lambda tree: f"{max(tree.taking_options.values(), default=0)}",
    "tests: files named test_*.py": lambda tree: f"{tree.test_modules}",
    "tests: files": lambda tree: f"{tree.test_files}",
    "tests: lines": lambda tree: f"{tree.test_lines}",
    "test lines a product line": lambda tree: f"{tree.test_lines / tree.lines:.2f}",
}


def run(arguments: Sequence[str] = ()) -> int:
    """Print the table; 2 where the commit cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m bench structure", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--of", metavar="COMMIT", help="a commit to put beside the working tree")
    parser.add_argument("--time-tests", action="store_true", help="time the README's test command, too")
    given = parser.parse_args(arguments)
    commit: str | None = given.of
    trees = {WORKING_TREE: measure(ROOT)}
    if commit is not None:
        try:
            trees[_short(commit)] = _measure_commit(commit)
        except subprocess.CalledProcessError as error:
            print(f"{commit} cannot be read: {error.stderr.decode().strip()}", file=sys.stderr)
            return 2
    _show(trees, _test_seconds(trees) if given.time_tests else {})
    return 0


def measure(root: Path) -> Structure:
    """Count in the tree below a folder."""
    sources = {path: path.read_text(encoding="utf-8") for path in sorted((root / PACKAGE).rglob("*.py"))}
    if not sources:
        raise SystemExit(f"{root} has no Python file under {PACKAGE}/")
    parsed = {_module_name(path.relative_to(root)): ast.parse(text) for path, text in sources.items()}
    tests = sorted((root / TESTS).rglob("*.py"))
    return Structure(
        lines_by_file={path.relative_to(root).as_posix(): _lines(text) for path, text in sources.items()},
        function_lines=tuple(length for tree in parsed.values() for length in _function_lines(tree)),
        circles=circles({name: _imports(tree, parsed) for name, tree in parsed.items()}),
        taking_options={
            name: count for name, tree in parsed.items() if (count := sum(map(_takes_options, ast.walk(tree))))
        },
        test_lines=sum(_lines(path.read_text(encoding="utf-8")) for path in tests),
        test_files=len(tests),
        test_modules=sum(path.name.startswith("test_") for path in tests),
    )


def circles(imports: Imports) -> tuple[tuple[str, ...], ...]:
    """The groups of modules each of which reaches all others of its group, and itself, along imports."""
    reached = {name: _reached(name, imports) for name in imports}
    groups = {
        tuple(sorted({name, *(other for other in reached[name] if name in reached[other])}))
        for name in imports
        if name in reached[name]
    }
    return tuple(sorted(groups))


def _reached(name: str, imports: Imports) -> frozenset[str]:
    """The modules that one leads to; itself only where there is a way back."""
    found: set[str] = set()
    pending = [*imports[name]]
    while pending:
        module = pending.pop()
        if module not in found:
            found.add(module)
            pending += imports[module]
    return frozenset(found)


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _lines(text: str) -> int:
    return len(text.splitlines())


def _function_lines(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def _takes_options(node: ast.AST) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return any(
        isinstance(part, ast.expr) and _last_name(part) in OPTION_TYPES
        for argument in given
        if argument.annotation is not None
        for part in ast.walk(argument.annotation)
    )


def _imports(tree: ast.Module, modules: Collection[str]) -> frozenset[str]:
    """The modules of the package that one imports."""
    nodes = list(_nodes(tree))
    found = {module for node in nodes for module in _imported(node, modules)}
    if any(_imports_by_name(node) for node in nodes):
        found |= {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(found.intersection(modules))


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, but for what only a type checker reads."""
    yield node
    children = node.orelse if _is_for_types(node) else ast.iter_child_nodes(node)
    for child in children:
        yield from _nodes(child)


def _is_for_types(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING"


def _imported(node: ast.AST, modules: Collection[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module is not None:
        below = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if name in modules else node.module for name in below)


def _imports_by_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _last_name(node.func) in {"import_module", "__import__"}


def _last_name(node: ast.expr) -> str:
    """``c`` of ``a.b.c``, and empty for what is not a name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _percentile(values: Sequence[int], percent: int) -> int:
    """The smallest value that at least so many percent of the values do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def _short(commit: str) -> str:
    return _git("rev-parse", "--short", f"{commit}^{{commit}}").decode().strip()


def _measure_commit(commit: str) -> Structure:
    with tempfile.TemporaryDirectory() as folder:
        archive = io.BytesIO(_git("archive", "--format=tar", commit))
        with tarfile.open(fileobj=archive) as files:
            files.extractall(folder, filter="data")
        return measure(Path(folder))


def _git(*arguments: str) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise SystemExit("--of needs git on the path")
    return subprocess.run([program, *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def _test_seconds(names: Iterable[str]) -> dict[str, str]:
    """What the README's test command took in a fresh clone of each commit, in seconds, or how it ended."""
    return {name: _timed_tests("HEAD" if name == WORKING_TREE else name) for name in names}


def _timed_tests(commit: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "src"
        _git("clone", "--quiet", str(ROOT), str(clone))
        _git("-C", str(clone), "checkout", "--quiet", commit)
        readme = (clone / "README.md").read_text(encoding="utf-8").splitlines()
        *_, command = (line for line in readme if line.startswith("python3 -m venv"))
        began = time.perf_counter()
        done = subprocess.run(["sh", "-c", command], cwd=clone, check=False, stdout=sys.stderr)  # noqa: S607
        took = f"{time.perf_counter() - began:.0f}"
    return took if done.returncode == 0 else f"failed ({done.returncode})"


def _show(trees: Mapping[str, Structure], test_seconds: Mapping[str, str]) -> None:
    width = max(map(len, ROWS))
    print(" " * width + "".join(f"{name:>16}" for name in trees))
    for label, row in ROWS.items():
        print(f"{label:<{width}}" + "".join(f"{row(tree):>16}" for tree in trees.values()))
    if test_seconds:
        print(f"{'seconds of the test command':<{width}}" + "".join(f"{test_seconds[name]:>16}" for name in trees))
    for name, tree in trees.items():
        print(f"\n{name}: the largest file is {tree.largest}")
        for circle in tree.circles:
            print(f"{name}: a circle of {', '.join(circle)}")
