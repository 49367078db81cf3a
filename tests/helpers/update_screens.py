"""Makes docs/screens.md: what a terminal shows of four runs; tests/campaigns/test_screens.py holds it there.

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
from pathlib import Path

if __name__ == "__main__":  # pytest has put it on the path by itself
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.runs import KEY, PROGRAM, emulator
from helpers.support import write_image

PAGE = Path(__file__).resolve().parents[2] / "docs" / "screens.md"
WIDTHS = (60, 80, 120)
_PORT = re.compile(r"127\.0\.0\.1:\d{5}")
_LEFT = re.compile(r"\d+ s left")
_BAR = re.compile(r"\|([█▏▎▍▌▋▊▉ ]{8,})\|")
"""What differs from one time to the next."""
_STEERING = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
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
    Act("One more take", "`takes: 2` is added to `s01`.", "0/1 scenes, 1 running", {"takes": "takes: 2, "}),
    Act("An edited prompt", "One word of `vars` is another one.", "0/1 scenes, 1 running", {"light": "dawn"}),
    Act(
        "A stop at the budget",
        '`s04` and `s05` are added, and `budget_usd: "1.25"`.',
        "0/2 scenes, stopped at the budget, 1 running",
        {"more": _MORE, "budget": 'budget_usd: "1.25"\n'},
    ),
)  # fmt: skip


@dataclass(slots=True)
class Screen:
    """What a terminal of so many columns shows; it knows no more than what batchgen sends to it."""

    width: int
    lines: list[list[str]] = field(default_factory=lambda: [[]])
    column: int = 0
    broke: list[str] = field(default_factory=list)
    """Lines that were longer than the terminal is wide."""

    def show(self, text: str) -> None:
        """Take in what was sent."""
        for char in _STEERING.sub("", text):
            if char == "\n":
                self.lines.append([])
            elif char == "\r":
                self.column = 0
            else:
                self._put(char)

    def _put(self, char: str) -> None:
        if self.column == self.width:
            self.broke.append("".join(self.lines[-1]))
            self.lines.append([])
            self.column = 0
        line = self.lines[-1]
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

    def until(self, moment: Callable[[str], bool]) -> str:
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
        self.screen.show(_BAR.sub(_third, _LEFT.sub("2 s left", text)))
        return bool(sent)


def _third(bar: re.Match[str]) -> str:
    """A bar of the same width that is filled to a third."""
    width = len(bar[1])
    return f"|{'█' * (width // 3)}{' ' * (width - width // 3)}|"


def _screens(address: str, folder: Path, width: int) -> Iterator[tuple[str, str, str]]:
    """Of each act: the plan with the question, the progress at its moment, and the end."""
    for name in ("hero", "villain"):
        write_image(folder / f"{name}.png", color=(90, 30, 160) if name == "hero" else (20, 90, 40))
    written = {"light": "night", "budget": "", "takes": "", "more": ""}
    command = [*PROGRAM, "run", "film.yaml", f"--base-url={address}", "--poll-interval=0.2"]
    for act in ACTS:
        written |= act.changes
        (folder / "film.yaml").write_text(_MANIFEST.format(**written), encoding="utf-8")
        terminal = Terminal(command, folder, width)
        asked = terminal.until(lambda shown: shown.endswith(_QUESTION.strip()))
        terminal.type("y\n")
        running = terminal.until(lambda shown, moment=act.moment: moment in shown.rpartition("\n")[2])  # type: ignore[misc]
        end = terminal.rest()
        assert not terminal.screen.broke, terminal.screen.broke
        yield asked, running.rpartition("\n")[2], end.removeprefix(f"{asked} y").strip("\n")


def _of_width(folder: Path, width: int) -> list[str]:
    """The parts of the page for a terminal of so many columns, one for each act."""
    folder.mkdir()
    with emulator(folder, *_EMULATOR) as gateway:
        return [
            f"### {width} columns\n\n```\n{asked}\n```\n\n```\n{running}\n```\n\n```\n{end}\n```\n"
            for asked, running, end in _screens(gateway.base_url, folder, width)
        ]


def page(folder: Path) -> str:
    """The page, as the program would have it now."""
    with ThreadPoolExecutor(len(WIDTHS)) as pool:
        made = list(pool.map(lambda width: _of_width(folder / str(width), width), WIDTHS))
    acts = [f"## {act.title}\n\n{act.told}\n\n" + "\n".join(parts) for act, *parts in zip(ACTS, *made, strict=True)]
    return _HEAD + "\n" + "\n".join(acts)


_HEAD = f"""\
# Screens

What a terminal shows of `batchgen run film.yaml`, one run after the other in the same run directory: the plan with the
question, the line of progress at one moment, and the end. A script makes this page
(`python tests/helpers/update_screens.py`), with the program itself on terminals of {WIDTHS[0]} and {WIDTHS[1]} columns
and an emulator for a gateway; a test compares the two.
"""

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        PAGE.write_text(page(Path(place)), encoding="utf-8")
