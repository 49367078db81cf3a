"""The commands that README and docs show, and a folder in which they can be run."""

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from helpers.runs import KEY, Gateway, batch, csv_rows
from helpers.shot_lists import as_csv
from helpers.support import PROGRAM, Ended, started

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"^```(sh|bash)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_COMMAND = re.compile(r"(^|&& )(\.venv/bin/)?batchgen ", re.MULTILINE)
_COMMENT = re.compile(r"(^|\s+)#.*")
_SERVING = "batchgen emulator"
"""It serves until it is interrupted; tests/unit/emulator/test_command.py starts it."""
_SHELL = re.compile(r"[|&();$`]|^(?!batchgen )")
"""What only a shell can do."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block of commands, and the heading above it; a script is run as one file."""

    heading: str
    text: str
    is_script: bool = False

    def lines(self) -> list[str]:
        """The commands, each a line."""
        lines = self.text.replace("\\\n", " ").splitlines()
        commands = (_COMMENT.sub("", line).replace(".venv/bin/batchgen", "batchgen") for line in lines)
        return [command for command in commands if command]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that call batchgen. Those that make an environment for it have tests of their own."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        if _COMMAND.search(match[2]) and "-m venv" not in match[2]:
            heading = _HEADING.findall(text, 0, match.start())[-1]
            found.append(Block(heading, match[2], match[1] == "bash"))
    return found


def run(block: Block, folder: Path, gateway: Gateway, expect: int = 0) -> Ended:
    """Run a block to its first failure, agreeing to what is bought; the last command ends with the expected code."""
    settings = {
        "BATCHGEN_API_KEY": KEY,
        "BATCHGEN_BASE_URL": gateway.base_url,
        "BATCHGEN_POLL_INTERVAL": "0.1",
        "BATCHGEN_NO_PROGRESS": "1",
    }
    if block.is_script:
        (folder / "script.sh").write_text(block.text, encoding="utf-8")
    *before, last = ["bash script.sh"] if block.is_script else block.lines()
    ended = [_run_line(line, folder, settings) for line in (*before, last) if not line.startswith(_SERVING)]
    told = "".join(f"{each.code}: {each.out}{each.err}\n" for each in ended)
    assert [each.code for each in ended] == [*[0] * (len(ended) - 1), expect], f"{block.text}\n{told}"
    assert "Traceback" not in told
    return Ended(expect, "".join(each.out for each in ended), "".join(each.err for each in ended))


def _run_line(line: str, folder: Path, settings: dict[str, str]) -> Ended:
    """One line as a shell runs it; by a shell only where that is needed, since a process takes its time."""
    if line.startswith("export "):
        return Ended(0, "", "")
    if _SHELL.search(line):
        return _by_shell(line, folder, settings)
    words, _, target = line.partition(" > ")
    arguments = [found for word in shlex.split(words)[1:] for found in _files(word, folder)]
    agreed = ["--yes"] if arguments[0] == "run" else []
    ended = started([*PROGRAM, *arguments, *agreed], folder, settings)
    for name in shlex.split(target):
        (folder / name).write_text(ended.out, encoding="utf-8")
    return ended


def _files(word: str, folder: Path) -> list[str]:
    return sorted(glob(word, root_dir=folder)) or [word]  # noqa: PTH207 - a pattern as the shell knows it


def _by_shell(line: str, folder: Path, settings: dict[str, str]) -> Ended:
    """Run a line by bash, with a batchgen on its path."""
    programs = folder.parent / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "batchgen").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m batchgen "$@"\n')
    (programs / "batchgen").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **settings, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        ["bash", "-ec", line],  # noqa: S607 - the one on the path, as a user has it
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def garden(folder: Path, gateway: Gateway) -> None:
    """What the pages speak of: a batch that has run, with takes, a second attempt and an unknown scene, and lists."""
    made = batch(folder, gateway, 0, pricing={"720P": "0.10", "1080P": "0.15"})
    made.name = "garden"
    for name, more in {"s01": {}, "s02": {"takes": 2}, "s05": {}, "s07": {}}.items():
        prompt = f"character1 walks in the garden, {name}"
        made.scenes[name] = {"prompt": f"{prompt} [lost-response]" if name == "s07" else prompt, **more}
    made.write()
    made.run(expect=1)
    made.manifest.rename(folder / "garden.yaml")
    for season in ("spring", "summer"):
        shutil.copytree(made.run_dir, folder / "runs" / season)
    shutil.copytree(ROOT / "manifests", folder / "manifests")
    specifications = ROOT / "tests" / "examples" / "specifications"
    shutil.copy(specifications / "list.json", folder / "spec.json")
    shutil.copy(specifications / "contract.json", folder / "contract.json")
    _write_statement(folder / "statement.csv", made.run_dir / "ledger.csv")
    (folder / "garden-picks.txt").write_text("# batchgen picks garden\ns02-t2\n", encoding="utf-8")
    shot_list(folder)


def shot_list(folder: Path) -> None:
    """The list of a film, and its references."""
    (folder / "refs").mkdir()
    for name in ("hero.png", "dog.mp4"):
        shutil.copy(ROOT / "manifests" / "refs" / name, folder / "refs" / name)
    (folder / "shots.csv").write_bytes(as_csv(LIST))


def _write_statement(path: Path, ledger: Path) -> None:
    """The provider's invoice, which agrees with the ledger."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["task_id", "amount"])
        writer.writerows([row["task_id"], row["cost_usd"]] for row in csv_rows(ledger) if row["cost_usd"])


LIST = [
    ["Shot", "Action", "Refs", "Size", "Length", "Camera", "Notes"],
    ["010", "character1 runs over the lawn", "refs/hero.png", "960x960", "2 s", "35 mm", "at dusk"],
    ["020", "character1 throws a stick to character2", "refs/hero.png; refs/dog.mp4", "960*960", "2", "", ""],
    ["030", "character1 laughs", "refs/hero.png", "960*960", "2", "", ""],
]
