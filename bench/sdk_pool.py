"""A batch with the public SDK of the gateway on a pool of threads, as its user would write it.

    python -m bench.sdk_pool BASE_URL THREADS POLL_S fetch|leave < bodies.json

Each thread creates a task, waits for it with the SDK's own loop, and takes the next one. What the SDK gives up at, a
refusal for too many requests and a reading that failed, is tried again after the interval. Prints the seconds that it
took, as JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar
from urllib.request import urlopen

from seaart_sdk import (  # type: ignore[import-untyped]  # the package has no py.typed
    Client,
    ClientConfig,
    SeaArtError,
    with_poll_interval,
)

T = TypeVar("T")


def _until_it_works(act: Callable[[], T], poll_s: float) -> T:
    while True:
        try:
            return act()
        except SeaArtError:
            time.sleep(poll_s)


def _one(client: Client, poll_s: float, body: dict[str, object], *, fetches: bool) -> None:
    task = _until_it_works(lambda: client.modal.create(body), poll_s)
    done = _until_it_works(lambda: client.modal.wait(task.id, with_poll_interval(poll_s)), poll_s)
    if fetches:
        with urlopen(done.urls()[0]) as answer:  # noqa: S310 - the emulator's
            answer.read()


def main() -> None:
    """Play the batch that stands on stdin."""
    base_url, threads, poll_s, fetching = sys.argv[1:]
    client = Client(ClientConfig(api_key="bench", base_url=base_url, timeout=60))
    bodies = json.load(sys.stdin)
    one = partial(_one, client, float(poll_s), fetches=fetching == "fetch")
    begun = time.perf_counter()
    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(one, bodies))
    print(json.dumps({"seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
