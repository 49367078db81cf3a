"""What can befall a run: each function does it to one batch until that is done, or it is enough.

They leave no strike in force: what was taken away is given back, and what was stopped goes on.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from campaigns.reliability.place import REQUEST_TIMEOUT_S, Place
from helpers.support import modes_hold, unprivileged

_KILLS = 8
_STRIKES = 3
_STORAGE = (0, 1, 6)
_STEPS_S = (-400 * 86400.0, -3600.0, -61.0, -0.5, 0.0, 0.5, 61.0, 3600.0, 400 * 86400.0)
STEPPED = Path(__file__).with_name("stepped.py")


def kill(place: Place) -> None:
    """The run is killed with SIGKILL, gone on with, killed again."""
    for _ in range(_KILLS):
        with place.run() as run:
            if not place.moment(run):
                place.ended(run)
                return
            place.killed(run)
            place.strikes["kill"] += 1


def stop(place: Place) -> None:
    """The run sleeps for longer than a request may take, as a laptop does; or the gateway does."""
    with place.run() as run:
        for _ in range(_STRIKES):
            if not place.moment(run):
                break
            sleeper = place.chance.choice([run, run, place.gateway_process])
            place.asleep(sleeper, REQUEST_TIMEOUT_S + 0.2 + place.chance.random())
            place.strikes["pause of the run" if sleeper is run else "pause of the gateway"] += 1
        place.ended(run)


def emulator(place: Place) -> None:
    """The gateway is killed with SIGKILL, and comes back at the same address with the same tasks."""
    with place.run() as run:
        for _ in range(_STRIKES):
            if not place.moment(run):
                break
            place.kill_gateway()
            place.pause(run, place.chance.random())
            place.open_gateway()
            place.strikes["kill of the gateway"] += 1
        place.ended(run)


def both(place: Place) -> None:
    """Run and gateway are killed together, as when the power of both fails; which one first is chance."""
    for _ in range(_KILLS // 2):
        with place.run() as run:
            if not place.moment(run):
                place.ended(run)
                return
            for victim in place.chance.sample(["run", "gateway"], 2):
                if victim == "run":
                    place.killed(run)
                else:
                    place.kill_gateway()
        place.open_gateway()
        place.strikes["kill of both"] += 1


def disk(place: Place) -> None:
    """The disk fills up: a limit on the size of files, or a real file system without room."""
    for _ in range(_STRIKES):
        with ExitStack() as stack:
            code = _limited(place) if place.chance.random() < 0.5 else _without_room(place, stack)
        if code != 6:
            return


def _limited(place: Place) -> int:
    """No file may grow beyond a size, from the start or from a moment on."""
    with place.run() as run:
        if place.chance.random() < 0.5 and not place.moment(run):
            return place.ended(run)[0]
        begun = place.film.state.stat().st_size if place.film.state.exists() else 0
        size = begun + int(place.chance.random() ** 2 * 12_000)
        try:
            resource.prlimit(run.pid, resource.RLIMIT_FSIZE, (size, size))
        except ProcessLookupError:
            return place.ended(run)[0]
        code, _ = place.ended(run, allowed=_STORAGE)
        place.strikes["file size limit"] += code == 6
        return code


def _without_room(place: Place, stack: ExitStack) -> int:
    """The run directory lies on a file system of its own, which is full but for a few blocks."""
    runs, kept = place.film.run_dir.parent, place.folder / "kept"
    runs.mkdir(exist_ok=True)
    used = sum(_blocks(path) for path in runs.rglob("*"))
    size = 4096 * (used + 8 + int(place.chance.random() ** 2 * 60))
    runs.rename(kept)
    runs.mkdir()
    if not _has_mounted(runs, size):
        runs.rmdir()
        kept.rename(runs)
        return _limited(place)
    stack.callback(_bring_back, runs, kept)
    shutil.copytree(kept, runs, dirs_exist_ok=True)
    with place.run() as run:
        code, _ = place.ended(run, allowed=_STORAGE)
    place.strikes["full file system"] += code == 6
    return code


def _blocks(path: Path) -> int:
    return -(-path.stat().st_size // 4096) if path.is_file() else 1


def _has_mounted(folder: Path, size: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "batchgen-trial", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _bring_back(runs: Path, kept: Path) -> None:
    """Room is made: what the small file system held lies on a large one, under the same name."""
    shutil.rmtree(kept)
    shutil.copytree(runs, kept)
    subprocess.run(["umount", str(runs)], check=True)  # noqa: S607 - where it lies differs by system
    runs.rmdir()
    kept.rename(runs)


def readonly(place: Place) -> None:
    """The run directory may not be written, or it or a file in it is taken away while the run goes on."""
    ways: list[Callable[[Place], None]] = [_moved, _journal_moved, _videos_deleted]
    if modes_hold(place.folder):
        ways += [_closed, _closed_under_way]
    for way in place.chance.sample(ways, _STRIKES):
        way(place)


def _closed(place: Place) -> None:
    """Closed before the run: it has to end with 6, having changed and submitted nothing."""
    folder, state = place.film.run_dir, place.film.state
    folder.mkdir(parents=True, exist_ok=True)
    before = state.read_bytes() if state.exists() else None
    posts = len(place.gateway.posts())
    _set_modes(folder, 0o555, 0o444)
    with place.run(program=unprivileged("-m", "batchgen")) as run:
        place.ended(run, allowed=(6,))
    _set_modes(folder, 0o755, 0o644)
    if len(place.gateway.posts()) != posts or before != (state.read_bytes() if state.exists() else None):
        place.objections.append("a run wrote or submitted although its directory is closed")
    place.strikes["directory closed before"] += 1


def _set_modes(folder: Path, folders: int, files: int) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(folders if path.is_dir() else files)


def _closed_under_way(place: Place) -> None:
    with place.run(program=unprivileged("-m", "batchgen")) as run:
        if place.moment(run) and place.film.run_dir.exists():
            place.film.run_dir.chmod(0o555)
            place.strikes["directory closed under way"] += 1
        place.ended(run, allowed=_STORAGE)
    if place.film.run_dir.exists():
        place.film.run_dir.chmod(0o755)


def _moved(place: Place) -> None:
    _taken_away(place, place.film.run_dir, "directory moved away")


def _journal_moved(place: Place) -> None:
    _taken_away(place, place.film.state, "journal moved away")


def _taken_away(place: Place, path: Path, what: str) -> None:
    """A path is not there for the rest of a run, and is again afterwards.

    Not before the run has opened its journal: a directory that is not there then is a new one.
    """
    away = place.folder / "away"
    with place.run() as run:
        if place.has_begun(run) and place.moment(run):
            path.rename(away)
            place.strikes[what] += 1
        place.ended(run, allowed=_STORAGE)
    if away.exists():
        if path.exists():
            place.objections.append(f"{path.name} was moved away, and the run made a new one")
        else:
            away.rename(path)


def _videos_deleted(place: Place) -> None:
    with place.run() as run:
        if place.moment(run):
            shutil.rmtree(place.film.run_dir / "videos", ignore_errors=True)
            place.strikes["videos deleted"] += 1
        place.ended(run, allowed=_STORAGE)


def clock(place: Place) -> None:
    """The wall clock is set back and forth, by half a second to four hundred days; once the run is killed, too."""
    offset = place.folder / "offset"
    killed_at = place.chance.randrange(2 * _STRIKES)
    for number in range(2):
        _set_clock(place, offset, _STEPS_S[:1] if number == 0 else _STEPS_S)
        program, environment = _with_clock(offset)
        with place.run(program, environment) as run:
            for step in range(_STRIKES):
                if not place.moment(run):
                    break
                if killed_at == number * _STRIKES + step:
                    place.killed(run)
                    place.strikes["kill"] += 1
                    break
                _set_clock(place, offset, _STEPS_S)
                place.strikes["clock step"] += 1
            if run.returncode is None:
                place.ended(run)
        if number == 0:
            _check_first_step(place)


def _check_first_step(place: Place) -> None:
    """What the first run has written, if anything, begins at the time that its clock was set to."""
    first = place.film.journal()[:1]
    if first and datetime.fromisoformat(first[0]["at"]) > datetime.now(UTC) + timedelta(seconds=_STEPS_S[0] / 2):
        place.objections.append("the clock was set, and the run has not seen it")


def _set_clock(place: Place, offset: Path, steps_s: Sequence[float]) -> None:
    written = offset.with_suffix(".new")
    written.write_text(f"{place.chance.choice(steps_s):+.1f}\n", encoding="ascii")
    written.replace(offset)


def _with_clock(offset: Path) -> tuple[list[str], dict[str, str]]:
    """How to start the program so that a file sets its clock: below the C library where libfaketime is there."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        return [sys.executable, "-P", str(STEPPED), str(offset)], {}
    settings = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(offset)}
    settings |= {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return [sys.executable, "-P", "-m", "batchgen"], settings


def torn(place: Place) -> None:
    """The run is killed, and its journal is left as a power cut may leave it; or as nothing but damage can."""
    ways: list[Callable[[Place], None]] = [_unfinished_line, _cut, _flipped]
    for _ in range(_KILLS // 2):
        with place.run() as run:
            if not place.moment(run):
                place.ended(run)
                return
            place.killed(run)
            place.strikes["kill"] += 1
        if place.film.state.exists() and b"\n" in place.film.state.read_bytes():
            place.chance.choice(ways)(place)


def _unfinished_line(place: Place) -> None:
    """The next line was being written: some of its bytes are there. Nothing that it guards had begun."""
    line = place.chance.choice(place.film.state.read_bytes().splitlines(keepends=True))
    with place.film.state.open("ab") as file:
        file.write(line[: place.chance.randrange(1, len(line))])
    place.strikes["unfinished line"] += 1


def _cut(place: Place) -> None:
    """All that was written after the last line that announces a submission is lost from some byte on."""
    content = place.film.state.read_bytes()
    lines = content.splitlines(keepends=True)
    last = max((number for number, line in enumerate(lines) if b'"event":"submitting"' in line), default=-1)
    begin = sum(map(len, lines[: last + 1]))
    os.truncate(place.film.state, place.chance.randint(begin, len(content)))
    place.strikes["end cut off"] += 1


def _flipped(place: Place) -> None:
    """One bit is another: the run has to say so and leave the journal as it is.

    That it submits nothing is seen at the end, in the number of submissions.
    """
    content = place.film.state.read_bytes()
    damaged = bytearray(content)
    # What stands behind the last newline was being written when the run was killed, and counts as not written.
    damaged[place.chance.randrange(content.rfind(b"\n") + 1)] ^= 1 << place.chance.randrange(8)
    place.film.state.write_bytes(damaged)
    with place.run() as run:
        place.ended(run, allowed=(6,))
    if place.film.state.read_bytes() != damaged:
        place.objections.append("a run changed a damaged journal")
    place.film.state.write_bytes(content)
    place.strikes["bit flipped"] += 1


FAULTS: Mapping[str, Callable[[Place], None]] = {
    "kill": kill,
    "stop": stop,
    "emulator": emulator,
    "both": both,
    "disk": disk,
    "readonly": readonly,
    "clock": clock,
    "torn": torn,
}
