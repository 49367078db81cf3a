"""One emulator for many runs: it strikes where a prompt names a fault in brackets."""

from collections.abc import Iterator

import pytest

from helpers.runs import Gateway, emulator

FAULTS = (
    "401",
    "403",
    "lost-response",
    "slow",
    "stuck",
    "code-001028001",
    "wrong-size-result",
    "truncated-result",
    "expired-url",
    "result-404",
    "fail-001028095-object",
    "fail-001028004-string",
    "fail-001028095-int",
    "fail-none",
)
SLOW_S = "2"


@pytest.fixture(scope="session")
def shared_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("emulator")
    rules = [{"match": f"[{kind}]", "fault": kind} for kind in FAULTS]
    with emulator(folder, f"--slow-seconds={SLOW_S}", rules=rules) as running:
        yield running


@pytest.fixture
def gateway(shared_emulator: Gateway) -> Gateway:
    """An emulator, with the log of this test only."""
    return shared_emulator.from_now()
