"""A plan asks the gateway for its prices: once a kind, with no file of the user's, and buys nothing whatever comes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import batchgen
from batchgen.app.notices import Notice, Warned

from helpers.servers import Peer, free_port, server
from helpers.support import Ended, in_process, write_image, write_video

KEY = "sk-0123456789-of-the-test"
PREVIEW = "/model/v1/generation/precharge"
SCENES = [
    {"id": "s01", "prompt": "character1 walks", "references": ["hero.png"]},
    {"id": "s02", "prompt": "character1 runs", "references": ["hero.png"]},
    {"id": "s03", "prompt": "character1 runs", "references": ["dog.mp4"]},
    {"id": "s04", "prompt": "character1 runs", "references": ["https://example.org/dog.mp4"]},
    {"id": "s05", "prompt": "character1 runs", "references": ["hero.png"], "duration": 10},
]


class Asked:
    """A gateway that answers each request in the same way, and remembers what came."""

    def __init__(self, document: object, status: int = 200, **headers: str) -> None:
        self.body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.status, self.headers = status, headers
        self.requests: list[tuple[str, Any]] = []
        self.heads: list[bytes] = []

    def __call__(self, peer: Peer) -> None:
        body = json.loads(peer.read_request())
        self.requests.append((peer.target, body))
        self.heads.append(peer.head)
        peer.answer(self.status, self.body, **self.headers)


@contextmanager
def answering(document: object, status: int = 200, **headers: str) -> Iterator[tuple[Asked, str]]:
    gateway = Asked(document, status, **headers)
    with server(gateway) as address:
        yield gateway, address


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BATCHGEN_API_KEY", KEY)
    write_image(tmp_path / "hero.png")
    write_video(tmp_path / "dog.mp4", seconds=4)
    manifest = tmp_path / "manifest.yaml"
    pricing = {"720P": "0.10", "reference_video": "same"}
    document = {"version": 1, "name": "film", "defaults": {"size": "1280*720"}, "pricing": pricing, "scenes": SCENES}
    manifest.write_text(json.dumps(document))
    return manifest


def asked(film: Path, address: str, *options: str, code: int = 0) -> Ended:
    ended = in_process("plan", str(film), "--ask-gateway", "--base-url", address, *options)
    assert ended.code == code, ended.err
    assert KEY not in ended.out + ended.err
    return ended


def test_each_kind_of_scene_is_asked_for_once_and_without_local_media(film: Path) -> None:
    with answering({"status": "success", "data": {"cost": "0.77", "currency": "USD"}}) as (gateway, address):
        plan = json.loads(asked(film, address, "--format=json").out)
    assert [target for target, _ in gateway.requests] == [PREVIEW] * 3
    bodies = [body for _, body in gateway.requests]
    assert [body["input"]["reference_urls"] for body in bodies] == [
        ["https://example.com/reference.png"],
        ["https://example.com/reference.mp4"],
        ["https://example.com/reference.png"],
    ], "s04 is of the kind of s03"
    assert [body["parameters"]["duration"] for body in bodies] == [5, 5, 10]
    assert all(body["model"] == "wan26_r2v" for body in bodies)
    assert all(f"Authorization: Bearer {KEY}".encode() in head for head in gateway.heads)
    assert [scene["gateway_cost_usd"] for scene in plan["scenes"]] == ["0.77"] * 5
    assert [scene["estimated_cost_usd"] for scene in plan["scenes"]] == ["0.50", "0.50", "0.90", "1.00", "1.00"]
    assert (plan["totals"]["gateway_cost_usd"], plan["totals"]["gateway_cost_unknown"]) == ("3.85", 0)


def test_the_table_shows_both(film: Path) -> None:
    with answering({"data": {"cost": "0.77"}}) as (_, address):
        ended = asked(film, address)
    assert "new  gateway  paid" in ended.out
    assert "0.10 × (5 + 4)  0.90     0.77" in ended.out  # noqa: RUF001 - the sign for times
    assert "by the gateway's own word: 3.85 USD" in ended.out


@pytest.mark.parametrize(
    ("document", "status", "said", "times"),
    [
        ({"reason": "COST_CACHE_MISS"}, 200, "COST_CACHE_MISS", 3),
        ({"message": "gone"}, 404, "it may offer no price preview", 1),
        ({"message": "who are you"}, 401, "answered 401: who are you", 1),
        (b"<html>", 200, "a page in place of an answer", 1),
    ],
)
def test_what_is_not_stated_is_a_warning_and_changes_no_exit_code(
    film: Path, document: object, status: int, said: str, times: int
) -> None:
    with answering(document, status) as (gateway, address):
        ended = asked(film, address)
    assert len(gateway.requests) == times
    assert "warning: the gateway states no price for s01, s02, s03, s04, s05: " in ended.err
    assert said in ended.err
    assert "new, by the gateway's own word: not stated" in ended.out
    assert "new: 3.90 USD" in ended.out


def test_what_is_refused_in_one_form_is_asked_in_the_other(film: Path) -> None:
    forms: list[bool] = []

    def only_lists(peer: Peer) -> None:
        is_list = isinstance(json.loads(peer.read_request())["input"], list)
        forms.append(is_list)
        answer = {"data": {"cost": "0.77"}} if is_list else {"detail": "input must be an array"}
        peer.answer(200 if is_list else 422, json.dumps(answer).encode())

    with server(only_lists) as address:
        ended = asked(film, address)
    assert forms == [False, True, True, True], "the form that was taken goes first from then on"
    assert "by the gateway's own word: 3.85 USD" in ended.out
    assert "states no price" not in ended.err


def test_what_is_refused_in_both_forms_is_told_as_first_said(film: Path) -> None:
    with answering({"detail": "no"}, 422) as (gateway, address):
        ended = asked(film, address)
    assert len(gateway.requests) == 6
    assert "warning: the gateway states no price for s01, s02, s03, s04, s05: the gateway answered 422: no" in ended.err


def test_a_redirect_leads_nowhere(film: Path) -> None:
    with answering({"id": "x"}, 307, location="/model/v1/generation") as (gateway, address):
        asked(film, address)
    assert {target for target, _ in gateway.requests} == {PREVIEW}


def test_a_gateway_that_is_not_there(film: Path) -> None:
    ended = asked(film, f"http://127.0.0.1:{free_port()}")
    assert (
        "warning: the gateway states no price for s01, s02, s03, s04, s05: the gateway cannot be reached" in ended.err
    )


def test_a_task_id_is_told_aloud_and_nothing_more_is_asked(film: Path) -> None:
    with answering({"id": "task-7", "status": "in_progress"}) as (gateway, address):
        ended = asked(film, address)
    assert len(gateway.requests) == 1
    assert "warning: the price preview of s01 was answered with a task id, task-7" in ended.err
    assert "warning: the gateway states no price for s03, s04, s05: nothing more was asked" in ended.err


def test_what_is_not_bought_is_not_asked_for(film: Path) -> None:
    with answering({"data": {"cost": "0.77"}}) as (gateway, address):
        plan = json.loads(asked(film, address, "--format=json", "--scene=s05").out)
    assert len(gateway.requests) == 1
    assert plan["totals"]["gateway_cost_usd"] == "0.77"


def test_a_saved_plan_is_bound_to_no_price_of_the_gateway(film: Path, tmp_path: Path) -> None:
    with answering({"data": {"cost": "0.77"}}) as (_, address):
        asked(film, address, "--out", str(tmp_path / "film.plan"))
    assert in_process("run", str(film), "--dry-run", "--plan", str(tmp_path / "film.plan")).code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--ask-gateway", "--emulator"), "--emulator and --ask-gateway exclude each other"),
        (("--base-url=http://127.0.0.1:9",), "add --ask-gateway"),
        (("--ask-gateway", "--base-url=ftp://a"), "is not a plain http or https URL"),
    ],
)
def test_wrong_usage(film: Path, options: tuple[str, ...], said: str) -> None:
    ended = in_process("plan", str(film), *options)
    assert ended.code == 2
    assert said in ended.err


def test_an_address_in_the_environment_holds_where_it_is_asked(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({"data": {"cost": "0.77"}}) as (gateway, address):
        monkeypatch.setenv("BATCHGEN_BASE_URL", address)
        told = in_process("plan", str(film), "--ask-gateway")
        untold = in_process("plan", str(film))
    assert (told.code, untold.code, len(gateway.requests)) == (0, 0, 3)
    assert "options from the environment: BATCHGEN_BASE_URL" in told.err
    assert untold.err == ""


def test_prices_are_asked_for_in_the_form_of_requests(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering({"data": {"cost": "0.77"}}) as (gateway, address):
        asked(film, address, "--request-format=params", "--scene=s01")
        monkeypatch.setenv("BATCHGEN_REQUEST_FORMAT", "params")
        asked(film, address, "--scene=s01")
        batchgen.plan(film, ask_gateway=True, base_url=address, request_format="params", scenes="s01")
        assert [isinstance(body["input"], list) for _, body in gateway.requests] == [True] * 3
        asked(film, address, "--request-format=documented", "--scene=s01")
        assert isinstance(gateway.requests[-1][1]["input"], dict)
    assert in_process("plan", str(film)).err == ""
    assert "add --ask-gateway" in in_process("plan", str(film), "--request-format=params").err
    monkeypatch.setenv("BATCHGEN_REQUEST_FORMAT", "xml")
    assert in_process("plan", str(film)).code == 2


def test_without_a_key_nobody_is_asked(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BATCHGEN_API_KEY")
    with answering({}) as (gateway, address):
        assert "there is no API key" in asked(film, address, code=2).err
    assert gateway.requests == []


def test_a_program_asks_in_the_same_way(film: Path) -> None:
    notices: list[Notice] = []
    with answering({"data": {"cost": "0.77"}}) as (_, address):
        made = batchgen.plan(film, ask_gateway=True, base_url=address, api_key=KEY, on_event=notices.append)
        dear = batchgen.plan(film, ask_gateway=True, base_url=address, on_event=notices.append, scenes="s01")
    assert made.gateway_costs is not None
    assert {str(usd) for usd in made.gateway_costs.values()} == {"0.77"}
    assert dear.gateway_costs is not None
    assert list(dear.gateway_costs) == ["s01"]
    assert not [each for each in notices if isinstance(each, Warned)]
    with pytest.raises(batchgen.UsageError, match="exclude each other"):
        batchgen.plan(film, emulator=True, ask_gateway=True)
    with pytest.raises(batchgen.UsageError, match="base_url: said too late, beside a plan that asks no gateway"):
        batchgen.plan(film, base_url="http://127.0.0.1:9")
