"""The API key: nowhere but in memory and on the way to the gateway."""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.hostile import (
    Answer,
    HostileGateway,
    children_of,
    done,
    files_with,
    listening,
    nobody,
    numbered,
    says,
    sends,
    spellings,
)
from helpers.runs import KEY, until
from helpers.servers import Peer, server
from helpers.support import in_process, started

AWKWARD = 'sk-01/+&"\\3456789abcdef'
"""Every character of it that JSON, URLs or Python's messages write in some other way."""


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


def raw(key: str) -> str:
    """The key inside of a JSON text, as an honest writer puts it."""
    return key.replace("\\", "\\\\").replace('"', '\\"')


def body(text: str, status: int = 400) -> Answer:
    return lambda peer: peer.answer(status, text.encode())


HEAD = "HTTP/1.1 200 OK\r\n"
CREATIONS: dict[str, Callable[[str], Answer]] = {
    "in a message": lambda key: body(f'{{"message": "bad key {raw(key)}"}}'),
    "in escapes": lambda key: body(f'{{"error": {{"code": "{escaped(key)}", "message": "{escaped(key)}"}}}}'),
    "with escaped slashes": lambda key: body('{"message": "' + raw(key).replace("/", "\\/") + '"}'),
    "in HTML": lambda key: body(f"<h1>{key}</h1>", 502),
    "as an id": lambda key: says({"id": f"task-1-{key}", "status": "in_progress"}),
    "as a status line": lambda key: sends(f"HTTP/1.1 {key} x\r\n\r\n".encode()),
    "in place of HTTP": lambda key: sends(f"{key}\r\n\r\n".encode()),
    "as a reason": lambda key: sends(f"HTTP/1.1 422 {key}\r\nContent-Length: 0\r\n\r\n".encode()),
    "as a chunk": lambda key: sends(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{key}\r\n\r\n".encode()),
    "as a length": lambda key: sends(f"{HEAD}Content-Length: {key}\r\n\r\n{{}}".encode()),
    "in headers": lambda key: says({"message": "no"}, 400, x_key=key, retry_after=key, content_type=key, etag=key),
    "as a redirect": lambda key: says({}, 307, location=f"http://127.0.0.1:9/{key}"),
    "as zipped": lambda key: sends(f"{HEAD}Content-Encoding: gzip\r\nContent-Length: 40\r\n\r\n{key:40}".encode()),
}
READINGS: dict[str, Callable[[str, str], Answer]] = {
    "as an error": lambda key, _: says({"status": "failed", "error": {"code": key, "message": key}}),
    "as a text": lambda key, _: says({"status": "failed", "error": f"{key}: {key}"}),
    "in the address": lambda key, base: done(f"{base}/{key}", jobId=key),
    "in an address that redirects": lambda key, base: done(f"{base}/redirect", jobId=key),
    "as an address": lambda key, _: done(key),
}


def test_a_gateway_that_repeats_the_key_everywhere(tmp_path: Path) -> None:
    key = AWKWARD
    gateway = HostileGateway(files={"/redirect": says({}, 302, location=f"http://{nobody()}/{key}")})
    with server(gateway) as address:
        first_reading = len(CREATIONS) + 1
        gateway.created = {number: answer(key) for number, answer in enumerate(CREATIONS.values(), 1)}
        gateway.read = {number: read(key, address) for number, read in enumerate(READINGS.values(), first_reading)}
        film = numbered(tmp_path, address, len(CREATIONS) + len(READINGS))
        arguments = [
            "run",
            film.manifest,
            f"--base-url={address}",
            "--poll-interval=0.1",
            "--request-timeout=2",
            "--yes",
        ]
        ended = started(
            [sys.executable, "-P", "-m", "batchgen", *map(str, arguments)], tmp_path, {"BATCHGEN_API_KEY": key}
        )
        assert ended.code == 1, ended.err
        shown = [ended.out, ended.err, *(film.do(name, film.run_dir).out for name in ("status", "audit"))]
    assert files_with(tmp_path, key) == []
    assert not [text for text in shown if any(form.decode() in text for form in spellings(key))]
    # They all got the key, or nothing is shown by this.
    assert sum(f"Bearer {key}".encode() in head for head in gateway.heads) >= film.statuses().count("failed")
    assert "***" in (film.run_dir / "batchgen.log").read_text(encoding="utf-8")


def test_no_redirect_of_the_api_carries_the_key_to_another_host(tmp_path: Path) -> None:
    statuses = (301, 302, 303, 307, 308)
    with listening() as evil:
        away = {number: says({}, status, location=f"{evil.address}/steal") for number, status in enumerate(statuses, 1)}
        creations = {number + len(statuses): answer for number, answer in away.items()}
        with server(HostileGateway(creations, away)) as address:
            film = numbered(tmp_path, address, 2 * len(statuses))
            film.run("--task-timeout=0.5", expect=1)
    assert film.statuses().split() == ["running"] * 5 + ["unknown"] * 5
    assert evil.received == []


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_key_is_in_no_command_line_and_no_child_has_it(tmp_path: Path) -> None:
    waiting: list[bool] = []

    def silent(peer: Peer) -> None:
        waiting.append(True)
        peer.connection.recv(1)

    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    with server(HostileGateway({1: silent})) as address:
        film = numbered(tmp_path, address, 1)
        for options in ([], [f"--api-key-file={tmp_path / 'key'}"]):
            waiting.clear()
            with film.started(*options, f"--run-dir=runs/{len(options)}") as run:
                until(lambda: bool(waiting), run)
                for entry in ("cmdline", "comm", "status"):
                    assert KEY.encode() not in Path(f"/proc/{run.pid}/{entry}").read_bytes()
                assert stat.S_IMODE(Path(f"/proc/{run.pid}/environ").stat().st_mode) == 0o400
                assert children_of(run.pid) == []


KEY_FILES = {
    "two lines": f"{KEY}\r\nX-Evil: 1".encode(),
    "a zero byte": KEY.encode() + b"\0",
    "not ASCII": f"{KEY}\u00e9".encode(),
    "no text": b"\xff\xfe" + KEY.encode("utf-16-le"),
    "a blank": f"{KEY} {KEY}".encode(),
    "an escape": f"\x1b]0;{KEY}\x07".encode(),
    "far too much": KEY.encode() * 10_000,
    "nothing": b"\n",
}


@pytest.mark.parametrize("name", KEY_FILES)
def test_a_key_file_with_something_else_in_it_is_refused_and_not_shown(tmp_path: Path, name: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY_FILES[name])
    path.chmod(0o600)
    film = numbered(tmp_path, f"http://{nobody()}", 1)
    ended = in_process("run", str(film.manifest), f"--run-dir={film.run_dir}", f"--api-key-file={path}")
    assert ended.code == 2
    assert ended.err.splitlines()[-1].endswith("is empty or has characters that no API key has")
    assert KEY[:6] not in ended.err
    assert not film.run_dir.exists()


@pytest.mark.skipif(os.name != "posix", reason="modes as POSIX has them")
def test_a_key_file_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    film = numbered(tmp_path, "", 1)
    path = tmp_path / "key"
    path.write_text(KEY)
    warnings = []
    with server(HostileGateway()) as address:
        film.gateway = address
        for mode in (0o644, 0o600):
            path.chmod(mode)
            warnings.append(film.run("--api-key-file", path, expect=1).err.count("can be read by other users"))
    assert warnings == [1, 0]


@pytest.mark.skipif(os.name != "posix", reason="devices as POSIX has them")
def test_a_key_file_without_an_end_is_no_key(tmp_path: Path) -> None:
    film = numbered(tmp_path, f"http://{nobody()}", 1)
    ended = in_process("run", str(film.manifest), f"--run-dir={film.run_dir}", "--api-key-file=/dev/zero")
    assert (ended.code, "no API key has" in ended.err) == (2, True)


def test_no_option_takes_a_key_and_no_manifest_does(tmp_path: Path) -> None:
    film = numbered(tmp_path, f"http://{nobody()}", 1)
    assert in_process("run", str(film.manifest), "--api-key", KEY).code == 2
    film.settings["api_key"] = KEY
    film.write()
    assert "unknown-key" in in_process("validate", str(film.manifest)).err


@pytest.mark.parametrize("user", ["me:secret-word@", "secret-word@", ":secret-word@", "me%3Asecret-word@"])
def test_a_password_in_the_base_url_is_refused_and_not_shown(tmp_path: Path, user: str) -> None:
    film = numbered(tmp_path, "", 1)
    ended = film.run(f"--base-url=http://{user}{nobody()}", expect=2, BATCHGEN_BASE_URL=f"http://{user}x")
    assert "has a user or password in it" in ended.err
    assert "secret-word" not in ended.err
    assert files_with(tmp_path, "secret-word") == []


def test_the_password_of_a_proxy_is_in_no_message(tmp_path: Path) -> None:
    def unconvinced(peer: Peer) -> None:
        peer.read_request()
        peer.answer(407, b'{"message": "who are you"}')

    with server(unconvinced) as proxy:
        film = numbered(tmp_path, "http://gateway.invalid", 1)
        address = f"http://me:secret-word@{proxy.removeprefix('http://')}"
        ended = film.run(expect=1, http_proxy=address, HTTP_PROXY=address, no_proxy="", NO_PROXY="")
    assert "407" in ended.err
    assert "warning: this base URL is not encrypted" in ended.err
    assert "secret-word" not in ended.out + ended.err
    assert files_with(tmp_path, "secret-word") == []


_BROKEN = """
import sys
from batchgen.{module} import {name}
def broken(self, *arguments, **named):
    raise RuntimeError("a bug that repeats " + "{key}")
{name}.{method} = broken
from batchgen.cli.main import main
main(sys.argv[1:])
"""
BUGS = [
    ("runner.loop", "Loop", "run", 70),
    ("providers.vtrix.client", "VtrixGateway", "create", 1),
    ("providers.vtrix.client", "VtrixGateway", "read", 1),
    ("runner.command_executor", "CommandExecutor", "_fetch", 70),
    ("app.running", "_Run", "_drive", 70),
]


@pytest.mark.parametrize(("module", "name", "method", "code"), BUGS)
def test_not_even_a_bug_that_names_the_key_lets_it_out(
    tmp_path: Path, module: str, name: str, method: str, code: int
) -> None:
    with server(HostileGateway(read={1: done("http://127.0.0.1:9/x")})) as address:
        film = numbered(tmp_path, address, 1)
        script = _BROKEN.format(module=module, name=name, method=method, key=KEY)
        options = [f"--base-url={address}", "--poll-interval=0.1", "--task-timeout=1", "--no-progress", "--yes"]
        command = [sys.executable, "-P", "-c", script, "run", str(film.manifest), *options]
        ended = started(command, tmp_path, {"BATCHGEN_API_KEY": KEY})
    assert ended.code == code, ended.err
    assert KEY not in ended.out + ended.err
    assert files_with(tmp_path, KEY) == []
