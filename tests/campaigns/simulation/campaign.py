"""Many histories in many processes: what was seen in them, and the first one that broke a promise."""

import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TypeAlias

from campaigns.simulation.histories import Placed, by_chance, linked, sweep, with_crashes
from campaigns.simulation.mishaps import Crash, How, Mishap

PROGRAM = "python tests/campaigns/simulation"
_CHUNK = 200
_LINKED_EVERY = 3
"""Of so many seeds one is also played with scenes that are built on others."""


@dataclass(frozen=True, slots=True)
class Seeds:
    """Random histories, one for each seed."""

    numbers: range
    are_linked: bool = False
    """Whether scenes are built on the results of others."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The histories of one seed with a crash at every point."""

    seed: int
    depth: int = 1
    every_byte: bool = False


@dataclass(frozen=True, slots=True)
class Placing:
    """One history of a sweep."""

    seed: int
    crashes: Sequence[Placed]


Portion: TypeAlias = Seeds | Sweep | Placing
SWEEPS: Sequence[Sweep] = (*map(Sweep, range(24)), Sweep(3, every_byte=True), Sweep(3, depth=2), Sweep(1, depth=2))
"""Two dozen histories of different shapes; small ones with every byte, and with two crashes in a row."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A broken promise: in words, where it was noticed, and the command that plays that history again."""

    broken: str
    trace: str
    command: str


@dataclass(slots=True)
class Played:
    """What came of some histories."""

    seen: Counter[str] = field(default_factory=Counter)
    failure: Failure | None = None
    cpu_s: float = 0.0


def command_of(seed: int, crashes: Sequence[Placed] = (), *, swept: bool = False, is_linked: bool = False) -> str:
    """The command that plays one history again."""
    places = "".join(f" --crash {number}:{mishap.how}:{mishap.byte}" for number, mishap in crashes)
    how = " --swept" if swept and not crashes else " --linked" if is_linked else ""
    return f"{PROGRAM} --seed {seed}{places}{how}"


def placed(text: str) -> Placed:
    """A crash, as a command names it. Raises ValueError."""
    number, how, byte = text.split(":")
    return int(number), Mishap(How(how), int(byte))


def play(portion: Portion) -> Played:
    """Play histories up to the first that breaks a promise."""
    begun, played, command = time.process_time(), Played(), ""
    try:
        for command in _played_one_by_one(portion, played.seen):  # noqa: B007 - wanted where one breaks
            pass
    except (Exception, Crash) as error:  # noqa: BLE001 - whatever it is, it is what this looks for
        words = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        played.failure = Failure(words.partition("\n")[0], traceback.format_exc(), command)
    played.cpu_s = time.process_time() - begun
    return played


def _played_one_by_one(portion: Portion, seen: "Counter[str]") -> Iterator[str]:
    """The command of each history, before it is played."""
    if isinstance(portion, Seeds):
        for seed in portion.numbers:
            yield command_of(seed, is_linked=portion.are_linked)
            (linked if portion.are_linked else by_chance)(seed, seen)
    elif isinstance(portion, Placing):
        yield command_of(portion.seed, portion.crashes, swept=True)
        with_crashes(portion.seed, portion.crashes, seen)
    else:
        yield command_of(portion.seed, swept=True)
        for crashes in sweep(portion.seed, seen, depth=portion.depth, every_byte=portion.every_byte):
            seen["swept"] += 1
            yield command_of(portion.seed, crashes, swept=True)


def portions(first: int, seeds: int | None, *, swept: bool) -> Iterator[Portion]:
    """What there is to play: the sweeps, and then seeds, without an end where no number is given."""
    if swept:
        yield from SWEEPS
    last = None if seeds is None else first + seeds
    for begin in count(first, _CHUNK):
        if last is not None and begin >= last:
            return
        seeds_here = range(begin, begin + _CHUNK if last is None else min(begin + _CHUNK, last))
        yield Seeds(seeds_here)
        yield Seeds(seeds_here[::_LINKED_EVERY], are_linked=True)


def carry_out(ahead: Iterator[Portion], *, jobs: int, until: float) -> Played:
    """Play in so many processes, up to the first failure or to a moment of the monotonic clock."""
    total = Played()
    if jobs == 1:
        for portion in ahead:
            _add(total, play(portion))
            if total.failure or time.monotonic() >= until:
                break
        return total
    with ProcessPoolExecutor(jobs) as pool:
        running = {pool.submit(play, portion) for portion in islice(ahead, jobs)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                _add(total, future.result())
            if total.failure is None and time.monotonic() < until:
                running |= {pool.submit(play, portion) for portion in islice(ahead, len(done))}
    return total


def _add(total: Played, played: Played) -> None:
    total.seen += played.seen
    total.failure = total.failure or played.failure
    total.cpu_s += played.cpu_s


def show(failure: Failure) -> None:
    """Say what broke, and how to see it again."""
    print(f"{failure.trace}\nbroken: {failure.broken}\nplay it again: {failure.command}", file=sys.stderr)
