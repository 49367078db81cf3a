"""HTTP libraries beside each other: many small requests, and one large streamed body.

Needs httpx, which batchgen itself does not: ``pip install httpx``.
"""

import json
import subprocess
import sys

REQUESTS = 2_000
BODY_BYTES = 400_000_000
ROUNDS = 3

_SERVER = """
import socket, threading
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def serve(connection):
    room = bytearray(1 << 20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        head = b""
        while b"\\r\\n\\r\\n" not in head:
            more = connection.recv(65536)
            if not more:
                return
            head += more
        head, _, rest = head.partition(b"\\r\\n\\r\\n")
        lines = [line for line in head.lower().split(b"\\r\\n") if line.startswith(b"content-length:")]
        left = int(lines[0][15:]) - len(rest) if lines else 0
        while left:
            left -= connection.recv_into(room)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
_CLIENTS = {
    "urllib3": """
import urllib3
client = urllib3.PoolManager(maxsize=8, block=True)
def get(url): return client.request("GET", url).data
def post(url, body, length): client.request("POST", url, body=body, headers={"Content-Length": str(length)})
""",
    "httpx": """
import httpx
client = httpx.Client()
def get(url): return client.get(url).content
def post(url, body, length): client.post(url, content=body, headers={"Content-Length": str(length)})
""",
}
_MEASURE = """
import json, sys, time
start = time.process_time()
{client}
imported = time.process_time() - start
url, requests, length = f"http://127.0.0.1:{{sys.argv[1]}}/", int(sys.argv[2]), int(sys.argv[3])
get(url)
start = time.process_time()
for _ in range(requests):
    get(url)
small = (time.process_time() - start) / requests
chunk = b"a" * 250_000
start = time.process_time()
post(url, (chunk for _ in range(length // len(chunk))), length)
print(json.dumps([imported, small, time.process_time() - start]))
"""


def _best(client: str, port: int) -> list[float]:
    command = [sys.executable, "-c", _MEASURE.format(client=client), str(port), str(REQUESTS), str(BODY_BYTES)]
    rounds = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(ROUNDS)
    ]
    return [min(figures) for figures in zip(*rounds, strict=True)]


def run() -> None:
    """Print CPU time by library, and the ratios."""
    server = subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True)
    try:
        port = int(server.stdout.readline()) if server.stdout else 0
        figures = {name: _best(client, port) for name, client in _CLIENTS.items()}
    finally:
        server.terminate()
        server.wait()
    print(f"CPU time of the client, best of {ROUNDS}")
    print(f"           import ms   ms a request   s for {BODY_BYTES / 1e6:.0f} MB")
    for name, (imported, small, large) in figures.items():
        print(f"{name:10} {imported * 1e3:9.0f} {small * 1e3:14.2f} {large:14.2f}")
    ratios = [ours / other for ours, other in zip(figures["urllib3"], figures["httpx"], strict=True)]
    print(f"{'ratio':10} {ratios[0]:9.2f} {ratios[1]:14.2f} {ratios[2]:14.2f}")
