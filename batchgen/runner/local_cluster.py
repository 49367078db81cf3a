"""A cluster on this machine that lives as long as a run: a scheduler and processes of its own.

They are children of one process, which ends them once its standard input is at its end: so they end with the run
however that ends, be it killed. It has a session of its own, which no Ctrl-C reaches, an environment without keys,
and speaks TLS with a certificate of the moment, since a scheduler runs whatever code anybody sends to it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile

_PATIENCE_S = 20.0
"""For the orderly end of all processes; then they are killed."""


class CannotStart(Exception):  # noqa: N818 - an end like others
    """There is no cluster; the text says why."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster of this machine; certificate and key are PEM."""

    address: str
    certificate: str
    key: str


@contextmanager
def started(environment: Mapping[str, str]) -> Iterator[Access]:
    """A cluster with a process for each core, as long as the context lasts. Raises `CannotStart`."""
    command = [sys.executable, "-P", "-m", "batchgen.runner.local_cluster"]
    with (
        TemporaryFile() as said,
        subprocess.Popen(  # noqa: S603 - this very program
            command,
            env={**environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
            encoding="ascii",
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                said.seek(0)
                raise CannotStart((said.read().decode(errors="replace").splitlines() or ["it ended"])[-1])
            yield Access(**json.loads(line))
        finally:
            _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()


def serve() -> None:
    """Be the process that has the cluster."""
    from distributed import LocalCluster, Security

    security = Security.temporary()
    with LocalCluster(
        threads_per_worker=1, dashboard_address=None, protocol="tls://", security=security, silence_logs=False
    ) as cluster:
        access = {
            "address": cluster.scheduler_address,
            "certificate": security.tls_ca_file,
            "key": security.tls_client_key,
        }
        print(json.dumps(access), flush=True)  # noqa: T201 - to the process that started this one
        sys.stdin.read()


if __name__ == "__main__":
    serve()
