"""An S3 of its own for each test run, over real HTTP: moto, which has an environment of its own (nox -s storage)."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.servers import free_port

PROGRAM = os.environ.get("MOTO_SERVER", "")
_PATIENCE_S = 60.0
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing-secret", "AWS_REGION": "us-east-1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and not PROGRAM:
            item.add_marker(pytest.mark.skip(reason="MOTO_SERVER does not name the program; run nox -s storage"))


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The address of an S3."""
    port = free_port()
    with subprocess.Popen(
        [PROGRAM, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _until_it_listens(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _until_it_listens(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "moto does not start"
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def s3(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The file system of that S3, with a bucket named ``film``; what a program finds in the environment as well."""
    import s3fs  # it comes with an extra

    for name, value in {**_CREDENTIALS, "AWS_ENDPOINT_URL": moto}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    store = s3fs.S3FileSystem(use_listings_cache=False)
    if not store.exists("film"):
        store.mkdir("film")
    return store
