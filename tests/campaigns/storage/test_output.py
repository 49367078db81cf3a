"""`run --output s3://…` against a real S3 over HTTP: written whole, known to later runs, and lost by nothing."""

import hashlib
import http.client
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from helpers.chains import LONG, film, last
from helpers.runs import Batch, Gateway, batch, emulator, until
from helpers.servers import Peer, free_port, server

DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
PASSED_ON = (
    *("content-type", "content-encoding", "range", "authorization"),
    *("x-amz-copy-source", "x-amz-date", "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer"),
)
OF_A_CONNECTION = {"connection", "transfer_encoding"}
REPORTS = {"report.csv", "ledger.csv", "report.html", "run_directory.json"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with emulator(tmp_path_factory.mktemp("gateway"), "--latency=0.1-0.2") as started:
        yield started


@pytest.fixture
def made(tmp_path: Path, gateway: Gateway, s3: Any) -> Batch:
    assert s3 is not None
    made = batch(tmp_path, gateway.from_now())
    made.name = tmp_path.name
    made.write()
    return made


@pytest.fixture
def from_now(gateway: Gateway) -> Gateway:
    return gateway.from_now()


def place(made: Batch) -> str:
    return f"s3://film/out/{made.name}"


def there(s3: Any, made: Batch) -> dict[str, Any]:
    """What lies in the bucket, by its name from the folder of the run directory."""
    root = f"film/out/{made.name}"
    return {name.removeprefix(f"{root}/"): said for name, said in s3.find(root, detail=True).items()}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def results(made: Batch) -> list[str]:
    return sorted(path.name for path in (made.run_dir / "results").glob("*.mp4"))


def witness(s3: Any, made: Batch, gateway: Gateway, scenes: int) -> None:
    """Each scene was bought once, and is there with the bytes that were delivered, in results and in videos."""
    assert len(gateway.posts()) == scenes
    for row in made.ledger():
        assert row["result_path"] == f"{place(made)}/results/{row['scene_id']}@1.mp4"
        assert digest(s3.cat_file(row["result_path"])) == row["result_sha256"]
    for scene_id, row in made.report().items():
        assert row["video_path"] == f"{place(made)}/videos/{scene_id}.mp4"
        assert digest(s3.cat_file(row["video_path"])) == row["video_sha256"]
    assert s3.cat_file(f"{place(made)}/report.csv") == (made.run_dir / "report.csv").read_bytes()


Act = Callable[[Peer, bytes], bool]


@contextmanager
def between(moto: str, act: Act) -> Iterator[str]:
    """An S3 that hands on what it is asked; ``act`` sees each request with its body, and may answer it itself."""
    host = urlsplit(moto).netloc

    def hand_on(peer: Peer) -> None:
        body = peer.read_request()
        killed = not peer.head or len(body) < int(peer.header("content-length") or 0)
        if killed or act(peer, body):
            return
        headers = {name: value for name in PASSED_ON if (value := peer.header(name))}
        asked = http.client.HTTPConnection(host)
        asked.request(peer.head.split(b" ", 1)[0].decode(), peer.target, body, headers)
        answer = asked.getresponse()
        content = answer.read()
        given = {name.lower().replace("-", "_"): value for name, value in answer.getheaders()}
        kept = {name: value for name, value in given.items() if name not in OF_A_CONNECTION}
        peer.answer(answer.status, content, **{"content_length": str(len(content)), **kept})

    with server(hand_on) as address:
        yield address


def test_a_run_into_a_bucket_and_the_next_one(made: Batch, s3: Any, from_now: Gateway) -> None:
    ended = made.run("--output=s3://film/out/")
    assert f"Results: {place(made)}" in ended.err
    first = there(s3, made)
    names = {f"results/{one}@1.{kind}" for one in made.scenes for kind in ("mp4", "json")}
    assert first.keys() == {*names, *(f"videos/{one}.mp4" for one in made.scenes), *REPORTS}
    witness(s3, made, from_now, 2)
    types = {name.rpartition(".")[2]: s3.info(f"{place(made)}/{name}")["ContentType"] for name in first}
    assert types == {
        "mp4": "video/mp4",
        "json": "application/json",
        "csv": "text/csv; charset=utf-8",
        "html": "text/html; charset=utf-8",
    }
    shown = json.loads(made.do("status", made.run_dir, "--format=json").out)
    assert [row["video_path"] for row in shown["scenes"]] == [row["video_path"] for row in made.report().values()]

    (made.run_dir / "output.json").unlink()
    made.run()
    assert {name: one["ETag"] for name, one in there(s3, made).items() if name.endswith(".mp4")} == {
        name: one["ETag"] for name, one in first.items() if name.endswith(".mp4")
    }
    witness(s3, made, from_now, 2)

    refused = made.run("--output=s3://film/elsewhere", expect=2)
    assert "are at s3://film/out, and s3://film/elsewhere is another place" in refused.err
    made.scenes["s3"] = {"prompt": f"character1 waves in {made.name}"}
    made.write()
    made.run(BATCHGEN_OUTPUT="s3://film/out")
    witness(s3, made, from_now, 3)


def test_a_place_that_is_of_no_use_ends_a_run_before_it_buys(
    made: Batch, s3: Any, from_now: Gateway, moto: str
) -> None:
    def deny(peer: Peer, _: bytes) -> bool:
        if peer.head.startswith(b"PUT"):
            peer.answer(403, DENIED, content_type="application/xml")
        return peer.head.startswith(b"PUT")

    gone = made.run("--output=s3://no-such-bucket/out", expect=6)
    assert "s3://no-such-bucket/out" in gone.err
    assert "bucket does not exist" in gone.err
    with between(moto, deny) as address:
        denied = made.run("--output=s3://film/out", expect=6, AWS_ENDPOINT_URL=address)
    assert "Access Denied" in denied.err
    away = made.run("--output=s3://film/out", expect=6, AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}")
    assert "Could not connect" in away.err
    for url in ("s3://key:secret@film/out", "s3://key@film/out", "s3://", "https://example.com/out", "out"):
        refused = made.run(f"--output={url}", expect=2)
        assert "secret" not in refused.err
    assert "no cache that could be bounded" in made.run("--cache-size=1GB", expect=2).err
    assert from_now.posts() == []
    assert there(s3, made) == {}


def test_an_upload_that_breaks_loses_nothing(made: Batch, s3: Any, from_now: Gateway, moto: str) -> None:
    def cut(peer: Peer, _: bytes) -> bool:
        is_result = peer.head.startswith(b"PUT") and b"/results/" in peer.head.split(b"\r\n", 1)[0]
        if is_result:
            peer.reset()
        return is_result

    with between(moto, cut) as address:
        ended = made.run("--output=s3://film/out", "--cache-size=1KB", expect=6, AWS_ENDPOINT_URL=address)
    assert "2 results are kept here and are not there" in ended.err
    assert made.statuses() == "completed completed"
    assert results(made) == [f"{one}@1.mp4" for one in made.scenes]
    assert [row["video_path"] for row in made.report().values()] == [f"videos/{one}.mp4" for one in made.scenes]
    made.do("report", made.run_dir)
    witness(s3, made, from_now, 2)


def test_followers_find_what_the_cache_let_go(tmp_path: Path, s3: Any, from_now: Gateway) -> None:
    chain = {"a": [], "b": [last("a")], "c": [last("b")], "d": [{"scene": "a"}], "e": [{"scene": "c"}, last("a")]}
    made = film(tmp_path, from_now, chain, defaults={"size": "960*960", "references": ["hero.png"], **LONG})
    made.run("--output=s3://film/out/followers", "--cache-size=100KB", "--workers=2")
    assert len(from_now.posts()) == 5
    kept = sum(path.stat().st_size for path in (made.run_dir / "results").glob("*.mp4"))
    assert kept <= 100_000
    assert not list((made.run_dir / "videos").glob("[a-d].mp4"))
    for row in made.ledger():
        assert digest(s3.cat_file(row["result_path"])) == row["result_sha256"]
    made.scenes["f"] = {
        "prompt": "character1 in a late scene",
        "seed": 5,
        "references": [{"scene": "b", "frame": "first"}],
    }
    made.write()
    made.run("--cache-size=100KB")
    assert len(from_now.posts()) == 6
    made.do("export", made.run_dir, "--format=mp4", "--out=film.mp4")
    made.do("export", made.run_dir, "--format=html", "--out=client")
    assert len(list((tmp_path / "client" / "results").glob("*.mp4"))) == 6


def test_a_run_that_is_killed_while_results_go_up(made: Batch, s3: Any, from_now: Gateway, moto: str) -> None:
    held = threading.Event()

    def hold(peer: Peer, _: bytes) -> bool:
        if peer.head.startswith(b"PUT") and b"/results/" in peer.head.split(b"\r\n", 1)[0]:
            held.set()
            threading.Event().wait(30)
        return False

    with (
        between(moto, hold) as address,
        made.started("--output=s3://film/out", environment={"AWS_ENDPOINT_URL": address}) as run,
    ):
        until(held.is_set, run)
        run.kill()
        run.wait()
    made.run()
    assert made.statuses() == "completed completed"
    witness(s3, made, from_now, 2)


def test_what_is_somebody_else_s_stays(made: Batch, s3: Any, from_now: Gateway) -> None:
    one = next(iter(made.scenes))
    own = {
        f"results/{one}@1.mp4": b"my own",
        f"videos/{one}.mp4": b"my cut",
        "report.csv": b"my list",
        "notes.txt": b"n",
    }
    for name, content in own.items():
        s3.pipe_file(f"{place(made)}/{name}", content)
    made.run("--output=s3://film/out")
    witness(s3, made, from_now, 2)
    found = {name: s3.cat_file(f"{place(made)}/{name}") for name in there(s3, made) if ".found-" in name}
    assert sorted(found.values()) == [b"my cut", b"my list", b"my own"]
    assert s3.cat_file(f"{place(made)}/notes.txt") == b"n"

    made.do("report", made.run_dir)
    assert len([name for name in there(s3, made) if ".found-" in name]) == 3
    other = made.run("--output=s3://film/out", f"--run-dir={made.folder / 'other'}", expect=2)
    assert "holds the results of another run directory" in other.err
    witness(s3, made, from_now, 2)


def test_the_page_plays_from_the_bucket(made: Batch, s3: Any, moto: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium on this machine")
    made.run("--output=s3://film/out", "--cache-size=1KB")
    assert results(made) == []
    s3.chmod(f"film/out/{made.name}", "public-read", recursive=True)
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{moto}/film/out/{made.name}/report.html")
        page.click("#s1 a.poster")
        page.wait_for_selector("#s1 video")
        looks = "new Promise((done) => { const look = () => document.querySelector('#s1 video').currentTime > 0.2"
        assert page.evaluate(f"() => {looks} ? done(true) : setTimeout(look, 30); look(); }})")
        browser.close()


def test_a_lender_gives_what_only_the_bucket_has(made: Batch, s3: Any, from_now: Gateway) -> None:
    assert s3 is not None
    made.run("--output=s3://film/out", "--cache-size=1KB")
    assert results(made) == []
    made.run(f"--run-dir={made.folder / 'second'}", f"--reuse={made.run_dir}")
    assert len(from_now.posts()) == 2
    assert len(list((made.folder / "second" / "results").glob("*.mp4"))) == 2
