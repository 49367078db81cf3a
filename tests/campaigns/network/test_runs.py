"""Whole runs over a line that fails: what is bought is bought once, and arrives, or is told to be missing."""

import ssl
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from campaigns.network.faults import BY_NAME, Fault
from campaigns.network.proxy import FaultyProxy, Route, faulty_proxy
from campaigns.network.unreachable import UNREACHABLE, Ground
from helpers.runs import Batch, batch, emulator

POLLS, RESULTS, SUBMISSIONS = b"GET /model/", b"GET /files/", b"POST "


def named(*names: str) -> list[Fault]:
    return [BY_NAME[name] for name in names]


def film_behind(proxy: FaultyProxy, folder: Path, scenes: int) -> Batch:
    """A batch that is run through a proxy, three requests at a time."""
    folder.mkdir(exist_ok=True)
    return batch(folder, proxy.base_url, scenes)


UNCERTAIN = (
    (
        "reset after the request, before the gateway has it",
        "half-open instead of an answer",
        "closed inside the body of the answer",
        "not HTTP",
    ),
    (
        "reset inside the body of the request",
        "reset instead of an answer",
        "closed after the status",
        "the head of the answer drips byte by byte",
    ),
)
"""As many as the breaker lets pass in a row."""


@pytest.mark.parametrize("names", UNCERTAIN, ids=["some", "others"])
def test_what_may_have_been_bought_is_unknown_and_never_sent_again(tmp_path: Path, names: tuple[str, ...]) -> None:
    faults = named(*names)
    with emulator(tmp_path) as gateway, faulty_proxy(gateway.base_url) as proxy:
        film = film_behind(proxy, tmp_path, len(faults) + 1)
        proxy.strike(*(fault.act for fault in faults), only=SUBMISSIONS)
        film.run("--workers=1", "--request-timeout=2", expect=1)
        assert film.statuses().split() == [*["unknown"] * len(faults), "completed"]
        assert {row["error_code"] for row in film.report().values()} == {"submit_unknown", ""}
        created = 1 + sum(fault.created for fault in faults)
        assert len(gateway.posts()) == len(gateway.created()) == created
        again = gateway.from_now()
        film.run(expect=1)
        assert again.requests("POST", "/") == []


@pytest.mark.usefixtures("trusted")
def test_where_no_connection_was_made_a_submission_is_repeated(tmp_path: Path, localhost: ssl.SSLContext) -> None:
    with emulator(tmp_path) as gateway, faulty_proxy(gateway.base_url, Route.TLS, localhost) as proxy:
        film = film_behind(proxy, tmp_path, 2)
        proxy.shut(2)
        film.run("--workers=1", "--request-timeout=20", "--no-download")
        assert film.statuses() == "completed completed"
        assert film.happened("refused", 2)
        film.witness(gateway, 2)


def test_readings_and_results_come_through_a_line_that_fails(tmp_path: Path) -> None:
    readings = named(
        "reset instead of an answer",
        "half-open: nobody is there any more",
        "closed inside the head of the answer",
        "the body of the answer drips byte by byte",
        "called compressed, and is not",
        "two lengths that differ",
    )
    results = named(
        "reset inside the body of the answer",
        "silent inside the body of the answer",
        "closed after the status",
        "headers without end",
    )
    with emulator(tmp_path) as gateway, faulty_proxy(gateway.base_url) as proxy:
        film = film_behind(proxy, tmp_path, 3)
        proxy.strike(*(fault.act for fault in readings), only=POLLS)
        proxy.strike(*(fault.act for fault in results), only=RESULTS)
        film.run("--workers=3", "--request-timeout=2", expect=0)
        assert film.statuses() == "completed completed completed"
        assert 206 in {entry["status"] for entry in gateway.downloads()}
        film.witness(gateway, 3)


def test_a_result_that_did_not_arrive_is_fetched_by_the_next_run(tmp_path: Path) -> None:
    with emulator(tmp_path) as gateway, faulty_proxy(gateway.base_url) as proxy:
        film = film_behind(proxy, tmp_path, 1)
        proxy.strike_always(BY_NAME["closed after the head of the answer"].act, only=RESULTS)
        film.run("--request-timeout=20", expect=1)
        (row,) = film.report().values()
        assert (row["status"], row["error_code"], bool(row["cost_usd"])) == ("failed", "download_failed", True)
        proxy.heal()
        film.run(expect=0)
        film.witness(gateway, 1)


@pytest.mark.slow
def test_a_gateway_that_nobody_can_connect_to_ends_the_run(tmp_path: Path, authority: trustme.CA) -> None:
    with ExitStack() as stack:
        runs = []
        for number, way in enumerate(UNREACHABLE):
            folder = tmp_path / str(number)
            folder.mkdir()
            ground = Ground(authority, folder)
            address = stack.enter_context(way.stand(ground))
            film = batch(folder, address.base_url, 2)
            settings = {"no_proxy": "", **address.environment}
            run = stack.enter_context(film.started("--request-timeout=2", environment=settings))
            runs.append((way, ground, film, run))
        for way, ground, film, run in runs:
            _, told = run.communicate(timeout=100)
            assert run.returncode == 5, (way.does, told)
            assert "the gateway could not be reached" in told
            assert film.statuses() == "pending pending"
            assert set(ground.heard) <= {b"CONNECT"}
