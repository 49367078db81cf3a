"""docs/first-film.md and docs/index.md: every command, in its order, in an empty folder, as a reader types it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.runs import emulator

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILM = (ROOT / "docs" / "first-film.md").read_text(encoding="utf-8")
START = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -q . && "
_BLOCK = re.compile(r"^```(sh|yaml|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NO_KEY = "=..."
_REAL = "batchgen run film/manifest.yaml"

pytestmark = [pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX"), pytest.mark.timeout(300)]


@pytest.mark.parametrize("page", [FILM, START])
def test_the_line_that_installs_is_the_one_that_is_tried_in_a_fresh_clone(page: str) -> None:
    assert _BLOCK.findall(page)[0][1].startswith(INSTALL)
    assert INSTALL in README


def test_the_film_from_its_first_command_to_its_last(tmp_path: Path) -> None:
    with emulator(tmp_path) as gateway:
        reader = Reader(tmp_path / "empty", gateway.base_url)
        for kind, content in _BLOCK.findall(FILM)[1:]:
            reader.take(kind, content)
    assert (reader.folder / "picks.txt").read_text().splitlines()[1:] == ["s02-t2"]
    assert len(list((reader.folder / "film" / "runs" / "film" / "videos").iterdir())) == 5


def test_the_start(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "empty", "")
    (_, first), (_, completion) = _BLOCK.findall(START)[1:]
    reader.take("sh", first)
    assert (reader.folder / "garden" / "runs" / "garden-rehearsal" / "report.csv").exists()
    bash, zsh, fish = (line.partition("    #")[0] for line in completion.splitlines())
    assert "complete" in reader.typed(f"{bash}\ncomplete -p batchgen", "bash")
    for line, said in ((zsh, "compdef"), (fish, "complete")):
        (asked,) = re.findall(r"_BATCHGEN_COMPLETE=\w+ batchgen", line)
        assert said in reader.typed(asked)


class Reader:
    """Does what a page says, in one folder; the real run goes to a gateway on this machine."""

    def __init__(self, folder: Path, gateway: str) -> None:
        folder.mkdir()
        self.folder, self.shown = folder, ""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = {**os.environ, "PATH": path, "BATCHGEN_POLL_INTERVAL": "0.5"}
        self._real = f"{_REAL} --yes --base-url {gateway}"

    def take(self, kind: str, content: str) -> None:
        """Type a block of commands, write the manifest, or find what is shown, whatever the room between words."""
        if kind == "sh":
            # Nobody is there to be asked, so that the real run is agreed to beforehand.
            agreed = re.sub(rf"^{_REAL}$", self._real, content, flags=re.MULTILINE)
            self.shown = self.typed(agreed.replace(_NO_KEY, "=sk-of-nobody"))
        elif kind == "yaml":
            (self.folder / "film" / "manifest.yaml").write_text(content, encoding="utf-8")
        else:
            assert [line for line in content.splitlines() if _spaced(line) not in _spaced(self.shown)] == []

    def typed(self, commands: str, shell: str = "sh") -> str:
        """What a shell shows of commands that all end well."""
        done = subprocess.run(
            ["/usr/bin/env", shell, "-ec", commands],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


def _spaced(text: str) -> str:
    return " ".join(text.split())
