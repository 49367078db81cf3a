"""Running emulators."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from batchgen.emulator.faults.rules import rule
from batchgen.emulator.faults.selector import Rule
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.schemas import Catalogue, shipped

from unit.emulator.client import Client, Start


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts emulators; faults may be given as on the command line."""
    with ExitStack() as stack:

        def begin(*faults: str | Rule, catalogue: Catalogue | None = None, **settings: Any) -> Client:
            rules = [rule(fault) if isinstance(fault, str) else fault for fault in faults]
            log = tmp_path / "requests.jsonl"
            given = Settings(**{"latency": (0.0, 0.0), "seed": 1, "log": log, "rules": rules, **settings})
            emulator = stack.enter_context(EmbeddedEmulator(given, catalogue or shipped()))
            client = Client(emulator.base_url, log)
            stack.callback(client.close)
            return client

        yield begin
