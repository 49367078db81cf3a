"""What import-linter cannot see: imports by name, words of the vendor, policies that leave a case out."""

import ast
import pickle
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import batchgen
from batchgen.app.results import EXIT_CODES
from batchgen.cli.main import COMMANDS
from batchgen.cli.remedies import REMEDIES, message_of
from batchgen.engine.attempts import TRANSITIONS, AttemptState
from batchgen.engine.classification import Kind
from batchgen.engine.commands import Stop
from batchgen.errors import Remedy, UsageError
from batchgen.providers.error_policy import ErrorClass
from batchgen.providers.provider import AUTO
from batchgen.providers.registry import PROVIDERS
from batchgen.report.rows import STATUSES
from batchgen.report.summary import STOPPED
from batchgen.schemas import shipped

from helpers.dashscope import DASHSCOPE

PACKAGE = Path(batchgen.__file__).parent
FACES = {"batchgen.cli.main": [entry.module for entry in COMMANDS.values()], "batchgen": None}


def imports(path: Path) -> set[str]:
    """The modules that a module imports, at its head or later."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return found


def test_no_module_is_imported_by_what_it_imports() -> None:
    """Those that are imported later, inside a function, count as those at the head."""
    modules = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    TopologicalSorter({name: imports(path) & modules.keys() for name, path in modules.items()}).prepare()


def test_modules_are_imported_by_name_at_two_places_only() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "import_module" in path.read_text(encoding="utf-8")
    }
    assert found == {"__init__.py", "cli/main.py"}


def test_what_is_imported_by_name_does_not_import_its_importer() -> None:
    below = [path for path in PACKAGE.rglob("*.py") if path not in (PACKAGE / "__init__.py", PACKAGE / "__main__.py")]
    assert [path.name for path in below if "batchgen.cli.main" in imports(path)] == []
    assert [path.name for path in below if imports(path) & {"batchgen.__version__", *batchgen.__all__}] == []
    assert [path.name for path in below if "batchgen" in {name for name in imports(path) if "." not in name}] == []


@pytest.mark.parametrize("provider", [*PROVIDERS.values(), DASHSCOPE], ids=lambda provider: provider.name)
def test_each_error_class_has_a_line_in_each_policy(provider: object) -> None:
    policy = provider.errors  # type: ignore[attr-defined]
    assert set(policy.failed_task) == set(ErrorClass)
    assert not policy.account & policy.wait
    assert not policy.unknown & (policy.wait | policy.stated)


def test_the_classes_are_those_that_a_model_may_name() -> None:
    listed = shipped().document("model")["properties"]["errors"]["additionalProperties"]["properties"]["class"]["enum"]
    assert set(listed) == set(ErrorClass)


def test_each_state_has_a_status_and_a_way_to_it() -> None:
    assert set(STATUSES) == set(AttemptState)
    reached = {target for ways in TRANSITIONS.values() for target in ways.values()}
    by_what_is_said = {AttemptState.MISMATCHED, AttemptState.NO_RESULT}
    assert reached | by_what_is_said == set(AttemptState)


def test_each_end_has_an_exit_code_and_words() -> None:
    assert set(EXIT_CODES) == set(STOPPED) == set(Stop)
    assert set(shipped().document("on-end")["properties"]["stop"]["enum"]) == {*Stop, None}
    assert len({kind.value for kind in Kind}) == len(Kind)


def test_the_formats_that_run_offers_are_those_of_the_provider() -> None:
    from batchgen.cli.run import command

    (option,) = [parameter for parameter in command.params if parameter.name == "request_format"]
    assert tuple(option.type.choices) == (AUTO, *PROVIDERS["vtrix"].request_formats)  # type: ignore[attr-defined]


def texts(path: Path) -> Iterator[str]:
    """The texts in a module that are not docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.value


def test_what_a_library_says_names_no_option_of_the_command_line() -> None:
    rooms = ("app", "journal", "manifest", "media", "runner", "store")
    named = re.compile(r"(?<![\w-])--[a-z]")
    told = {
        path.name for room in rooms for path in (PACKAGE / room).rglob("*.py") if any(map(named.search, texts(path)))
    }
    assert told == set()
    assert any(map(named.search, texts(PACKAGE / "cli" / "remedies.py"))), "the test sees them at all"


def test_the_command_line_has_words_for_every_remedy() -> None:
    assert REMEDIES.keys() == set(Remedy)
    said = message_of(UsageError("there is no key", Remedy.GIVE_KEY, "THE_KEY"))
    assert said.startswith("there is no key; put it into THE_KEY or ")
    assert message_of(UsageError("it is so")) == "it is so"
    again = pickle.loads(pickle.dumps(UsageError("there is no key", Remedy.GIVE_KEY, "THE_KEY")))  # noqa: S301 - our own
    assert (str(again), again.remedy, again.about) == ("there is no key", Remedy.GIVE_KEY, "THE_KEY")
