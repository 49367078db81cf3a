"""Renders videos in threads, each once, into a folder that goes when the emulator goes."""

import hashlib
import os
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from batchgen.emulator.video.renderer import Scene, rendered

_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class Video:
    """A finished file."""

    path: Path
    size: int
    sha256: str


class Studio:
    """Makes videos off the event loop: FFmpeg and Pillow let go of the interpreter while they work."""

    def __init__(self) -> None:
        """Open the folder and the threads; close them with `close`."""
        self._folder = tempfile.TemporaryDirectory(prefix="batchgen-emulator-")
        workers = min(_MOST_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="render")
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._videos: dict[str, Future[Video]] = {}

    def video(self, scene: Scene) -> Future[Video]:
        """The video of a scene, which may still be in the making. Does not wait."""
        with self._lock:
            if scene.key not in self._videos:
                self._videos[scene.key] = self._pool.submit(self._made, scene)
            return self._videos[scene.key]

    def close(self) -> None:
        """Stop at the next frame and remove all files."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()

    def _made(self, scene: Scene) -> Video:
        content = rendered(scene, self._stopped.is_set)
        path = Path(self._folder.name, f"{scene.key}.mp4")
        path.write_bytes(content)
        return Video(path, len(content), hashlib.sha256(content).hexdigest())
