"""A paid video is never lost to an odd answer: every shape of GATEWAY.md, from the program's start to the file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.runs import Batch, Gateway, batch, emulator

COST = "0.20"
ARRIVES: dict[str, tuple[str, str]] = {
    "none": (COST, "0.00"),
    "envelope": (COST, "0.00"),
    "status-weird": (COST, "0.00"),
    "status-success": (COST, "0.00"),
    "status-succeeded": (COST, "0.00"),
    "status-unknown": (COST, "0.00"),
    "status-missing": (COST, "0.00"),
    "failed-with-video": (COST, "0.00"),
    "output-url": (COST, "0.00"),
    "output-neighbours": (COST, "0.00"),
    "late-result": (COST, "0.00"),
    "cost-exponent": ("0.200", "0.00"),
    "cost-unreadable": ("", "0.00"),
    "cost-negative": ("", "0.00"),
    "cost-empty": ("", "0.00"),
    "cost-null": ("", "0.00"),
    "cost-missing": ("", "0.00"),
    "cost-number": (COST, "0.00"),
    "usage-odd": (COST, "0.00"),
    "discount-factor": (COST, "0.7"),
    "discount-unreadable": (COST, ""),
    "discount-text": (COST, "0.00"),
    "envelope][output-url][cost-unreadable][failed-with-video": ("", "0.00"),
}
"""Shapes under which the video arrives, with the cost and the discount that are booked."""
ENDS_BADLY = {
    "fail-cancelled": "task_cancelled",
    "fail-canceled": "task_cancelled",
    "fail-expired": "task_expired",
    "fail-error": "task_failed",
    "fail-completed": "task_failed",
    "fail-none": "task_failed",
    "envelope][fail-001028095-int": "001028095",
    "no-result": "no_result",
    "no-result][discount-unreadable": "no_result",
}
REFUSED = {
    "400-message": ("http_400", "Bad Request (request id "),
    "400-detail": ("http_400", "Bad Request (request id "),
    "400-html": ("http_400", ""),
    "400-empty": ("http_400", ""),
    "404": ("not_found", "Not Found"),
    "422-details": ("http_422", "body.input: "),
    "code-001028004-422-int": ("001028004", "Invalid reference URL format"),
    "code-001028004-flat": ("001028004", "Invalid reference URL format"),
    "code-001028004-string": ("001028004", "Invalid reference URL format"),
    "400-details": ("http_400", "body.input: Bad Request"),
    "400-text": ("http_400", "Bad Request"),
    "400-error-code": ("bad_request", "Bad Request"),
    "envelope-001028004": ("001028004", "Invalid reference URL format"),
    "envelope-001028004-422": ("001028004", "Invalid reference URL format"),
    "code-001028001-200": ("001028001", "reference_urls must be an array"),
}
"""Refusals of the scene, with the code and a part of the message in its row."""
ACCOUNT = {
    "402": "payment_required",
    "balance": "insufficient_balance",
    "balance-200": "insufficient_balance",
    "balance-429": "insufficient_balance",
    "envelope-40201": "40201",
    "envelope-40208-429": "40208",
    "code-40203-422": "40203",
    "code-40202-400-flat": "40202",
}
READ_SO = {"poll-402": "payment_required", "poll-envelope-40201": "40201"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    named = [*ARRIVES, *ENDS_BADLY, *REFUSED, *ACCOUNT, *READ_SO]
    kinds = dict.fromkeys(kind for name in named for kind in name.split("][") if kind != "none")
    kinds["envelope-001028099"] = kinds["fail-001028095"] = None
    times = {"envelope-001028099": {"times": 1}}
    rules = [{"match": f"[{kind}]", "fault": kind, **times.get(kind, {})} for kind in kinds]
    with emulator(tmp_path_factory.mktemp("emulator"), rules=rules) as running:
        yield running


@pytest.fixture
def gateway(shared: Gateway) -> Gateway:
    return shared.from_now()


def of_shapes(folder: Path, gateway: Gateway, *names: str) -> Batch:
    """A batch with a scene for each shape."""
    film = batch(folder, gateway, len(names), pricing={"720P": "0.10", "1080P": "0.15"})
    for scene, name in zip(film.scenes.values(), names, strict=True):
        scene["prompt"] += f" [{name}]"
    film.write()
    return film


def test_every_video_arrives_and_its_cost_is_booked(tmp_path: Path, gateway: Gateway) -> None:
    film = of_shapes(tmp_path, gateway, *ARRIVES)
    film.run()
    booked = {}
    for name, (scene_id, row) in zip(ARRIVES, film.report().items(), strict=True):
        assert (row["status"], row["error_code"], row["error_message"]) == ("completed", "", ""), name
        assert (film.run_dir / "videos" / f"{scene_id}.mp4").stat().st_size > 1000
        booked[name] = (row["cost_usd"], row["discount"])
    assert booked == ARRIVES
    film.witness(gateway, len(ARRIVES))
    log = (film.run_dir / "batchgen.log").read_text(encoding="utf-8")
    assert log.count("the gateway's cost cannot be read and counts as not stated: 'a lot'") == 2, "once each"
    assert "the gateway's status is 'failed' (001028096: Result parsing error); it names a video" in log
    asked = len(gateway.entries())
    film.run()
    assert len(gateway.entries()) == asked


def test_a_cost_that_is_not_stated_counts_at_its_estimate(tmp_path: Path, gateway: Gateway) -> None:
    film = of_shapes(tmp_path, gateway, "cost-unreadable", "none")
    film.run("--budget=0.30", "--workers=1", "--max-in-flight=1", expect=4)
    assert film.statuses() == "completed pending"


def test_what_ends_badly_has_its_code_and_is_not_bought_again(tmp_path: Path, gateway: Gateway) -> None:
    film = of_shapes(tmp_path, gateway, *ENDS_BADLY)
    film.run(expect=1)
    rows = film.report().values()
    assert {row["status"] for row in rows} == {"failed"}
    assert dict(zip(ENDS_BADLY, (row["error_code"] for row in rows), strict=True)) == ENDS_BADLY
    log = (film.run_dir / "batchgen.log").read_text(encoding="utf-8")
    assert log.count("the gateway's discount cannot be read and counts as not stated: 'much'") == 1, "read often"
    film.run(expect=1)
    film.witness(gateway, len(ENDS_BADLY))


def test_what_brought_no_result_keeps_its_cost_and_is_read_before_it_is_bought_again(
    tmp_path: Path, gateway: Gateway
) -> None:
    film = of_shapes(tmp_path, gateway, "no-result")
    for options, posts in ((), 1), ((), 1), (("--retry-failed",), 2), (("--attempts=3",), 3):
        read = len(gateway.readings())
        film.run(*options, expect=1)
        row = film.report()["s1"]
        assert (row["status"], row["error_code"]) == ("failed", "no_result")
        assert float(row["cost_usd"]) == pytest.approx(0.2 * posts)
        assert len(gateway.readings()) > read
        film.witness(gateway, posts)
    asked = [entry["method"] for entry in gateway.entries() if entry["event"] == "request"]
    for number, method in enumerate(asked):
        assert number == 0 or method == "GET" or asked[number - 1] == "GET", "read before it is bought again"


def test_a_refusal_is_shown_in_all_its_words(tmp_path: Path, gateway: Gateway) -> None:
    film = of_shapes(tmp_path, gateway, *REFUSED)
    film.run(expect=1)
    for (name, (code, words)), row in zip(REFUSED.items(), film.report().values(), strict=True):
        assert (row["status"], row["error_code"]) == ("failed", code), name
        assert words in row["error_message"]
    assert gateway.created() == []


def test_no_task_was_created_and_it_is_sent_again(tmp_path: Path, gateway: Gateway) -> None:
    film = of_shapes(tmp_path, gateway, "envelope-001028099")
    film.run()
    assert (len(gateway.posts()), len(gateway.created())) == (2, 1)


@pytest.mark.parametrize("name", ACCOUNT)
def test_an_account_that_is_refused_stops_the_run(tmp_path: Path, gateway: Gateway, name: str) -> None:
    film = of_shapes(tmp_path, gateway, name, "none", "none")
    film.run("--workers=1", expect=5)
    assert film.statuses() == "pending pending pending"
    assert film.report()["s1"]["error_code"] == ACCOUNT[name]
    assert (len(gateway.posts()), gateway.created()) == (1, [])


@pytest.mark.parametrize("name", READ_SO)
def test_an_account_that_is_refused_while_a_task_is_read_loses_nothing(
    tmp_path: Path, gateway: Gateway, name: str
) -> None:
    film = of_shapes(tmp_path, gateway, name)
    assert READ_SO[name] in film.run(expect=5).err
    assert film.statuses() == "running"
