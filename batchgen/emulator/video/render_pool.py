"""Renders videos in a pool of threads, each one once, into a temporary folder."""

import hashlib
import os
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from batchgen.emulator.video.renderer import RenderInput, render

_MAX_THREADS = 4


@dataclass(frozen=True, slots=True)
class RenderedVideo:
    """A rendered file."""

    path: Path
    size: int
    sha256: str


class RenderPool:
    """Renders videos outside the event loop. FFmpeg and Pillow release the interpreter lock meanwhile."""

    def __init__(self) -> None:
        """Create the folder and the threads; `close` removes them."""
        self._folder = tempfile.TemporaryDirectory(prefix="batchgen-emulator-")
        workers = min(_MAX_THREADS, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="render")
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._videos: dict[str, Future[RenderedVideo]] = {}

    def submit(self, render_input: RenderInput) -> Future[RenderedVideo]:
        """Start to render a video, unless an equal one was submitted before. Does not wait."""
        with self._lock:
            if render_input.key not in self._videos:
                self._videos[render_input.key] = self._pool.submit(self._render, render_input)
            return self._videos[render_input.key]

    def close(self) -> None:
        """Stop rendering at the next frame and remove all files."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._folder.cleanup()

    def _render(self, render_input: RenderInput) -> RenderedVideo:
        content = render(render_input, self._stopped.is_set)
        path = Path(self._folder.name, f"{render_input.key}.mp4")
        path.write_bytes(content)
        return RenderedVideo(path, len(content), hashlib.sha256(content).hexdigest())
