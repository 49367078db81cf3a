"""Sending a body of 400 MB out of three video files, beside copying as many bytes through loopback.

The copy sends a file of the same number of bytes with ``socket.sendfile``: no HTTP, no base64, no
hash. Both send to a process that only receives. Peak memory is the sender's, over what it had
before it began.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

VIDEO_BYTES = 100 * 1024 * 1024
ROUNDS = 3

_SINK = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
room = bytearray(1 << 20)
while True:
    connection, _ = listener.accept()
    with connection:
        head = b""
        while b"\\r\\n\\r\\n" not in head:
            head += connection.recv(4096)
        head, _, rest = head.partition(b"\\r\\n\\r\\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\\r\\n") if line.startswith(b"content-length:"))
        left = length - len(rest)
        while left:
            left -= connection.recv_into(room)
        connection.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 11\\r\\n\\r\\n{"id": "t"}')
"""
_COPY = """
import socket
with socket.create_connection(("127.0.0.1", port)) as connection, open(path, "rb") as file:
    connection.sendall(b"POST / HTTP/1.1\\r\\nContent-Length: %d\\r\\n\\r\\n" % size)
    connection.sendfile(file, 0, size)
    assert connection.recv(100)
"""
_UPLOAD = """
create(request)
"""
_PREPARE = """
import hashlib
from functools import partial
from pathlib import Path
from batchgen.providers.api_key import ApiKey
from batchgen.providers.provider import Connection
from batchgen.providers.vtrix.client import VtrixGateway
from batchgen.model import Asked, Request
from batchgen.references import Content, Facts, Reference
with open(path, "rb") as file:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
content = Content(digest, "video/mp4", Facts("video", "mp4", Path(path).stat().st_size), Path(path))
request = Request(Asked("m"), {"model": "m", "input": {"reference_urls": (Reference("v", content),) * 3}})
gateway = VtrixGateway(Connection(f"http://127.0.0.1:{port}", ApiKey("key")))
create = partial(gateway.create, request_id="q1", request_format="documented")
create(Request(Asked("m"), {"model": "m", "input": {"prompt": "p"}}))
"""
_FRAME = """
import json, resource, sys, time
path, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
{prepare}
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start, cpu = time.perf_counter(), time.process_time()
{body}
print(json.dumps([time.perf_counter() - start, time.process_time() - cpu,
                  (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024]))
"""


def _measure(prepare: str, body: str, path: Path, port: int, size: int) -> tuple[float, float, float]:
    """Seconds, seconds of CPU, and MB over idle, of one process."""
    program = _FRAME.format(prepare=prepare, body=body)
    command = [sys.executable, "-c", program, str(path), str(port), str(size)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu, megabytes = json.loads(done.stdout)
    return seconds, cpu, megabytes


def run() -> None:
    """Print throughput, CPU and memory of both, and the ratio of the throughputs."""
    size = 3 * 4 * ((VIDEO_BYTES + 2) // 3)
    with tempfile.TemporaryDirectory() as folder:
        video, whole = Path(folder) / "video.mp4", Path(folder) / "body"
        video.write_bytes(bytes(VIDEO_BYTES))
        whole.write_bytes(bytes(size))
        sink = subprocess.Popen([sys.executable, "-c", _SINK], stdout=subprocess.PIPE, text=True)
        try:
            port = int(sink.stdout.readline()) if sink.stdout else 0
            rounds = [
                (_measure("", _COPY, whole, port, size), _measure(_PREPARE, _UPLOAD, video, port, size))
                for _ in range(ROUNDS)
            ]
        finally:
            sink.terminate()
            sink.wait()
    copy, upload = (min(measured[side] for measured in rounds) for side in (0, 1))
    print(f"a body of {size / 1e6:.0f} MB, best of {ROUNDS}")
    print("                     MB/s   CPU s   MB over idle")
    for name, best, side in (("socket.sendfile", copy, 0), ("batchgen create", upload, 1)):
        peak = max(measured[side][2] for measured in rounds)
        print(f"{name}    {size / best[0] / 1e6:6.0f}  {best[1]:6.2f}  {peak:6.1f}")
    print(f"ratio              {copy[0] / upload[0]:6.2f}                  (aim: at most 32 MB over idle)")
