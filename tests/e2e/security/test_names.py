"""Names out of a manifest that would become paths, and the emulator's own doors."""

import contextlib
import http.client
import json
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from helpers.hostile import HostileGateway, done, numbered
from helpers.runs import emulator, process_of
from helpers.servers import server
from helpers.support import in_process, write_image, write_video

PATHS = [
    *(
        "../evil",
        "..",
        ".",
        "/etc/cron.d/evil",
        "a/b",
        "a\\b",
        "C:evil",
        "c:\\evil",
        "\\\\host\\share",
        "a\0b",
        "~root",
    ),
    *(
        "-rf",
        ".hidden",
        "a b",
        "a\nb",
        "\u202eevil",
        "e\u0301",
        "\uff0e\uff0e/evil",
        "con:",
        "s01::$DATA",
        "a*",
        "",
        " ",
    ),
    "a" * 65,
]


TAGS = [
    "!!python/object/apply:os.system ['touch pwned']",
    "!!python/object/apply:subprocess.check_call [[touch, pwned]]",
    "!!python/object/new:os.system ['touch pwned']",
    "!!python/name:os.system",
    "!!python/module:antigravity",
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['touch pwned']",
    "!!binary dG91Y2ggcHduZWQ=",
    "!!set {a}",
]


@pytest.mark.parametrize("tag", TAGS)
def test_no_tag_of_yaml_makes_or_calls_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str) -> None:
    monkeypatch.chdir(tmp_path)
    for text in (tag, f"version: 1\nname: a\nscenes: {tag}\n", f"? {tag}\n: 1\n"):
        (tmp_path / "manifest.yaml").write_text(text)
        ended = in_process("validate", "manifest.yaml")
        assert (ended.code, "rule yaml." in ended.err) == (3, True), ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.yaml"]


@pytest.mark.parametrize("setting", ["id", "name", "cast"])
def test_no_name_leads_out_of_its_folder(tmp_path: Path, setting: str) -> None:
    write_image(tmp_path / "hero.png")
    manifest = tmp_path / "manifest.yaml"
    for evil in PATHS:
        scene = {"id": evil if setting == "id" else "a", "prompt": "character1", "references": ["hero.png"]}
        document = {"version": 1, "name": evil if setting == "name" else "film", "scenes": [scene]}
        if setting == "cast":
            document["cast"] = {evil: "hero.png"}
        manifest.write_text(json.dumps(document), encoding="utf-8")
        ended = in_process("run", str(manifest), "--emulator", "--no-progress", "--run-dir", str(tmp_path / "run"))
        assert ended.code == 3, evil
        assert f"rule {setting}." in ended.err, evil
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hero.png", "manifest.yaml"]


def test_names_that_are_one_to_many_disks_are_refused(tmp_path: Path) -> None:
    film = numbered(tmp_path, "", 1)
    film.scenes = {name: {"prompt": "character1 walks"} for name in ("s01", "S01")}
    film.write()
    ended = in_process("validate", str(film.manifest))
    assert (ended.code, "rule id.case" in ended.err) == (3, True)


def test_a_scene_never_takes_the_file_of_another(tmp_path: Path) -> None:
    names = [
        "s1",
        "s1.mp4",
        "s1.mp4.part",
        "s1.mp4.part.json",
        "con",
        "nul.x",
        "report.csv",
        "state.jsonl",
        "a..b",
        "x-",
    ]
    clip = write_video(tmp_path / "clip.mp4").read_bytes()
    gateway = HostileGateway(files={"/x": lambda peer: peer.answer(200, clip)})
    with server(gateway) as address:
        gateway.read = {number: done(f"{address}/x") for number in range(1, len(names) + 1)}
        film = numbered(tmp_path, address, 0)
        film.scenes = {name: {"prompt": f"character1 walks, no {number}"} for number, name in enumerate(names, 1)}
        film.write()
        film.run(expect=1)
    kept = sorted(path.name for path in (film.run_dir / "results").iterdir())
    assert kept == sorted(f"{name}@1.{end}" for name in names for end in ("json", "mp4"))
    assert len(film.report()) == len(names)


DOORS = [
    "/files/../../../etc/passwd",
    "/files/..%2f..%2f..%2fetc%2fpasswd",
    "/files/%2e%2e/%2e%2e/etc/passwd",
    "/files//etc/passwd",
    "/files/%00.mp4",
    "/files/..%5c..%5cetc%5cpasswd.mp4?expires=99999999999",
    "/../../etc/passwd",
    "//etc/passwd",
    "/model/v1/generation/task/..%2f..%2fetc%2fpasswd",
]


def test_the_emulator_serves_its_results_and_no_other_file(tmp_path: Path) -> None:
    with emulator(tmp_path) as gateway:
        address = urlsplit(gateway.base_url)
        for door in DOORS:
            with contextlib.closing(
                http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
            ) as line:
                line.request("GET", door, headers={"Authorization": "Bearer x"})
                answer = line.getresponse()
                assert (answer.status, b"root:" in answer.read()) == (404, False), door


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)])  # noqa: S104
def test_the_emulator_says_when_others_can_reach_it(tmp_path: Path, host: str, *, warned: bool) -> None:
    before = os.umask(0o022)
    try:
        with process_of("emulator", f"--host={host}", "--log=log.jsonl", "--state=state", folder=tmp_path) as process:
            assert process.stdout.readline().startswith("http://127.0.0.1:")
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
    finally:
        os.umask(before)
    assert (process.returncode, "warning: " in said) == (0, warned)
    assert not [path for path in tmp_path.iterdir() if os.name == "posix" and path.stat().st_mode & 0o077]
