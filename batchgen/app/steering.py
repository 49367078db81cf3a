"""Steers a run that is under way, from another process.

A wish is a file in the folder ``control`` of the run directory, put there whole; the run takes it away, writes down
what it changes, and puts an answer beside. There it says, too, why it submits nothing. Files of another user are not
read.
"""

import json
import logging
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Protocol, Self

from batchgen.app.keywords import StrPath, checked_settings, dollars
from batchgen.app.notices import Standing
from batchgen.engine.steerable import Steerable
from batchgen.engine.steering import Change
from batchgen.errors import RunDirectoryError, UsageError
from batchgen.files import write_atomically
from batchgen.journal.journal import is_in_use
from batchgen.layout import CONTROL
from batchgen.runner.loop import Steer

UNBOUND = "none"
"""How no bound is written."""
_LOOK_EVERY_S = 0.5
_ANSWERED_WITHIN_S = 10.0
_WISH, _ANSWER = ".wish", ".answer"
_SAID = "waits-for.txt"
_MOST_BYTES = 10_000
_LONGEST_NUMBER = 40
_MOST_DIGITS = 20
"""Of a whole number that can be a setting; Python refuses to write out one of thousands."""
_PAUSED = frozenset({"0", "1"})
_MAY_BE_UNBOUND = frozenset({Steerable.SUBMIT_RATE, Steerable.BUDGET})
_log = logging.getLogger("batchgen")


def change_of(name: str, text: str) -> Change:
    """The change that ``NAME=VALUE`` stands for. Raises `UsageError` for what is none."""
    try:
        setting = Steerable(name)
    except ValueError:
        listed = ", ".join(each for each in Steerable if each is not Steerable.PAUSED)
        raise UsageError(f"{name!r} cannot be set while a run is under way; there is {listed}") from None
    if text == UNBOUND and setting in _MAY_BE_UNBOUND:
        return Change(setting, None)
    if setting is Steerable.BUDGET:
        return Change(setting, dollars(text))
    if setting is Steerable.PAUSED:
        if text not in _PAUSED:
            raise UsageError(f"{name} is 1 or 0, and not {text!r}; control has the words pause and resume for it")
        return Change(setting, Decimal(text))
    try:
        number = Decimal(text[:_LONGEST_NUMBER])
    except InvalidOperation:
        number = Decimal("NaN")
    checked_settings({name: _plain(number, text)})
    return Change(setting, number)


def _plain(number: Decimal, text: str) -> object:
    """A number as JSON has it; what is none as it was written, for the message."""
    if not number.is_finite() or len(text) > _LONGEST_NUMBER:
        return text
    is_whole = number.adjusted() < _MOST_DIGITS and number == number.to_integral_value()
    return int(number) if is_whole else float(number)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a run has spent of its budget, in US dollars: what was charged, and what may still be."""

    charged_usd: Decimal
    may_come_usd: Decimal


def steer(run_dir: StrPath, settings: Mapping[str, str]) -> Committed:
    """Change settings of the run that is under way in a run directory, all or none, and wait until they hold.

    Names and values are those of `Steerable` and of the command line. Raises `UsageError` where a value is not
    allowed, where no run is under way, or where the run refuses, `RunDirectoryError` where it cannot be asked.
    """
    for name, text in settings.items():
        change_of(name, text)
    folder = Path(run_dir) / CONTROL
    if not folder.is_dir() or not is_in_use(Path(run_dir)):
        raise UsageError(f"no run is under way in {run_dir}")
    wish = folder / f"{secrets.token_hex(8)}{_WISH}"
    try:
        write_atomically(wish, json.dumps(dict(settings)).encode())
    except FileNotFoundError:
        raise UsageError(f"no run is under way in {run_dir}") from None
    except OSError as error:
        raise RunDirectoryError(f"{folder} cannot be written, and the run was not steered: {error.strerror}") from None
    answer = _answer(wish, run_dir)
    if answer["refused"]:
        raise UsageError(answer["refused"])
    return Committed(Decimal(answer["charged_usd"]), Decimal(answer["may_come_usd"]))


def _answer(wish: Path, run_dir: StrPath) -> Mapping[str, str]:
    """What the run says. Raises `UsageError` where none answers."""
    answer = wish.with_suffix(_ANSWER)
    ends_at = time.monotonic() + _ANSWERED_WITHIN_S
    while time.monotonic() < ends_at:
        with suppress(FileNotFoundError):
            said: dict[str, str] = json.loads(answer.read_bytes())
            answer.unlink()
            return said
        if not wish.parent.is_dir() or not is_in_use(Path(run_dir)):
            wish.unlink(missing_ok=True)
            raise UsageError(f"the run in {run_dir} ended before it answered")
        time.sleep(_LOOK_EVERY_S / 5)
    try:
        wish.unlink()
    except FileNotFoundError:
        raise UsageError(f"the run in {run_dir} has taken the wish and not answered; its log says why") from None
    raise UsageError(f"no run is under way in {run_dir}: none answered in {_ANSWERED_WITHIN_S:g} s")


def said_in(run_dir: Path) -> str:
    """Why the run that is under way in a run directory submits nothing; empty where it does, or does not say."""
    return _own(run_dir / CONTROL / _SAID).decode(errors="replace")


class Steered(Protocol):
    """A run that is steered."""

    @property
    def said(self) -> str:
        """What it said last of why it submits nothing; asked from another thread."""

    def waits_for(self) -> str:
        """Why it submits nothing now, in a few words; asked on the thread that answers a wish."""

    def standing(self) -> Standing:
        """Where its scenes stand; asked on the thread that answers a wish."""


class Mailbox:
    """Takes wishes to a run from its run directory for as long as it is open. A context manager."""

    def __init__(self, run_dir: Path, receive: Callable[[Steer], None], run: Steered) -> None:
        """``receive`` is called with each wish, on a thread of its own."""
        self._folder = run_dir / CONTROL
        self._receive = receive
        self._run = run
        self._said = ""
        self._closed = Event()
        self._thread = Thread(target=self._look, name="batchgen-control", daemon=True)

    def __enter__(self) -> Self:
        """Begin to look. What was left by a run before is taken away; a wish holds for one run only."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._clear()
        except OSError as error:
            _log.warning("this run cannot be steered: %s: %s", self._folder, error.strerror)
        else:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Look no more, and take the folder away: whoever wishes something then is told at once."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(OSError):
            self._clear()
            self._folder.rmdir()

    def _clear(self) -> None:
        for path in self._left(_WISH, _ANSWER):
            path.unlink(missing_ok=True)
        (self._folder / _SAID).unlink(missing_ok=True)

    def _left(self, *endings: str) -> Iterable[Path]:
        return [path for path in self._folder.iterdir() if path.suffix in endings]

    def _look(self) -> None:
        while not self._closed.wait(_LOOK_EVERY_S):
            try:
                for path in self._left(_WISH):
                    self._take(path)
            except OSError as error:
                _log.warning("this run can be steered no more: %s: %s", self._folder, error.strerror)
                return
            self._say(self._run.said)

    def _say(self, said: str) -> None:
        """Say it to whoever follows the run; nothing is lost with it, so that it need not be durable."""
        if said != self._said:
            with suppress(OSError):
                (self._folder / _SAID).write_text(said, encoding="utf-8", errors="replace")
            self._said = said

    def _take(self, path: Path) -> None:
        def answer(refused: str) -> None:
            said = {"refused": refused, **({} if refused else self._holds())}
            with suppress(OSError):
                write_atomically(path.with_suffix(_ANSWER), json.dumps(said).encode())

        content = _own(path)
        path.unlink(missing_ok=True)
        if not content:
            answer("this is a run of another user; only that one can steer it")
            return
        try:
            changes = _changes(json.loads(content))
        except (UsageError, ValueError, RecursionError) as error:
            answer(str(error))
            return
        _log.info("steered: %s", ", ".join(f"{change.setting}={change.text or UNBOUND}" for change in changes))
        self._receive(Steer(changes, answer))

    def _holds(self) -> Mapping[str, str]:
        """Say what holds from now on, to whoever follows the run; what it has spent."""
        self._say(self._run.waits_for())
        standing = self._run.standing()
        return {"charged_usd": f"{standing.charged_usd:f}", "may_come_usd": f"{standing.may_come_usd:f}"}


def _own(path: Path) -> bytes:
    """The content of a file of this user; empty for anything else, a link or what may not be read."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with suppress(OSError), os.fdopen(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        is_own = os.name != "posix" or found.st_uid == os.geteuid()
        return file.read(_MOST_BYTES) if is_own and stat.S_ISREG(found.st_mode) else b""
    return b""


def _changes(wish: Any) -> list[Change]:
    """Raises `UsageError` for what is none."""
    if not isinstance(wish, dict) or not all(isinstance(text, str) for text in wish.values()):
        raise UsageError("a wish is an object of texts")
    return [change_of(name, text) for name, text in wish.items()]
