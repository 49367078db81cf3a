"""Makes docs/screens.md: what a terminal shows of runs, also from another one; tests/campaigns/test_screens.py
holds it there.

python tests/helpers/update_screens.py
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

if __name__ == "__main__":  # pytest has put it on the path by itself
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.runs import KEY, PROGRAM, emulator
from helpers.support import batchgen, write_image

PAGE = Path(__file__).resolve().parents[2] / "docs" / "screens.md"
WIDTHS = (60, 80, 120)
_PORT = re.compile(r"127\.0\.0\.1:\d{5}")
_LEFT = re.compile(r"\d+ s left")
_BAR = re.compile(r"\|([█▏▎▍▌▋▊▉ ]{8,})\|")
"""What differs from one time to the next."""
_WAITS = re.compile(r"waits \d+ s")
_MINUTES = re.compile(r"\b0\.[0-2](?=  )")
_SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([a-zA-Z])")
_QUESTION = "[y/N]: "
_EMULATOR = ("--latency=0.5-4", "--seed=8")
"""With this seed one of the first three tasks ends well before the others; how long each takes follows from its
request, so that another manifest needs another seed."""
_MANIFEST = """\
version: 1
name: film
defaults: {{size: 1280*720, duration: 2}}
cast: {{hero: hero.png, villain: villain.png}}
vars: {{look: "35 mm, {light}, rain on the windows"}}
pricing: {{720P: "0.10"}}
{budget}scenes:
  - {{id: s01, {takes}prompt: "{{hero}} waves at the gate of the old house"}}
  - {{id: s02, prompt: "{{hero}} runs after {{villain}} through the empty station. {{look}}, slow camera"}}
  - {{id: s03, prompt: "{{villain}} waits behind the curtain"}}
{more}"""
_MORE = """\
  - {id: s04, prompt: "{hero} sleeps in the train, and {villain} looks at the clock"}
  - {id: s05, prompt: "{hero} sleeps on"}
"""


@dataclass(frozen=True, slots=True)
class Act:
    """One run: what is changed in the manifest before it, and the moment at which the progress is looked at."""

    title: str
    told: str
    moment: str
    changes: dict[str, str]


ACTS = (
    Act("The first run", "Three new scenes.", "1/3 scenes, 2 running", {}),
    Act("One more take", "`takes: 2` is added to `s01`.", "3/4 scenes, 1 running", {"takes": "takes: 2, "}),
    Act("An edited prompt", "One word of `vars` is another one.", "3/4 scenes, 1 running", {"light": "dawn"}),
    Act(
        "A stop at the budget",
        '`s04` and `s05` are added, and `budget_usd: "1.25"`.',
        "4/6 scenes, stopped at the budget, 1 running",
        {"more": _MORE, "budget": 'budget_usd: "1.25"\n'},
    ),
)  # fmt: skip


_FOLLOWED = """\
`batchgen control runs/film pause`: the line of progress, then `batchgen status runs/film --watch`, and the same once
the run was resumed and has ended."""
FURTHER = (
    ("A pause, from another terminal", _FOLLOWED),
    ("A gateway that lets nothing in for a while", "The line of progress while the run waits, and its end."),
)
_AT_ONCE = 2
"""Pieces at once: with more of them on a machine of two processors moments are missed."""


@dataclass(slots=True)
class Screen:
    """What a terminal of so many columns shows; it knows no more than what batchgen sends to it."""

    width: int
    lines: list[list[str]] = field(default_factory=lambda: [[]])
    row: int = 0
    column: int = 0
    broke: list[str] = field(default_factory=list)
    """Lines that were longer than the terminal is wide."""

    def show(self, text: str) -> None:
        """Take in what was sent."""
        begin = 0
        for found in _SEQUENCE.finditer(text):
            self._write(text[begin : found.start()])
            self._steer(found[1], found[2])
            begin = found.end()
        self._write(text[begin:])

    def _write(self, text: str) -> None:
        for char in text:
            if char == "\n":
                self._go_down()
            elif char == "\r":
                self.column = 0
            else:
                self._put(char)

    def _steer(self, number: str, command: str) -> None:
        """Go up some lines, or wipe one; colours and the like are not shown here."""
        if command == "A":
            self.row = max(self.row - int(number or 1), 0)
        elif command == "K":
            self.lines[self.row] = []

    def _go_down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])

    def _put(self, char: str) -> None:
        if self.column == self.width:
            self.broke.append("".join(self.lines[self.row]))
            self._go_down()
            self.column = 0
        line = self.lines[self.row]
        line.extend(" " * (self.column + 1 - len(line)))
        line[self.column] = char
        self.column += 1

    def text(self) -> str:
        """All its lines."""
        return "\n".join("".join(line).rstrip() for line in self.lines).strip("\n")


class Terminal:
    """A command on a terminal of so many columns."""

    def __init__(self, command: list[str], folder: Path, width: int) -> None:
        """Start it."""
        self.screen = Screen(width)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, width, 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        settings = {"PYTHONPATH": os.pathsep.join(sys.path), "BATCHGEN_API_KEY": KEY, "TERM": "xterm"}
        self._process = subprocess.Popen(
            command, cwd=folder, env={**environment, **settings}, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def until(self, moment: Callable[[str], object]) -> str:
        """What the terminal shows at a moment; the test's own time limit ends what never comes."""
        while not moment(self.screen.text()):
            if not self._read():
                raise AssertionError(f"the moment did not come: {self.screen.text()}")
        return self.screen.text()

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def rest(self) -> str:
        """What it shows once the command has ended."""
        while self._read():
            pass
        os.close(self._master)
        self._process.wait(30)
        return self.screen.text()

    def _read(self) -> bool:
        try:
            sent = os.read(self._master, 1 << 16)
        except OSError:  # how Linux says that nobody has the other end any more
            return False
        text = _PORT.sub("127.0.0.1:43210", sent.decode(errors="replace"))
        text = _MINUTES.sub(
            "0.1", _WAITS.sub("waits 2 s", _LEFT.sub(lambda left: "2 s left".ljust(len(left[0])), text))
        )
        self.screen.show(_BAR.sub(_third, text))
        return bool(sent)


def _third(bar: re.Match[str]) -> str:
    """A bar of the same width that is filled to a third."""
    width = len(bar[1])
    return f"|{'█' * (width // 3)}{' ' * (width - width // 3)}|"


def _screens(address: str, folder: Path, width: int) -> Iterator[tuple[str, str, str]]:
    """Of each act: the plan with the question, the progress at its moment, and the end."""
    written: dict[str, str] = {}
    for act in ACTS:
        written |= act.changes
        _write(folder, "film.yaml", "film", **written)
        terminal = Terminal(_run("film.yaml", address), folder, width)
        asked = terminal.until(lambda shown: shown.endswith(_QUESTION.strip()))
        terminal.type("y\n")
        running = terminal.until(lambda shown, moment=act.moment: moment in shown.rpartition("\n")[2])  # type: ignore[misc]
        end = terminal.rest()
        assert not terminal.screen.broke, terminal.screen.broke
        yield asked, running.rpartition("\n")[2], end.removeprefix(f"{asked} y").strip("\n")


def _paused(folder: Path, width: int) -> Iterator[str]:
    """A run that is paused after its first scene, and the same from another terminal; then the end of both."""
    batchgen("--version")  # what is loaded for the first command must not be waited for between two moments
    with emulator(folder, "--latency=3") as gateway:
        _write(folder, "film.yaml", "film")
        terminal = Terminal(_run("film.yaml", gateway.base_url, "--yes", "--max-in-flight=1"), folder, width)
        terminal.until(lambda shown: "1 running" in shown)
        batchgen("control", "runs/film", "pause", folder=folder)
        paused = terminal.until(lambda shown: re.search(r"1/3 scenes, paused, 0 running", shown.rpartition("\n")[2]))
        watch = Terminal([*PROGRAM, "status", "runs/film", "--watch"], folder, width)
        followed = watch.until(lambda shown: shown.count("pending") == 2)
        batchgen("control", "runs/film", "resume", folder=folder)
        terminal.rest()
        end = watch.rest()
    assert not terminal.screen.broke + watch.screen.broke, terminal.screen.broke + watch.screen.broke
    yield from (paused.rpartition("\n")[2], followed, end)


def _held_up(folder: Path, width: int) -> Iterator[str]:
    """A run at a gateway that lets nothing in for a while."""
    with emulator(folder, *_EMULATOR, rules=[{"match": "", "fault": "429", "times": 4}]) as gateway:
        _write(folder, "film.yaml", "film")
        terminal = Terminal(_run("film.yaml", gateway.base_url, "--yes"), folder, width)
        waits = terminal.until(lambda shown: re.search(r"0/3 scenes, waits", shown.rpartition("\n")[2]))
        end = terminal.rest()
        assert not terminal.screen.broke, terminal.screen.broke
        yield from (waits.rpartition("\n")[2], end)


def _run(manifest: str, address: str, *options: str) -> list[str]:
    return [*PROGRAM, "run", manifest, f"--base-url={address}", "--poll-interval=0.2", *options]


def _write(folder: Path, manifest: str, name: str, **changes: str) -> None:
    """The manifest of a film with this name, and its cast."""
    folder.mkdir(exist_ok=True)
    for member, color in (("hero", (90, 30, 160)), ("villain", (20, 90, 40))):
        write_image(folder / f"{member}.png", color=color)
    written = {"light": "night", "budget": "", "takes": "", "more": "", **changes}
    text = _MANIFEST.format(**written).replace("name: film", f"name: {name}")
    (folder / manifest).write_text(text, encoding="utf-8")


def _acts(folder: Path, width: int) -> list[list[str]]:
    """What is shown in each of `ACTS`."""
    with emulator(folder, *_EMULATOR) as gateway:
        return [[*screens] for screens in _screens(gateway.base_url, folder, width)]


_PIECES: tuple[Callable[[Path, int], list[list[str]]], ...] = (
    _acts,
    lambda folder, width: [[*_paused(folder, width)]],
    lambda folder, width: [[*_held_up(folder, width)]],
)
"""What does not depend on each other, and can be played at once."""


def page(folder: Path) -> str:
    """The page, as the program would have it now."""
    pieces = [(folder / f"{width}-{number}", width, play) for width in WIDTHS for number, play in enumerate(_PIECES)]
    for place, *_ in pieces:
        place.mkdir()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        played = list(pool.map(lambda piece: piece[2](piece[0], piece[1]), pieces))
    shown = [[*chain.from_iterable(played[i : i + len(_PIECES)])] for i in range(0, len(played), len(_PIECES))]
    heads = [(act.title, act.told) for act in ACTS] + list(FURTHER)
    return _HEAD + "\n" + "\n".join(
        f"## {title}\n\n{told}\n\n" + "\n".join(map(_part, WIDTHS, of_widths))
        for (title, told), *of_widths in zip(heads, *shown, strict=True)
    )  # fmt: skip


def _part(width: int, screens: list[str]) -> str:
    """What a terminal of so many columns shows in one act."""
    return f"### {width} columns\n\n" + "\n".join(f"```\n{each}\n```\n" for each in screens)


_HEAD = """\
# Screens

What a terminal shows of `batchgen run film.yaml`, one run after the other in the same run directory: the plan with the
question, the line of progress at one moment, and the end. A script makes this page
(`python tests/helpers/update_screens.py`), with the program itself on terminals of 60, 80 and 120 columns
and an emulator for a gateway; a test compares the two.
"""

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        PAGE.write_text(page(Path(place)), encoding="utf-8")
