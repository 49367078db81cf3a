"""The form of a request against an emulator that takes one of the two, or changes its mind; and the id of a request."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import batchgen
from batchgen.emulator.faults.rules import rule
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Accept, Settings
from batchgen.schemas import shipped
from batchgen.version import __version__

from helpers.runs import KEY, PRICES, Batch, Gateway, batch


@dataclass
class Talk:
    """An emulator, and runs of one batch against it."""

    emulator: EmbeddedEmulator
    gateway: Gateway
    film: Batch

    def run(self, **options: Any) -> batchgen.RunResult:
        pace = {"base_url": self.emulator.base_url, "api_key": KEY, "poll_interval": 0.05}
        return batchgen.run(self.film.manifest, **{**pace, **options})

    def forms(self) -> list[tuple[str, int]]:
        """The form and the status of each submission."""
        return [(entry["format"], entry["status"]) for entry in self.gateway.posts()]


@contextmanager
def talking(folder: Path, accept: Accept, scenes: int = 5, faults: tuple[str, ...] = ()) -> Iterator[Talk]:
    log = folder / "gateway.jsonl"
    settings = Settings(latency=(0.05, 0.05), accept=accept, log=log, rules=[rule(kind) for kind in faults])
    with EmbeddedEmulator(settings, shipped()) as emulator:
        made = batch(folder, emulator.base_url, scenes, pricing=PRICES)
        yield Talk(emulator, Gateway(emulator.base_url, log), made)


def test_a_gateway_that_takes_lists_only_refuses_one_submission_of_a_directory(tmp_path: Path) -> None:
    with talking(tmp_path, "params") as talk:
        assert talk.run(workers=8).is_complete
        assert talk.forms() == [("documented", 422), *[("params", 200)] * 5]
        talk.film.scenes["s1"]["seed"] = 99
        talk.film.write()
        assert talk.run().is_complete
        assert talk.forms()[6:] == [("params", 200)], "it is remembered"
    assert {row["attempts"] for row in talk.film.report().values()} <= {"1", "2"}
    assert [row["attempt"] for row in talk.film.ledger()].count("1") == 5, "a refused form is no attempt"


def test_a_gateway_that_takes_objects_only_refuses_none(tmp_path: Path) -> None:
    with talking(tmp_path, "documented", 3) as talk:
        assert talk.run().is_complete
        assert talk.forms() == [("documented", 200)] * 3


def test_a_gateway_that_changes_its_mind_costs_one_refusal_for_each_that_was_under_way(tmp_path: Path) -> None:
    with talking(tmp_path, "documented", 3) as talk:
        assert talk.run().is_complete
        talk.emulator.switches.accept = "params"
        for scene in talk.film.scenes.values():
            scene["seed"] = 7
        talk.film.write()
        assert talk.run().is_complete
        assert all(status == 200 for form, status in talk.forms() if form == "params")
        assert [form for form, status in talk.forms()[3:] if status == 200] == ["params"] * 3


@pytest.mark.parametrize(("wanted", "status"), [("documented", "failed"), ("params", "completed")])
def test_a_form_that_is_fixed_is_never_left(tmp_path: Path, wanted: str, status: str) -> None:
    with talking(tmp_path, "params", 2) as talk:
        ended = talk.run(request_format=wanted)
        assert {form for form, _ in talk.forms()} == {wanted}
    assert [scene.status for scene in ended.scenes] == [status, status]
    if status == "failed":
        assert ended.scenes[0].error_message.endswith("asked in the form documented alone, and not as params")


def test_scenes_that_no_form_helps_fail_with_both_answers_after_two_submissions_each(tmp_path: Path) -> None:
    with talking(tmp_path, "params", 2, faults=("code-001028004-400",)) as talk:
        ended = talk.run()
        assert len(talk.forms()) == 4
        assert talk.gateway.created() == []
    assert [(scene.status, scene.error_code) for scene in ended.scenes] == [("failed", "001028004")] * 2
    assert "refused in both forms of a request, params and documented (as documented: " in ended.scenes[0].error_message


def test_each_submission_can_be_found_by_an_id_that_was_written_down_before(tmp_path: Path) -> None:
    with talking(tmp_path, "both", 3, faults=("lost-response",)) as talk:
        ended = talk.run()
        posts = talk.gateway.posts()
    sent = [post["request_id"] for post in posts]
    assert len({UUID(request_id) for request_id in sent}) == 3
    assert {post["user_agent"] for post in posts} == {f"batchgen/{__version__}"}
    journal = talk.film.journal()
    assert [line["request_id"] for line in journal if line["event"] == "submitting"] == sent
    assert [scene.status for scene in ended.scenes] == ["unknown"] * 3
    shown = talk.film.do("status", talk.film.run_dir).out
    assert re.findall(r"ask support for request id (\S+)", shown) == sent
    assert all(row["error_message"].endswith(sent[number]) for number, row in enumerate(talk.film.ledger()))


def test_a_balance_that_runs_out_ends_a_run_and_the_next_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "gateway.jsonl"
    with EmbeddedEmulator(Settings(latency=(0, 0), log=log, balance=Decimal("0.45")), shipped()) as emulator:
        film = batch(tmp_path, emulator.base_url, 3, pricing=PRICES)
        ended = film.run(expect=5)
        assert "stopped: the balance at your provider does not suffice" in ended.err
        assert "To go on, first top up the balance at your provider. Then:" in ended.err
        assert sorted(film.statuses().split()) == ["completed", "completed", "pending"]
    with EmbeddedEmulator(Settings(latency=(0, 0)), shipped()) as emulator:
        film.gateway = emulator.base_url
        film.run("--rebind")
    assert film.statuses() == "completed completed completed"
