"""The program as its users start it: real processes, real files."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from batchgen import __version__
from batchgen.cli.main import COMMANDS

from helpers.support import batchgen, modes_hold, one_scene, started, unprivileged, write_image

HEAVY = {"yaml", "jsonschema", "PIL", "av", "httpx", "urllib3"}


def write(folder: Path, text: str, name: str = "manifest.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["garden", "2024-01-01", "no", "012", "Ünïcödé & \u2013 more", "{x}"])
def test_init_writes_a_manifest_that_validates(tmp_path: Path, name: str) -> None:
    begun = batchgen("init", name, folder=tmp_path)
    assert (begun.code, begun.out) == (0, "")
    assert sorted(contents(tmp_path / name)) == [
        "manifest.schema.json",
        "manifest.yaml",
        "refs/dog.mp4",
        "refs/hero.png",
    ]
    ended = batchgen("validate", "--strict", tmp_path / name / "manifest.yaml")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.endswith("manifest.yaml: ok, 2 scenes\n")


def test_init_here_and_again_changes_nothing(tmp_path: Path) -> None:
    assert batchgen("init", folder=tmp_path).code == 0
    (tmp_path / "refs" / "hero.png").write_bytes(b"mine")
    before = contents(tmp_path)
    again = batchgen("init", folder=tmp_path)
    assert again.code == 2
    assert "nothing written" in again.err
    assert contents(tmp_path) == before


def test_init_does_not_write_over_a_single_file_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "refs").mkdir()
    write_image(tmp_path / "refs" / "dog.mp4", "PNG")
    before = contents(tmp_path)
    assert batchgen("init", tmp_path).code == 2
    assert contents(tmp_path) == before


@pytest.mark.parametrize("mode", [0o555, 0o444, 0o000])
def test_init_into_a_folder_that_may_not_be_written(tmp_path: Path, mode: int) -> None:
    if not modes_hold(tmp_path):
        pytest.skip("nothing keeps this user from reading and writing any file")
    target = tmp_path / "target"
    target.mkdir()
    target.chmod(mode)
    ended = started(unprivileged("-m", "batchgen", "init", target))
    target.chmod(0o755)
    assert ended.code == 2
    assert "Permission denied" in ended.err or "not readable" in ended.err
    assert contents(target) == {}


def test_init_where_a_file_stands(tmp_path: Path) -> None:
    write(tmp_path, "", "garden")
    assert batchgen("init", tmp_path / "garden").code == 2
    write(tmp_path, "", "refs")
    assert batchgen("init", tmp_path).code == 2
    assert sorted(contents(tmp_path)) == ["garden", "refs"]


def test_a_missing_manifest_is_wrong_usage(tmp_path: Path) -> None:
    ended = batchgen("validate", tmp_path / "gone.yaml")
    assert ended.code == 2
    assert "gone.yaml" in ended.err
    assert "does not exist" in ended.err


@pytest.mark.parametrize("arguments", [["validate"], ["validate", "."], ["nothing"], ["validate", "--nothing", "a"]])
def test_wrong_usage(tmp_path: Path, arguments: list[str]) -> None:
    ended = batchgen(*arguments, folder=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: batchgen")


def test_a_manifest_that_may_not_be_read(tmp_path: Path) -> None:
    if not modes_hold(tmp_path):
        pytest.skip("nothing keeps this user from reading and writing any file")
    path = write(tmp_path, one_scene())
    path.chmod(0)
    ended = started(unprivileged("-m", "batchgen", "validate", path))
    assert ended.code == 2
    assert ended.err.endswith("is not readable.\n")


def test_findings_as_text(tmp_path: Path) -> None:
    path = write(tmp_path, one_scene("nobody", size="16:9", promt="x"))
    ended = batchgen("validate", path)
    assert (ended.code, ended.out) == (3, "")
    lines = ended.err.splitlines()
    heads, details = lines[0:-1:2], lines[1:-1:2]
    assert [re.sub(r": .*", "", line.removeprefix(f"{path}:")) for line in heads] == ["7:11", "8:5", "6:18"]
    assert heads[2].startswith(f"{path}:6:18: warning: ")
    assert details == [
        "    at $.scenes[0].size (scene s01), rule size.enum, value 16:9",
        "    at $.scenes[0].promt (scene s01), rule unknown-key, value promt",
        '    at $.scenes[0].references[0] (scene s01), rule references.unmentioned, value "https://example.com/hero.png"',
    ]
    assert lines[-1] == f"{path}: 2 errors, 1 warning"


def test_findings_as_json_keep_to_their_schema(tmp_path: Path) -> None:
    bad = write(tmp_path, one_scene("nobody", size="16:9"), "bad.yaml")
    good = write(tmp_path, one_scene(), "good.yaml")
    broken = write(tmp_path, "[", "broken.yaml")
    ended = batchgen("validate", "--format", "json", bad, good, broken)
    schema = json.loads(batchgen("schema", "findings").out)
    document = json.loads(ended.out)
    Draft202012Validator(schema).validate(document)
    assert (ended.code, ended.err) == (3, "")
    assert [(Path(finding["file"]).name, finding["rule"], finding["severity"]) for finding in document["findings"]] == [
        ("bad.yaml", "size.enum", "error"),
        ("bad.yaml", "references.unmentioned", "warning"),
        ("broken.yaml", "yaml.syntax", "error"),
    ]
    assert batchgen("validate", "--format", "json", bad, good, broken).out == ended.out


def test_no_findings_as_json(tmp_path: Path) -> None:
    ended = batchgen("validate", "--format", "json", write(tmp_path, one_scene()))
    assert (ended.code, json.loads(ended.out)) == (0, {"findings": []})


def test_warnings_fail_only_where_strict(tmp_path: Path) -> None:
    path = write(tmp_path, one_scene("nobody"))
    assert batchgen("validate", path).code == 0
    assert batchgen("validate", path, "--strict").code == 3


def test_each_schema_is_printed_whole() -> None:
    names = batchgen("schema", "--list").out.split()
    assert {"manifest", "findings", "model", "models/wan26_r2v/request"} <= set(names)
    for name in names:
        ended = batchgen("schema", name)
        schema = json.loads(ended.out)
        assert (ended.code, ended.err) == (0, "")
        assert '"$ref"' not in ended.out
        Draft202012Validator.check_schema(schema)


def test_the_printed_manifest_schema_needs_no_other() -> None:
    validator = Draft202012Validator(json.loads(batchgen("schema").out))
    scene = {"id": "s", "prompt": "character1", "references": ["https://example.com/a"]}
    assert validator.is_valid({"version": 1, "name": "a", "scenes": [scene]})
    assert not validator.is_valid({"version": 1, "name": "a", "scenes": [{**scene, "size": "1281*720"}]})


def test_schemas_come_through_any_encoding_of_the_output() -> None:
    plain = batchgen("schema")
    for encoding in ("ascii", "cp1252"):
        ended = batchgen("schema", PYTHONIOENCODING=encoding)
        assert (ended.code, json.loads(ended.out)) == (0, json.loads(plain.out))


@pytest.mark.parametrize("arguments", [["nothing"], ["--model", "nothing"], ["../manifest"]])
def test_a_schema_that_does_not_exist(arguments: list[str]) -> None:
    ended = batchgen("schema", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "there is" in ended.err


def test_help_shows_every_command_with_an_example() -> None:
    overview = batchgen("--help")
    assert overview.code == 0
    for name, entry in COMMANDS.items():
        assert entry.example in overview.out
        one = batchgen(name, "--help")
        assert (one.code, one.err) == (0, "")
        assert entry.example in one.out


def test_version() -> None:
    ended = batchgen("--version")
    assert (ended.code, ended.out) == (0, f"batchgen, version {__version__}\n")


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_nothing_heavy_is_imported_before_a_command_needs_it(argument: str) -> None:
    ended = started([sys.executable, "-P", "-X", "importtime", "-m", "batchgen", argument])
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.err.splitlines() if "|" in line}
    assert ended.code == 0
    assert "click" in imported
    assert imported.isdisjoint(HEAVY)


def test_no_value_of_a_manifest_steers_the_terminal(tmp_path: Path) -> None:
    steering = "\\e]0;owned\\a\\e[2J\\u202e\\u009b\\x7f"
    text = f'version: 1\nname: "{steering}"\nmodel: wan26_r2v\n"{steering}": 1\ncast: {{"{steering}": "{steering}"}}\n'
    text += (
        f'scenes:\n  - {{id: "{steering}", prompt: "{{{steering}}}", size: "{steering}", references: ["{steering}"]}}\n'
    )
    ended = batchgen("validate", write(tmp_path, text, "a\x1b[2J.yaml"))
    assert ended.code == 3
    assert [char for char in ended.err if not char.isprintable() and char != "\n"] == []
    unknown = batchgen("validate", write(tmp_path, f'model: "{steering}"\n'))
    assert unknown.code == 3
    assert "\x1b" not in unknown.err


@pytest.mark.parametrize("arguments", [["schema"], ["validate", "--format", "json", "many.yaml"], ["--help"]])
def test_a_reader_who_has_had_enough(tmp_path: Path, arguments: list[str]) -> None:
    write(tmp_path, "version: 1\nname: a\nscenes:\n" + "  - {size: 1}\n" * 2000, "many.yaml")
    command = '"$@" | head -c 10 >/dev/null; echo "${PIPESTATUS[0]}"'
    program = [sys.executable, "-P", "-m", "batchgen", *arguments]
    ended = started(["bash", "-c", command, "bash", *program], tmp_path)
    assert "Traceback" not in ended.err
    assert "bug" not in ended.err
    assert "Exception" not in ended.err
    assert int(ended.out) in (0, 1, 3)


def test_an_interrupt_ends_quietly(tmp_path: Path) -> None:
    code = "import os, signal, sys, threading; from batchgen.cli.main import main; "
    code += "threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start(); main(sys.argv[1:])"
    fifo = tmp_path / "fifo"
    subprocess.run(["mkfifo", str(fifo)], check=True)  # noqa: S607 - where it lies differs by system
    ended = started([sys.executable, "-P", "-c", code, "validate", str(fifo)])
    assert (ended.code, ended.out) == (130, "")
    assert "Traceback" not in ended.err
