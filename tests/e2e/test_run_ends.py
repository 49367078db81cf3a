"""How a run ends: every exit code, and nothing lost whatever stands in the way."""

import hashlib
import json
import re
import resource
import shutil
import signal
from pathlib import Path

import pytest

from helpers.runs import KEY, PRICES, Batch, Gateway, batch, emulator, until
from helpers.servers import Peer, free_port, server
from helpers.support import modes_hold, started, unprivileged

ACCOUNT = {"401": "give a key that the gateway takes", "403": "put the account right at your provider"}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but the locks, which hold nothing."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def marked(folder: Path, gateway: Gateway, fault: str, scenes: int = 1) -> Batch:
    """A batch whose first scene meets a fault."""
    folder.mkdir()
    film = batch(folder, gateway, scenes)
    film.scenes["s1"]["prompt"] += f" [{fault}]"
    film.write()
    return film


def test_every_exit_code(tmp_path: Path, gateway: Gateway) -> None:
    (tmp_path / "away").mkdir()
    away = batch(tmp_path / "away", f"http://127.0.0.1:{free_port()}", 2)
    # Nobody listens: that takes the half minute which the rest of this test fills.
    with away.started("--workers=2", silent=False) as unreachable:
        (tmp_path / "fine").mkdir()
        film = batch(tmp_path / "fine", gateway, 1)
        film.run(expect=0)
        marked(tmp_path / "failing", gateway, "fail-001028004-string").run(expect=1)
        film.run("--nothing", expect=2)
        film.run("--budget=1", expect=0)
        film.scenes["s2"] = {"prompt": "nobody is mentioned", "size": "16:9"}
        film.write()
        film.run(expect=3)
        film.scenes["s2"] = {"prompt": "character1 sleeps"}
        film.settings["pricing"] = PRICES
        film.write()
        film.run("--budget=0.3", expect=4)
        for fault in ("401", "403"):
            refused = marked(tmp_path / fault, gateway, fault, scenes=3)
            ended = refused.run("--workers=1", expect=5)
            assert "the gateway refused the account" in ended.err
            assert f"To go on, first {ACCOUNT[fault]}" in ended.words
            code = refused.report()["s1"]["error_code"]
            assert f"{code} × 2: s2, s3 not submitted: the gateway refused: the gateway answered {fault}" in ended.words  # noqa: RUF001
            assert refused.ledger() == []
            assert refused.report()["s2"]["status"] == "pending"
        film.state.write_bytes(b"{}\n" + film.state.read_bytes())
        film.run(expect=6)
        for number in (signal.SIGINT, signal.SIGTERM):
            stopped = marked(tmp_path / f"signal{number}", gateway, "stuck")
            with stopped.started() as run:
                until(lambda: stopped.happened("submitted"), run)  # noqa: B023 - called in this turn only
                run.send_signal(number)
                assert run.wait(30) == 128 + number
        _, told = unreachable.communicate(timeout=60)
    assert unreachable.returncode == 5
    assert "s1: not sent (not_connected): no connection to the gateway" in told
    assert told.count("it is tried again for 30 s, then the run ends") == 1
    assert "the gateway could not be reached" in told
    assert re.search(r"^0/2 scenes, .*0 running, 0.00 USD$", told, re.MULTILINE)
    assert away.statuses() == "pending pending"
    assert away.ledger() == []


@pytest.mark.parametrize("kind", ["401", "403"])
def test_a_refused_account_leaves_what_was_bought(tmp_path: Path, kind: str) -> None:
    with emulator(tmp_path, rules=[{"match": "second", "fault": kind, "times": 1}]) as gateway:
        film = batch(tmp_path, gateway, 3)
        film.scenes["s2"]["prompt"] += ", the second"
        film.write()
        film.run("--max-in-flight=1", expect=5)
        report = film.report()
        assert [row["status"] for row in report.values()] == ["completed", "pending", "pending"]
        assert len(film.ledger()) == len(gateway.created()) == 1
        assert film.plan()["s2"]["action"] == "submit"
        film.run()
        assert len(film.ledger()) == len(gateway.created()) == len(gateway.posts()) - 1 == 3


def test_the_budget_holds(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 4, pricing=PRICES, budget_usd="0.50")
    ended = film.run("--max-in-flight=1", expect=4)
    assert "stopped at the budget" in ended.err
    assert film.statuses() == "completed completed pending pending"
    assert [row["error_code"] for row in film.report().values()] == ["", "", "budget", "budget"]
    film.witness(gateway, 2)
    film.run(expect=4)
    film.witness(gateway, 2)
    film.run("--budget=0.60", expect=4)
    film.witness(gateway, 3)
    film.run("--budget=0.80")
    film.witness(gateway, 4)


def test_unknown_submissions_count_against_the_budget(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 2, pricing=PRICES, budget_usd="0.30")
    film.scenes["s1"]["prompt"] += " [lost-response]"
    film.write()
    film.run("--max-in-flight=1", expect=4)
    assert film.statuses() == "unknown pending"
    film.witness(gateway, 1)


def test_a_budget_without_a_price_is_refused(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 2)
    ended = film.run("--budget=5", expect=3)
    assert "without a price for 720P" in ended.err
    assert gateway.posts() == []


@pytest.mark.parametrize("key", ["", " ", "two words", "k\u00e9y"])
def test_a_key_that_is_missing_or_none(tmp_path: Path, key: str) -> None:
    film = batch(tmp_path, f"http://127.0.0.1:{free_port()}")
    ended = film.run(BATCHGEN_API_KEY=key, expect=2)
    assert "API key" in ended.err
    assert not film.run_dir.exists()


def test_no_manifest(tmp_path: Path) -> None:
    film = batch(tmp_path, "http://127.0.0.1:9")
    film.manifest.unlink()
    assert "does not exist" in film.run(expect=2).err
    assert not film.run_dir.exists()


def test_an_invalid_manifest_touches_nothing(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    (tmp_path / "hero.png").write_bytes(b"no picture")
    ended = film.run(expect=3)
    assert f"{film.manifest}:8:" in ended.err
    assert not film.run_dir.exists()
    assert gateway.asked() == []


def test_a_second_run_is_refused_while_one_is_under_way(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.scenes["s1"]["prompt"] += " [stuck]"
    film.write()
    with film.started() as run:
        until(lambda: film.happened("submitted"), run)
        ended = film.run(expect=6)
        assert f"process {run.pid}" in ended.err
        assert "in use" in film.do("resolve", film.run_dir, "s1", "--not-created", expect=6).err
        assert "1 running" in film.do("status", film.run_dir).out
        run.kill()
        run.wait()
    film.run("--task-timeout=0.3", expect=1)
    film.witness(gateway, 1)


@pytest.mark.parametrize("damage", ["digit", "line", "garbage", "order"])
def test_a_damaged_journal_is_left_as_it_is(tmp_path: Path, gateway: Gateway, done: Path, damage: str) -> None:
    film = batch(tmp_path, gateway, 1)
    shutil.copytree(done, tmp_path / "runs")
    whole = film.state.read_bytes()
    lines = whole.splitlines(keepends=True)
    damaged = {
        "digit": whole.replace(b'"0.20"', b'"0.10"'),
        "line": b"".join(lines[:2] + lines[3:]),
        "garbage": b"".join([*lines[:2], b"\xff\x00\n", *lines[2:]]),
        "order": b"".join([lines[0], lines[1], lines[3], lines[2], *lines[4:]]),
    }[damage]
    assert damaged != whole
    film.state.write_bytes(damaged)
    before = contents(film.run_dir)
    for command, target in (("status", film.run_dir), ("report", film.run_dir), ("plan", film.manifest)):
        assert "state.jsonl:" in film.do(command, target, expect=6).err
    assert "the journal is damaged" in film.run(expect=6).err
    assert contents(film.run_dir) == before
    assert gateway.posts() == []


def test_a_torn_last_line_is_cut_off(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    film.run()
    with film.state.open("ab") as file:
        file.write(b'{"v":1,"event":"submitting","at":"20')
    film.run()
    film.witness(gateway, 2)
    assert "cut off at 36 bytes" in (film.run_dir / "batchgen.log").read_text(encoding="utf-8")


def test_another_batch_in_the_same_directory(tmp_path: Path, gateway: Gateway, done: Path) -> None:
    shutil.copytree(done, tmp_path / "runs")
    film = batch(tmp_path, gateway, 1)
    film.name = "other"
    film.write()
    ended = film.run("--run-dir", tmp_path / "runs" / "film", expect=2)
    assert "holds the batch 'film'" in ended.err
    assert "a run directory of its own; with the option reuse it has" in ended.words
    assert gateway.posts() == []


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, shared_emulator: Gateway) -> Path:
    """The runs folder of a batch that is done."""
    film = batch(tmp_path_factory.mktemp("done"), shared_emulator, 1, pricing=PRICES)
    film.run()
    return film.folder / "runs"


def test_a_directory_that_may_not_be_written(tmp_path: Path, gateway: Gateway, done: Path) -> None:
    if not modes_hold(tmp_path):
        pytest.skip("nothing keeps this user from writing any file")
    shutil.copytree(done, tmp_path / "runs")
    film = batch(tmp_path, gateway, 1)
    before = contents(film.run_dir)
    film.state.chmod(0o444)
    film.run_dir.chmod(0o555)
    command = unprivileged("-m", "batchgen", "run", film.manifest, "--yes", "--base-url", gateway.base_url)
    ended = started(command, tmp_path, {"BATCHGEN_API_KEY": KEY})
    film.run_dir.chmod(0o755)
    assert (ended.code, ended.out) == (6, "")
    assert "Permission denied" in ended.err
    assert contents(film.run_dir) == before
    assert gateway.posts() == []


def test_a_directory_that_is_deleted_under_way(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 2)
    film.scenes["s1"]["prompt"] += " [slow]"
    film.write()
    with film.started("--max-in-flight=1") as run:
        until(lambda: bool(gateway.created()), run)
        shutil.rmtree(film.run_dir)
        _, told = run.communicate(timeout=60)
    assert run.returncode == 6
    (task,) = (entry["task_id"] for entry in gateway.created())
    assert f"scene s1: task {task}" in told
    assert "Traceback" not in told
    assert not film.run_dir.exists()


def test_a_full_disk_loses_no_task(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3)
    film.scenes["s1"]["prompt"] += " [slow]"
    film.write()
    with film.started("--max-in-flight=1", measured=False) as run:
        until(lambda: bool(gateway.created()), run)
        full = film.state.stat().st_size + 1
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (full, full))
        _, told = run.communicate(timeout=60)
    assert run.returncode == 6
    assert "File too large" in told
    assert "Traceback" not in told
    (task,) = (entry["task_id"] for entry in gateway.created())
    assert f"scene s1: task {task}" in told
    film.run(expect=1)
    assert film.statuses() == "unknown completed completed"
    film.do("resolve", film.run_dir, "s1", "--task-id", task)
    film.run()
    film.witness(gateway, 3)


def test_a_disk_without_room_for_results_buys_no_more(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3)
    with film.started("--max-in-flight=1", measured=False) as run:
        until(lambda: film.happened("submitted"), run)
        full = film.state.stat().st_size + 4000
        resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (full, full))
        _, told = run.communicate(timeout=60)
    assert run.returncode == 6
    assert "Traceback" not in told
    assert "results cannot be stored" in told
    assert film.statuses().endswith("pending")
    bought = len(gateway.created())
    assert len(film.ledger()) == bought < 3
    film.run()
    film.witness(gateway, 3)


def saved(film: Batch) -> Path:
    """A plan of the batch, saved."""
    path = film.folder / "film.plan"
    film.do("plan", film.manifest, "--out", path)
    return path


def test_a_saved_plan_is_carried_out_once(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 3, pricing=PRICES)
    path = film.folder / "film.plan"
    film.do("plan", film.manifest, "--scene=s[23]", "--out", path)
    film.run("--plan", path)
    assert film.statuses() == "pending completed completed"
    film.witness(gateway, 2)
    assert "state changed since it was saved" in film.run("--plan", path, expect=3).err
    film.witness(gateway, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [("prompt", "manifest and references"), ("bytes", "manifest and references"), ("price", "prices")],
)
def test_a_saved_plan_is_refused_once_something_changed(
    tmp_path: Path, gateway: Gateway, change: str, said: str
) -> None:
    film = batch(tmp_path, gateway, pricing=PRICES)
    path = saved(film)
    if change == "prompt":
        film.scenes["s1"]["prompt"] += ", slowly"
    elif change == "bytes":
        picture = tmp_path / "hero.png"
        picture.write_bytes(picture.read_bytes() + b"\0")
    else:
        film.settings["pricing"] = {**PRICES, "720P": "0.11"}
    film.write()
    ended = film.run("--plan", path, expect=3)
    assert f"{said} changed since it was saved" in ended.err
    assert gateway.posts() == []


def test_what_is_no_saved_plan_or_contradicts_it(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    for number, content in enumerate((b"", b"{}", b'{"version": 9}', b"[" * 100_000)):
        path = tmp_path / f"{number}.plan"
        path.write_bytes(content)
        assert "plan" in film.run("--plan", path, expect=2).err
    good = saved(film)
    for option in ("--scene=s1", "--retry-failed", "--no-download", "--attempts=2"):
        name = option.partition("=")[0]
        assert f"was saved with another {name}" in film.run("--plan", good, option, expect=2).err
    assert gateway.posts() == []


def test_a_dry_run_is_a_plan(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway)
    assert film.run("--dry-run").out == film.do("plan", film.manifest).out
    assert not film.run_dir.exists()
    assert gateway.asked() == []


def test_words_of_the_gateway_do_no_harm(tmp_path: Path) -> None:
    formulas = {"s1": "=1+1", "s2": "@SUM(A1)", "s3": "+cmd|' /C calc'!A0", "s4": "-2\x1b[31m\r\n=3"}

    def evil(peer: Peer) -> None:
        body = peer.read_request()
        if peer.head.startswith(b"POST"):
            scene = next(name for name in formulas if f" {name[1]}".encode() + b'"' in body)
            peer.answer(200, json.dumps({"id": f"={scene}", "status": "in_progress"}).encode())
            return
        scene = peer.target.rpartition("%3D")[2]
        error = {"code": formulas[scene], "message": formulas[scene]}
        peer.answer(200, json.dumps({"id": f"={scene}", "status": "failed", "error": error}).encode())

    with server(evil) as address:
        film = batch(tmp_path, address, len(formulas))
        ended = film.run(expect=1)
        assert "\x1b" not in ended.err
        assert "\x1b" not in film.do("status", film.run_dir).out
    for row in [*film.report().values(), *film.ledger()]:
        assert row["task_id"].startswith("'=")
        for name in ("error_code", "error_message"):
            assert row[name].startswith("'")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_gateway_that_repeats_the_key(tmp_path: Path) -> None:
    def parrot(peer: Peer) -> None:
        peer.read_request()
        said = f"the key {peer.header('authorization')} is not valid"
        peer.answer(401, json.dumps({"message": said}).encode())

    with server(parrot) as address:
        film = batch(tmp_path, address, 1)
        film.run(expect=5)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_the_embedded_emulator_needs_no_key(tmp_path: Path) -> None:
    film = batch(tmp_path, "", 1)
    film.run("--emulator", BATCHGEN_API_KEY="", BATCHGEN_BASE_URL="")
    assert film.statuses() == "completed"
    before = {name: hashlib.sha256(content).hexdigest() for name, content in contents(film.run_dir).items()}
    film.run("--emulator", "--base-url=http://127.0.0.1:9", expect=2)
    assert {name: hashlib.sha256(content).hexdigest() for name, content in contents(film.run_dir).items()} == before


def test_a_rehearsal_and_a_real_run_are_kept_apart(tmp_path: Path, gateway: Gateway) -> None:
    film = batch(tmp_path, gateway, 1)
    film.run(expect=0)
    before = contents(film.run_dir)
    assert "holds a real run" in film.run("--emulator", expect=2).err
    assert contents(film.run_dir) == before
    rehearsal = ["--run-dir", str(tmp_path / "rehearsal"), "--poll-interval=0.1"]
    film.run(*rehearsal, "--emulator", expect=0)
    assert "holds a rehearsal" in film.run(*rehearsal, expect=2).err
