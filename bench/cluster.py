"""Results of 1920*1080 fetched, checked and shown: by threads, and by a Dask cluster of 1, 2 and 4 processes.

A server in a process of its own has one video of 5 s, and makes each answer another file by a box at its end that
players skip. What is measured is what a run does with each result: fetch, check, keep, pictures. Seconds are those
of the clock, CPU is that of the coordinator alone; both are of the quickest of several rounds. Without a disk that
both see, the bytes travel to the coordinator.
"""

import logging
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from batchgen.runner.cluster import Cluster
from batchgen.runner.cluster_connection import cluster_at
from batchgen.runner.command_executor import done_here
from batchgen.store.interface import Checked, Wanted, Work
from batchgen.store.local import Limits, LocalStore

RESULTS = 24
AT_ONCE = 32
ROUNDS = 2
PROCESSES = (1, 2, 4)
_SIZE, _SECONDS, _RATE = (1920, 1080), 5, 30
_BITS_PER_S = 8_000_000
_SCHEDULER = ("scheduler", "--host=127.0.0.1", "--port=0", "--no-dashboard")
_DASK = (sys.executable, "-P", "-m", "dask")


def _video(path: Path) -> bytes:
    """A picture that pans, of about the bytes that results of this size have."""
    import av
    import numpy as np

    noise = np.random.default_rng(7).integers(0, 255, (_SIZE[1] // 8, _SIZE[0] // 8, 3), dtype=np.uint8)
    picture = noise.repeat(8, axis=0).repeat(8, axis=1)
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=_RATE, options={"preset": "ultrafast"})
        stream.bit_rate = _BITS_PER_S
        stream.width, stream.height, stream.pix_fmt = *_SIZE, "yuv420p"
        for number in range(_SECONDS * _RATE):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, 4 * number, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


def serve(folder: str) -> None:
    """Be the process that has the results."""
    content = _video(Path(folder) / "video.mp4")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            whole = content + struct.pack(">I4sQ", 16, b"free", int(self.path.rpartition("/")[2]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port} {len(content)}", flush=True)
    server.serve_forever()


@contextmanager
def _process(*command: str, says: str) -> Iterator[str]:
    """The line with which a process says that it is ready."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield next(line for line in process.stdout or () if says in line)
        finally:
            process.terminate()


@contextmanager
def _cluster(run_dir: Path, processes: int, *, shared: bool) -> Iterator[Cluster]:
    with ExitStack() as stack:
        address = stack.enter_context(_process(*_DASK, *_SCHEDULER, says="Scheduler at:")).split()[-1]
        for number in range(processes):
            options = [address, "--nthreads=1", "--no-dashboard", f"--local-directory={run_dir / str(number)}"]
            stack.enter_context(_process(*_DASK, "worker", *options, says="Registered to"))
        cluster = stack.enter_context(cluster_at(address, run_dir, lambda _: False))
        if not shared:
            cluster._shared = replace(cluster._shared, token="unseen")  # noqa: SLF001, S106 - as if there were no such disk
        yield cluster


def _round(run_dir: Path, address: str, fetched: Callable[[Work], Checked]) -> tuple[float, float]:
    """Seconds and seconds of CPU for all results."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    with closing(LocalStore(run_dir, Limits(AT_ONCE))) as store, ThreadPoolExecutor(AT_ONCE) as pool:

        def bring(number: int) -> None:
            wanted = Wanted(f"s{number}", 1, f"{address}/{number}", "1920*1080", _SECONDS)
            store.keep(wanted, fetched(store.work(wanted)))

        list(pool.map(bring, range(RESULTS)))
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return time.perf_counter() - begun, used


def _rounds(
    address: str, fetched: Callable[[Work], Checked] | None, processes: int = 0, *, shared: bool = True
) -> None:
    figures = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            run_dir = Path(folder)
            way = fetched or stack.enter_context(_cluster(run_dir, processes, shared=shared)).fetched
            figures.append(_round(run_dir, address, way))
    seconds, used = map(min, zip(*figures, strict=True))
    how = "threads" if fetched else f"dask, {processes} process{'es' if processes > 1 else ''}"
    where = "" if fetched or shared else ", no disk shared"
    print(f"| {how}{where} | {RESULTS / seconds:.1f} | {1000 * used / RESULTS:.0f} |", flush=True)


def run() -> None:
    """Print a table of results a second, and milliseconds of CPU that the coordinator takes for one."""
    logging.getLogger("batchgen").addHandler(logging.NullHandler())
    with tempfile.TemporaryDirectory() as folder:
        program = f"from bench.cluster import serve; serve({folder!r})"
        with _process(sys.executable, "-c", program, says="http://") as line:
            address, size = line.split()
            print(f"{RESULTS} results of {int(size) / 1e6:.1f} MB, {AT_ONCE} at once, best of {ROUNDS}")
            print("| executor | results/s | ms of CPU at the coordinator |\n| --- | --- | --- |")
            _rounds(address, done_here)
            for processes in PROCESSES:
                _rounds(address, None, processes)
            _rounds(address, None, 2, shared=False)
