"""Addresses that a gateway, a manifest or a redirect names, and what is not asked there."""

import json
from pathlib import Path

import pytest

from helpers.hostile import HostileGateway, done, listening, local_port, nobody, numbered, says
from helpers.runs import KEY
from helpers.servers import Peer, server
from helpers.support import in_process, write_video

SCHEMES = [
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "ftp://127.0.0.1/x",
    "data:video/mp4;base64,AAAA",
    "gopher://127.0.0.1/x",
    "jar:http://127.0.0.1!/x",
    "//127.0.0.1/x",
    "/etc/passwd",
    "javascript:alert(1)",
    "http:///etc/passwd",
    "http://[::1",
    "unix:///run/docker.sock",
]


def test_no_other_scheme_is_opened_for_a_result(tmp_path: Path) -> None:
    redirects = {f"/{number}": says({}, 302, location=url) for number, url in enumerate(SCHEMES)}
    gateway = HostileGateway(files=redirects)
    with server(gateway) as address:
        gateway.files["/loop"] = says({}, 302, location=f"{address}/loop")
        urls = [*SCHEMES, *(address + path for path in gateway.files)]
        gateway.read = {number: done(url) for number, url in enumerate(urls, 1)}
        film = numbered(tmp_path, address, len(urls))
        film.run("--workers=24", expect=1)
    rows = list(film.report().values())
    assert {row["error_code"] for row in rows[: len(SCHEMES)]} == {"no_result"}, "no address of a video at all"
    assert {row["error_code"] for row in rows[len(SCHEMES) :]} == {"download_failed"}
    assert "more than 5 redirects" in rows[-1]["error_message"]
    assert not [path for path in tmp_path.rglob("*.mp4*") if path.stat().st_size and b"root:" in path.read_bytes()]
    assert not list(tmp_path.rglob("*.mp4"))


@pytest.mark.parametrize(
    "url", ["file:///etc", "ftp://x", "data:,x", "gopher://x", "unix:/x", "http://x\x1b[31m", "http://x:y"]
)
def test_no_other_scheme_is_a_base_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("BATCHGEN_API_KEY", KEY)
    film = numbered(tmp_path, url, 1)
    ended = in_process("run", str(film.manifest), f"--run-dir={film.run_dir}", f"--base-url={url}")
    assert ended.code == 2
    assert "is not a plain http or https URL" in ended.err
    assert "\x1b" not in ended.err


def test_no_other_scheme_is_a_reference(tmp_path: Path) -> None:
    film = numbered(tmp_path, "", 1)
    urls = [
        "file:///etc/passwd",
        "ftp://x/a.png",
        "gopher://x/a.png",
        "javascript:1",
        "data:text/html,x",
        "FILE:/a.png",
    ]
    film.scenes = {f"s{n}": {"prompt": "character1", "references": [url]} for n, url in enumerate(urls)}
    film.scenes["sound"] = {"prompt": "character1", "audio_url": "file:///etc/passwd"}
    film.write()
    ended = in_process("validate", "--format=json", str(film.manifest))
    assert ended.code == 3
    refused = {finding["path"] for finding in json.loads(ended.out)["findings"] if finding["severity"] == "error"}
    assert refused >= {f"$.scenes[{number}].references[0]" for number in range(len(urls))} | {
        f"$.scenes[{len(urls)}].audio_url"
    }


def test_a_result_is_asked_for_without_the_key_wherever_it_lies(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4").read_bytes()
    elsewhere = HostileGateway(files={"/x": lambda peer: peer.answer(200, clip)})
    gateway = HostileGateway()
    with server(elsewhere) as other, server(gateway) as address:
        gateway.files = {
            "/same": lambda peer: peer.answer(200, clip),
            "/away": says({}, 302, location=f"{other}/x"),
        }
        gateway.read = {n: done(address + path) for n, path in enumerate(gateway.files, 1)}
        film = numbered(tmp_path, address, 2)
        film.run(expect=1)
    fetched = [head for head in gateway.heads if any(f"GET {path} ".encode() in head for path in gateway.files)]
    assert len(fetched) == 2
    assert all(b"authorization" not in head.lower() for head in [*fetched, *elsewhere.heads])
    assert all(KEY.encode() not in head for head in [*fetched, *elsewhere.heads])
    assert len(elsewhere.heads) == 1
    assert {row["error_code"] for row in film.report().values()} == {"media_mismatch"}


def test_a_gateway_elsewhere_cannot_have_this_machine_asked(tmp_path: Path) -> None:
    """The gateway is reached through a proxy, and so by a name; the names of its results lead here."""
    urls: dict[int, str] = {}

    def proxy(peer: Peer) -> None:
        peer.read_request()
        path = "/" + peer.target.removeprefix("http://").partition("/")[2]
        if path.startswith("/redirect/"):
            peer.answer(302, location=urls[int(path.rpartition("/")[2])])
            return
        peer.head = peer.head.replace(peer.target.encode(), path.encode(), 1)
        HostileGateway(read={number: done(url) for number, url in urls.items()}).answer(peer)

    with listening() as secret, server(proxy) as address:
        port = local_port(secret.address)
        hosts = ["127.0.0.1", "localhost", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]"]  # noqa: S104 - asked, not bound to
        urls.update({n: f"http://{host}:{port}/admin" for n, host in enumerate(hosts, 1)})
        urls[len(urls) + 1] = f"http://results.invalid/redirect/{1}"
        film = numbered(tmp_path, "http://gateway.invalid", len(urls))
        bypassed = ",".join([*hosts, "::ffff:127.0.0.1", "[::ffff:127.0.0.1]"])
        film.run(expect=1, http_proxy=address, HTTP_PROXY=address, no_proxy=bypassed, NO_PROXY=bypassed)
        assert secret.requests == []
    rows = film.report()
    assert {row["error_code"] for row in rows.values()} == {"download_failed"}
    assert {row["error_message"] for row in rows.values()} == {
        "the result's address is one of this machine; it was not opened"
    }
    assert not list(tmp_path.rglob("*.mp4"))


def test_a_gateway_on_this_machine_may_have_its_results_here(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "clip.mp4").read_bytes()
    gateway = HostileGateway(files={"/x": lambda peer: peer.answer(200, clip)})
    with server(gateway) as address:
        gateway.read = {1: done(f"{address}/x"), 2: done(f"http://{nobody()}/x")}
        film = numbered(tmp_path, address.replace("127.0.0.1", "localhost"), 2)
        assert "not encrypted" not in film.run(expect=1).err
    assert [row["error_code"] for row in film.report().values()] == ["media_mismatch", "download_failed"]
