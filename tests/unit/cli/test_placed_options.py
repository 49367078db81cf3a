"""Where each option of run may stand: one table, and schema, environment, help and docs that follow it."""

import re
from pathlib import Path
from typing import Any

import click
import pytest

from batchgen.cli import options as placing
from batchgen.cli.plan import command as plan
from batchgen.cli.run import command as run
from batchgen.options import OPTIONS, REFUSED, variable
from batchgen.providers.registry import PROVIDERS
from batchgen.schemas import MODELS_VARIABLE, shipped

from helpers.support import findings, in_process, one_scene

DOCS = Path(__file__).parents[3] / "docs" / "run.md"
IN_MANIFEST = [name for name, option in OPTIONS.items() if not option.refusal]
IN_ENVIRONMENT = [name for name, option in OPTIONS.items() if option.in_environment]
# As they are listed for users; one that is added to the program is placed here on purpose.
MANIFEST = """profile run_dir request_format workers max_in_flight submit_rate poll_interval request_timeout
task_timeout attempts history reuse"""
COMMAND_LINE = "plan scene retry_failed again rebind yes on_end"


def options_of(command: click.Command) -> dict[str, click.Option]:
    return {placing.name_of(each): each for each in command.params if isinstance(each, click.Option)}


def schema() -> dict[str, Any]:
    properties: dict[str, Any] = shipped().document("manifest")["properties"]["run"]["properties"]
    return properties


def test_each_option_of_run_has_its_places() -> None:
    assert list(options_of(run)) == list(OPTIONS)


def test_the_places_are_those_of_the_contract() -> None:
    assert MANIFEST.split() == IN_MANIFEST
    assert COMMAND_LINE.split() == [name for name in OPTIONS if name not in IN_ENVIRONMENT]


def test_the_schema_holds_the_options_that_a_manifest_may_hold() -> None:
    assert list(schema()) == IN_MANIFEST


@pytest.mark.parametrize("name", IN_MANIFEST)
def test_the_limits_of_the_schema_are_those_of_the_command_line(name: str) -> None:
    option, described = options_of(run)[name], schema()[name]
    if isinstance(option.type, click.IntRange | click.FloatRange):
        assert (described["minimum"], described["maximum"]) == (option.type.min, option.type.max)
        assert described["type"] == ("integer" if isinstance(option.type, click.IntRange) else "number")
    elif isinstance(option.type, click.Choice):
        assert described["enum"] == list(option.type.choices)
    elif name == "profile":
        assert described["type"] == "string"
    else:
        assert isinstance(option.type, click.Path)
        assert OPTIONS[name].is_path
        assert described["type"] == ("array" if option.multiple else "string")
    if "default" in described:
        assert described["default"] == option.default


@pytest.mark.parametrize("name", OPTIONS)
def test_help_says_where_an_option_may_stand(name: str) -> None:
    option = options_of(run)[name]
    assert option.envvar == (variable(name) if name in IN_ENVIRONMENT else None)
    assert option.show_envvar is (name in IN_ENVIRONMENT)
    assert str(option.help).endswith(" *") is (name in IN_MANIFEST)


def test_plan_takes_its_options_as_run_does() -> None:
    mine, other = options_of(plan), options_of(run)
    assert set(mine) - set(other) == {"out", "format", "ask_gateway"}
    for name in set(mine) & set(other):
        one, two = mine[name], other[name]
        assert (one.envvar, one.default, one.multiple) == (two.envvar, two.default, two.multiple)
        assert one.type.to_info_dict() == two.type.to_info_dict()


def test_no_option_takes_the_variable_of_a_key() -> None:
    taken = {variable(name) for name in OPTIONS}
    assert taken.isdisjoint({MODELS_VARIABLE, *(provider.key_variable for provider in PROVIDERS.values())})


def test_the_page_lists_every_option_with_its_places() -> None:
    rows = re.findall(r"^\| `--([a-z-]+)` \| (.*) \| (.*) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    expected = [
        (
            name.replace("_", "-"),
            f"`{name}`" if name in IN_MANIFEST else "",
            f"`{variable(name)}`" if name in IN_ENVIRONMENT else "",
        )
        for name in OPTIONS
    ]
    assert rows == expected


WRONG = {
    "run_dir": "hero.png",
    "emulator": "maybe",
    "api_key_file": "gone",
    "output": "https://key:secret@bucket/films",
    "cache_size": "much",
    "request_format": "letters",
    "workers": "many",
    "max_in_flight": "0",
    "submit_rate": "0",
    "poll_interval": "nan",
    "request_timeout": "inf",
    "task_timeout": "1e9",
    "attempts": "1.5",
    "no_wait": "2",
    "executor": "dusk",
    "budget": "-1",
    "history": "gone",
    "reuse": "gone",
    "no_download": "maybe",
    "no_progress": "maybe",
    "strict": "maybe",
    "dry_run": "maybe",
    "full": "maybe",
}


@pytest.mark.parametrize("name", [name for name in IN_ENVIRONMENT if name not in {"base_url", "profile", "publish"}])
def test_a_wrong_variable_is_wrong_usage_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "manifest.yaml").write_text(one_scene(), encoding="utf-8")
    (tmp_path / "hero.png").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable(name), WRONG[name])
    ended = in_process("run", "manifest.yaml")
    assert (ended.code, ended.out) == (2, "")
    assert f"Invalid value for {variable(name)}:" in ended.err
    if not options_of(run)[name].is_flag:
        option = f"--{name.replace('_', '-')}"
        assert f"Invalid value for '{option}'" in in_process("run", "manifest.yaml", f"{option}={WRONG[name]}").err


HEAD = one_scene()
# name: (what stands under run, the findings in it)
ERRORS = {
    "a number of tasks": ("{max_in_flight: 20, workers: 8}", []),
    "the least": ("{poll_interval: 0.01, submit_rate: 0.001, attempts: 1}", []),
    "a folder to come": ("{run_dir: somewhere/else}", []),
    "nothing": ("", ["7 run.type"]),
    "a list": ("[workers]", ["7 run.type"]),
    "a word for a number": ("{workers: many}", ["7 workers.type"]),
    "a part of a task": ("{max_in_flight: 1.5}", ["7 max_in_flight.type"]),
    "no tasks": ("{max_in_flight: 0}", ["7 max_in_flight.minimum"]),
    "below the least": ("{poll_interval: 0.009}", ["7 poll_interval.minimum"]),
    "beyond reason": ("{task_timeout: 1000000.5}", ["7 task_timeout.maximum"]),
    "a flag for a number": ("{attempts: true}", ["7 attempts.type"]),
    "another format": ("{request_format: letters}", ["7 request_format.enum"]),
    "a folder that is a file": ("{run_dir: manifest.yaml}", ["7 run_dir.unusable"]),
    "a folder in a file": ("{run_dir: manifest.yaml/runs}", ["7 run_dir.unusable"]),
    "a folder without a name": ('{run_dir: ""}', ["7 run_dir.pattern"]),
    "a folder that no disk takes": ('{run_dir: "a\\0b"}', ["7 run_dir.pattern"]),
    "a folder with an endless name": (f"{{run_dir: {'a' * 5000}}}", ["7 run_dir.unusable"]),
    "a history that is gone": ("{history: [gone]}", ["7 history.unusable"]),
    "a history that is none": ("{history: [.]}", ["7 history.unusable"]),
    "a history that is no list": ("{history: gone}", ["7 history.type"]),
    "a history of numbers": ("{history: [5]}", ["7 history.type"]),
    "dashes": ("{max-in-flight: 5}", ["7 unknown-key"]),
    "a slip": ("{worker: 5}", ["7 unknown-key"]),
    "several": (
        "{workers: 0, strict: true, attempts: no}",
        ["7 workers.minimum", "7 strict.not-here", "7 attempts.type"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), ERRORS.values(), ids=ERRORS)
def test_what_stands_under_run_is_checked_with_the_manifest(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert findings(tmp_path, f"{HEAD}run: {text}\n") == expected


def test_a_wrong_value_has_its_place_and_what_to_write(tmp_path: Path) -> None:
    path = tmp_path / "manifest.yaml"
    path.write_text(f"{HEAD}run:\n  max-in-flight: 5\n  workers: 0\n", encoding="utf-8")
    for command in ("validate", "plan", "run"):
        ended = in_process(command, str(path))
        assert ended.code == 3
        assert f"{path}:8:3: run has an unknown key 'max-in-flight'; did you mean 'max_in_flight'?" in ended.err
        assert f"{path}:9:12: workers is 0; the least is 1\n    at $.run.workers, rule workers.minimum" in ended.err


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_cannot_stand_under_run_is_refused_with_the_reason(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / "manifest.yaml"
    written = name.replace("_", "-") if name == "on_end" else name
    path.write_text(f"{HEAD}run:\n  {written}: x\n", encoding="utf-8")
    ended = in_process("run", str(path), "--emulator")
    assert ended.code == 3
    assert f"{path}:8:3: run cannot hold {written}: {reason}\n    at $.run" in ended.err
    assert f"rule {written}.not-here" in ended.err


# name: what is said of it
IGNORED = {
    "BATCHGEN_MAX_INFLIGHT": "is not a variable of batchgen, and is ignored; did you mean BATCHGEN_MAX_IN_FLIGHT?",
    "BATCHGEN_APIKEY": "is not a variable of batchgen, and is ignored; did you mean BATCHGEN_API_KEY?",
    "BATCHGEN_RUNDIR": "is not a variable of batchgen, and is ignored; did you mean BATCHGEN_RUN_DIR?",
    "BATCHGEN_MODEL": "is not a variable of batchgen, and is ignored; did you mean BATCHGEN_MODELS?",
    "BATCHGEN_XYZZY": "is not a variable of batchgen, and is ignored",
    "BATCHGEN_YES": "is ignored: --yes is taken from the command line alone",
    "BATCHGEN_RETRY_FAILED": "is ignored: --retry-failed is taken from the command line alone",
}


def test_variables_that_nobody_reads_are_told_of() -> None:
    known = [*map(variable, IN_ENVIRONMENT), MODELS_VARIABLE, "BATCHGEN_API_KEY", "HOME", "BATCHGEN"]
    assert placing.ignored_variables([*known, *IGNORED]) == [f"{name} {IGNORED[name]}" for name in sorted(IGNORED)]


@pytest.mark.parametrize("command", ["run", "plan", "status", "report"])
def test_a_misspelled_variable_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BATCHGEN_RUNDIR", "a-value-of-mine")
    (tmp_path / "a.yaml").write_text(f"{HEAD}\n", encoding="utf-8")
    ended = in_process(command, *(["a.yaml", "--run-dir=b"] if command in ("run", "plan") else []))
    assert "warning: BATCHGEN_RUNDIR is not a variable of batchgen, and is ignored; did you mean" in ended.err
    assert "a-value-of-mine" not in ended.err
