"""Results and reports of a run directory in an object store, in the same layout, below ``URL/NAME``.

A result is checked and kept in the run directory first, as ever; then it goes up, on the thread that fetched it, so
that no more is fetched than goes up. What did not go up stays in the run directory, and goes up at the end, or with the
next run or report. With a bound for the cache, results that are up and recorded are removed from here, and fetched back
by whoever needs them.
"""

import hashlib
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar

from batchgen.app.run_directory import RunDirectory
from batchgen.app.sidecars import has_sidecar
from batchgen.app.storyboard import OnKept
from batchgen.engine.attempts import Attempt
from batchgen.engine.states import State
from batchgen.errors import UsageError
from batchgen.layout import JOURNAL, POSTERS, RESULTS, VIDEOS, attempt_of, video_path
from batchgen.object_stores import StoredFile
from batchgen.runner import WORKERS
from batchgen.store.cache import brought_back, make_room, taken_up
from batchgen.store.links import digest
from batchgen.store.output import OutputFailed, OutputFolder

_OWNER = "run_directory.json"
"""The file there that says whose results they are."""
_OF_A_LINE = frozenset({"writer", "line", "crc"})
"""What stands in a line of the journal besides its event; a salvaged journal has others."""
_AT_ONCE = 8
_LOOK_EVERY_S = 0.5
_ENDS_WITHIN_S = 10.0
"""For what is going up while the user ends the run: a store that hangs must not keep them."""
_MOST_FAILURES = 3
"""Results in a row that may fail to go up; the next ones wait for the end of the run then."""
_SAVED_EVERY_S = 5.0
_POSTER = re.compile(rf"{POSTERS}/[0-9a-f-]+\.(?:webp|jpeg)")
INTERRUPTED = "it was interrupted"
_log = logging.getLogger("batchgen")
T = TypeVar("T")


class Output:
    """Where the results of one run directory go. Its methods may be called from several threads.

    ``trouble`` says what could not be written there; empty where all was. ``cache_bytes`` is what results may take up
    on this disk, None for no bound.
    """

    def __init__(
        self,
        directory: RunDirectory,
        state: State,
        folder: OutputFolder,
        cache_bytes: int | None = None,
        *,
        ends_within_s: float = _ENDS_WITHIN_S,
    ) -> None:
        """Ask nothing yet; ``state`` is that of a run under way, or as it was read."""
        self._ends_within_s = ends_within_s
        self.trouble = ""
        self.url = folder.url
        self._directory, self._state, self._folder = directory, state, folder
        self._cache_bytes = cache_bytes
        self._is_new = False
        self._failures = 0
        self._is_out_of_reach = False
        self._held: Counter[str] = Counter()
        self._removing, self._saving = Lock(), Lock()
        self._saved_at = float("-inf")
        self._on_disk = 0
        self._is_over: Callable[[], bool] = bool

    # Before anything is bought

    def look(self) -> None:
        """Learn what is there. Raises `OutputFailed`, and `UsageError` where another run directory has its results."""
        changed = self._folder.look()
        owner = self._folder.read(_OWNER)
        self._refuse_another(owner)
        self._is_new = owner is None
        self._compare(name for name in changed if attempt_of(name) and not (self._directory.path / name).is_file())
        self._save(is_due=bool(self._state.output))  # else it is no fact of the run directory before a run has begun
        self._on_disk = taken_up(self._directory.path)

    def _refuse_another(self, owner: bytes | None) -> None:
        if owner is not None and named_in(owner) != identity_of(self._directory.path):
            raise UsageError(
                f"{self.url} holds the results of another run directory; name another place. Where that run directory "
                f"was moved, name it: this one knows nothing of its results, and buys them again. Where it is gone for "
                f"good, remove {self.url}/{_OWNER}"
            )

    def _compare(self, names: Iterable[str]) -> None:
        """See which results of this run directory still are what was delivered. Raises `OutputFailed`."""
        wrong = self._done_for_each(list(names), self._compared)
        if wrong:
            raise OutputFailed(wrong[0])

    def _compared(self, name: str) -> str:
        self._folder.compare(name)
        return ""

    def try_out(self) -> None:
        """See whether files can be written there. Raises `OutputFailed`."""
        self._folder.try_out()

    def claim(self) -> None:
        """Say there whose results they are, once the journal has begun, which tells run directories apart.

        Raises `OutputFailed`, OSError, and `UsageError` where another run directory was faster.
        """
        identity = identity_of(self._directory.path)
        if self._is_new and identity:
            for path in self._reports():  # what lies under these names is somebody else's
                self._folder.put_aside(path.name)
            owner = {"version": 1, "run_directory": identity}
            if not self._folder.create(_OWNER, json.dumps(owner).encode()):
                self._refuse_another(self._folder.read(_OWNER))
            self._is_new = False
        self._save(is_due=bool(identity))

    # While a run goes on

    def after(self, on_kept: OnKept) -> OnKept:
        """Bring up each result once it was shown to another one who wants to know of it."""

        def told(scene_id: str, name: str, sha256: str) -> None:
            on_kept(scene_id, name, sha256)
            self.kept(scene_id, name, sha256)

        return told

    def kept(self, scene_id: str, name: str, sha256: str) -> None:
        """Bring up a result that was just kept; never raises. After several failures it is left to the end."""
        if self._failures < _MOST_FAILURES:
            try:
                self._brought_up(name, sha256)
                self._failures = 0
            except OutputFailed as error:
                self._failures += 1
                rest = "; no other one goes up before the end of the run" if self._failures == _MOST_FAILURES else ""
                _log.warning("scene %s: %s is kept here, and did not go up: %s%s", scene_id, name, error, rest)
        with suppress(OSError):
            self._on_disk += (self._directory.path / name).stat().st_size
            self._save(is_due=time.monotonic() >= self._saved_at + _SAVED_EVERY_S)
            self._make_room()

    @contextmanager
    def hold(self, files: Mapping[str, str]) -> Iterator[None]:
        """Have results here, hashes by their names, for as long as the context lasts. Raises OSError."""
        with self._removing:
            self._held.update(dict.fromkeys(files, 1))
        try:
            for name, sha256 in files.items():
                self._bring_back(name, sha256)
            yield
        finally:
            with self._removing:
                self._held.subtract(dict.fromkeys(files, 1))

    def stored(self, name: str, sha256: str) -> StoredFile | None:
        """A result to be read from there once it is not here any more; one that is not there stays here."""
        if self._folder.index.is_certain(name, sha256):
            return self._folder.stored(name)
        with self._removing:
            self._held.update([name])
        return None

    def _bring_back(self, name: str, sha256: str) -> None:
        path = self._directory.path / name
        was_here = path.is_file()
        brought_back(path, sha256, self._folder.index)
        if not was_here and path.is_file():
            self._on_disk += path.stat().st_size
            self._make_room()

    def _make_room(self) -> None:
        """Remove what is not needed here, if there is too much; what cannot be removed now is tried again later."""
        if self._cache_bytes is None or self._on_disk <= self._cache_bytes:
            return
        with self._removing, suppress(OSError):
            self._save()  # what is removed here has to be known to lie there
            self._on_disk = make_room(self._directory.path, self._cache_bytes, self._may_go)

    def _may_go(self, name: str) -> bool:
        """Whether a result is up, recorded, described beside it, and not in use."""
        key = attempt_of(name)
        attempt = None if key is None else self._state.find(key)
        if attempt is None or not attempt.has_file or attempt.video_path != name or self._held[name] > 0:
            return False
        is_up = self._folder.index.is_certain(name, str(attempt.video_sha256))
        return is_up and has_sidecar(
            self._directory.path, attempt, self._state, rehearsal=self._directory.is_rehearsal()
        )

    # At the end

    def bring_up(self, is_over: Callable[[], bool] = bool) -> None:
        """Have all results there, and those that count under the names of their scenes; what fails is ``trouble``.

        ``is_over`` tells whether whoever runs this wants it to end: no other one is begun then, and those under way
        have a few seconds yet.
        """
        self._is_over = is_over
        results = [one for one in self._state.all_attempts() if one.has_file and attempt_of(str(one.video_path))]
        left = [one for one in results if not self._is_there(one)]
        _log.info("%d results are still to be brought up or compared at %s", len(left), self.url)
        wrong = self._done_for_each(left, lambda one: self._brought_up(str(one.video_path), str(one.video_sha256)))
        if not self._is_out_of_reach:
            wrong += self._show_videos(results)
        kept = sum(not self._is_there(one) and self._is_here(one) for one in left)
        if wrong:
            counted = f"{kept} results are kept here and are not there" if kept else f"{VIDEOS}/ there is not as here"
            self.trouble = f"{counted}: {wrong[0]}"
        with suppress(OSError):
            self._save()

    def write_reports(self) -> None:
        """Have the reports there, as they are here; what fails is ``trouble``."""
        if self._is_out_of_reach:
            return
        folder, there = self._directory.path, self._folder.index.files
        beside = (f"{RESULTS}/{path.name}" for path in sorted((folder / RESULTS).glob("*.json")))
        new = [name for name in beside if name not in there]
        wrong = self._done_for_each(
            new, lambda name: self._brought_up(name, str(digest(folder / name))), at_the_end=True
        )
        wrong += self._done_for_each(["the reports"], self._write_pages, at_the_end=True)
        if wrong:
            self.trouble = self.trouble or f"the reports are not there as they are here: {wrong[0]}"
        with suppress(OSError):
            self._save()
            self._on_disk = taken_up(folder)
            self._make_room()

    def _write_pages(self, _: str) -> str:
        """Write reports, and last the page, with the pictures that it does not hold itself. Raises `OutputFailed`."""
        folder, page = self._directory.path, self._directory.storyboard
        written = page.read_bytes() if page.is_file() else b""
        for name in sorted(set(_POSTER.findall(written.decode(errors="replace")))):
            if name not in self._folder.index.files and (folder / name).is_file():
                self._folder.write(name, (folder / name).read_bytes())
        for path in self._reports():
            if path != page or written:
                self._folder.write(path.name, path.read_bytes())
        return ""

    def _reports(self) -> tuple[Path, ...]:
        return self._directory.report, self._directory.ledger, self._directory.storyboard

    def _show_videos(self, results: Iterable[Attempt]) -> list[str]:
        """Have the results that count under the names of their scenes, and no other ones; what was wrong."""
        counting = self._directory.counting(self._state)
        wrong = self._done_for_each(self._in_doubt(counting), self._compared)
        wanted = {video_path(scene_id): one for scene_id, one in counting.items() if self._is_there(one)}
        hashes = {str(one.video_sha256) for one in results}
        known = {video_path(scene_id) for scene_id in self._directory.known_scenes(self._state)}
        index = self._folder.index
        gone = [name for name in known & index.files.keys() - wanted.keys() if index.files[name].sha256 in hashes]
        new = [name for name, one in wanted.items() if not index.is_certain(name, str(one.video_sha256))]

        def show(name: str) -> str:
            if name in wanted:
                self._folder.copy(str(wanted[name].video_path), name, hashes)
            else:
                self._folder.remove(name)
            return ""

        return [*wrong, *self._done_for_each([*new, *gone], show)]

    def _in_doubt(self, counting: Mapping[str, Attempt]) -> list[str]:
        """The results to be shown that lie there alone, and that nobody has compared since `output.json` was lost."""
        index = self._folder.index
        shown = {
            str(one.video_path): video_path(scene_id) for scene_id, one in counting.items() if not self._is_here(one)
        }
        return [name for name, video in shown.items() if index.is_doubtful(name) and not index.looks_alike(name, video)]

    def _is_here(self, attempt: Attempt) -> bool:
        return (self._directory.path / str(attempt.video_path)).is_file()

    def _is_there(self, attempt: Attempt) -> bool:
        return self._folder.index.is_certain(str(attempt.video_path), str(attempt.video_sha256))

    def _brought_up(self, name: str, sha256: str) -> str:
        """Bring up a file that is here, if any; what is wrong with it, empty for nothing. Raises `OutputFailed`."""
        path = self._directory.path / name
        if not path.is_file():
            return ""
        if digest(path) != sha256:
            return f"{path} is not the file that was delivered"
        self._folder.bring_up(name, path, sha256)
        return ""

    def _done_for_each(self, listed: Sequence[T], act: Callable[[T], str], *, at_the_end: bool = False) -> list[str]:
        """Do something for each, a few at once; what was wrong. Once the store fails, no other is begun.

        ``at_the_end`` has it done where the user wants to end as well, as far as it takes a few seconds.
        """

        def done(one: T) -> str:
            if self._is_out_of_reach or (self._is_over() and not at_the_end):
                return INTERRUPTED if self._is_over() else ""
            try:
                return act(one)
            except (OutputFailed, OSError) as error:
                if isinstance(error, OutputFailed):
                    self._is_out_of_reach = True
                return str(error)

        # Of the name of workers, since a thread that hangs must not hold up the end of the process.
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=f"{WORKERS}-output")
        begun = [pool.submit(done, one) for one in listed]
        try:
            self._wait_for(begun)
            return [reason for one in begun if (reason := one.result() if one.done() else INTERRUPTED)]
        finally:
            pool.shutdown(wait=all(one.done() for one in begun), cancel_futures=True)

    def _wait_for(self, begun: Collection["Future[str]"]) -> None:
        """Until all are done; not for long once the user wants to end."""
        while wait(begun, _LOOK_EVERY_S).not_done:
            if self._is_over():
                self._folder.hurry()
                _log.warning("what goes up to %s is waited for, %g s at most", self.url, self._ends_within_s)
                if wait(begun, self._ends_within_s).not_done:
                    self._is_out_of_reach = True
                return

    def _save(self, *, is_due: bool = True) -> None:
        """Write down what is there. Raises OSError."""
        if is_due:
            with self._saving:
                self._folder.index.save(self._directory.path)
                self._saved_at = time.monotonic()


def identity_of(folder: Path) -> str:
    """What tells a run directory from others: the first event of its journal. Empty before there is one.

    Raises OSError.
    """
    with (folder / JOURNAL).open("rb") as file:
        begins = file.readline()
    event = {name: value for name, value in json.loads(begins).items() if name not in _OF_A_LINE} if begins else None
    return "" if event is None else hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()


def named_in(owner: bytes) -> str:
    """Which run directory a file says that the results beside it are of."""
    try:
        return str(json.loads(owner)["run_directory"])
    except (ValueError, KeyError, TypeError):
        return "?"
