"""What a manifest says under ``run:`` sends no key, names no address and runs no command."""

from pathlib import Path

import pytest

from batchgen.options import REFUSED

from helpers.hostile import HostileGateway, numbered
from helpers.runs import KEY
from helpers.servers import server
from helpers.support import in_process

DANGEROUS = ["base_url", "api_key", "key", "api_key_file", "on_end", "publish", "output", "executor"]


@pytest.mark.parametrize("name", DANGEROUS)
def test_nothing_under_run_names_a_key_an_address_or_a_command(tmp_path: Path, name: str) -> None:
    gateway = HostileGateway()
    with server(gateway) as address:
        film = numbered(tmp_path, address, 1)
        (tmp_path / "key").write_text(KEY)
        touch = f"touch {tmp_path / 'touched'}"
        film.settings["run"] = {name: {"on_end": touch, "api_key_file": "key", "key": KEY}.get(name, address)}
        film.write()
        ended = film.do("run", film.manifest, "--yes", expect=3, BATCHGEN_API_KEY=KEY)
        assert f"run cannot hold {name}: {REFUSED[name]}" in ended.err
        assert gateway.heads == []
    assert not (tmp_path / "touched").exists()
    assert not (tmp_path / "runs").exists()


def test_what_a_manifest_says_of_the_run_is_told_before_anything_is_bought(tmp_path: Path) -> None:
    film = numbered(tmp_path, "http://gateway.invalid", 1)
    film.settings["run"] = {"attempts": 9, "run_dir": "elsewhere\x1b[2J"}
    film.write()
    ended = film.do("run", film.manifest, expect=2, BATCHGEN_API_KEY=KEY)
    assert 'attempts: 9, run_dir: "elsewhere\\u001b[2J"' in ended.err
    assert "there is no terminal to ask at" in ended.err


def test_a_key_in_the_place_of_its_file_and_an_address_with_a_password_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = numbered(tmp_path, "", 1)
    monkeypatch.setenv("BATCHGEN_API_KEY_FILE", KEY)
    ended = in_process("run", str(film.manifest))
    assert ended.code == 2
    assert "BATCHGEN_API_KEY_FILE" in ended.err
    assert KEY not in ended.err
    monkeypatch.setenv("BATCHGEN_API_KEY_FILE", "")
    monkeypatch.setenv("BATCHGEN_API_KEY", KEY)
    monkeypatch.setenv("BATCHGEN_BASE_URL", "http://me:secret-word@127.0.0.1:9")
    ended = in_process("run", str(film.manifest), "--yes")
    assert ended.code == 2
    assert "options from the environment: BATCHGEN_BASE_URL\n" in ended.err
    assert "secret-word" not in ended.err
    assert [path for path in tmp_path.rglob("*") if path.is_file() and b"secret-word" in path.read_bytes()] == []
