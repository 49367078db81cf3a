"""What a shell offers behind Tab, and that nothing breaks it."""

import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from batchgen.cli.main import cli

from helpers.support import one_scene, started


def offered(*words: str) -> list[str]:
    """What is offered for the last word."""
    complete = BashComplete(cli, {}, "batchgen", "_BATCHGEN_COMPLETE")
    found = complete.get_completions(list(words[:-1]), words[-1])
    return [item.value if item.type == "plain" else f"<{item.type}>" for item in found]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.yaml").write_text(one_scene() + "  - {id: s02, prompt: x}\n  - {id: t01}\n  - {id: 3}\n  - 4\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.yml").write_text("")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "report.csv").write_text("scene_id,status\r\ns01,completed\r\ns02-t1,failed\r\n$(x),a\r\n")
    monkeypatch.chdir(tmp_path)


def test_commands_and_options() -> None:
    assert offered("re") == ["report", "resolve"]
    assert offered("run", "film.yaml", "--sc") == ["--scene"]


@pytest.mark.parametrize("command", ["run", "plan", "validate"])
def test_manifests(command: str) -> None:
    assert offered(command, "") == ["film.yaml"]
    assert offered(command, "sub/") == ["sub/other.yml"]
    assert offered(command, "nowhere/x") == offered(command, "zz") == ["<file>"]
    Path("a b.yaml").write_text("")
    assert offered(command, "a") == ["<file>"], "the shell knows how to quote it"


def test_scenes_of_a_manifest() -> None:
    assert offered("run", "film.yaml", "--scene", "") == ["s01", "s02", "t01"]
    assert offered("plan", "--scene", "t01", "film.yaml", "--again", "s") == ["s01", "s02"]
    assert offered("run", "--scene", "s") == offered("run", "nowhere.yaml", "--scene", "s") == []
    Path("film.yaml").write_bytes(b"\xff: [")
    assert offered("run", "film.yaml", "--scene", "s") == []


def test_profiles_of_a_manifest() -> None:
    Path("film.yaml").write_text(f"{one_scene()}profiles: {{draft: {{duration: 2}}, final: {{}}}}\n")
    assert offered("run", "film.yaml", "--profile", "") == ["draft", "final"]
    assert offered("validate", "film.yaml", "sub/other.yml", "--profile", "d") == ["draft"]
    assert offered("plan", "nowhere.yaml", "--profile", "") == []


def test_scenes_of_a_run() -> None:
    assert offered("pick", "runs", "") == ["s01", "s02-t1"]
    assert offered("resolve", "runs", "s02") == ["s02-t1"]
    assert offered("pick", "nowhere", "") == []
    Path("runs/report.csv").write_bytes(b"scene_id\r\n\xff\r\n")
    assert offered("pick", "runs", "") == []


def test_a_real_shell_is_told(tmp_path: Path) -> None:
    program = tmp_path / "batchgen"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m batchgen "$@"\n')
    program.chmod(0o755)
    script = (
        'PATH="$PWD:$PATH"; eval "$(_BATCHGEN_COMPLETE=bash_source batchgen)"\n'
        "COMP_WORDS=(batchgen run film.yaml --scene s); COMP_CWORD=4\n"
        '_batchgen_completion batchgen; echo "${COMPREPLY[@]}"'
    )
    ended = started(["bash", "-c", script], tmp_path)
    assert (ended.code, ended.out, ended.err) == (0, "s01 s02\n", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_their_script(shell: str) -> None:
    ended = started(
        [sys.executable, "-P", "-m", "batchgen"], None, {"_BATCHGEN_COMPLETE": f"{shell}_source", "LANG": "C"}
    )
    assert (ended.code, "_batchgen_completion" in ended.out) == (0, True)
