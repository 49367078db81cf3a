"""Which fault applies to which request, and what a client sees of it."""

import json
import socket
import time
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from batchgen.emulator.faults.kinds import KINDS, PATTERNS, Stage, find_fault
from batchgen.emulator.faults.rules import rule, rules_of_file
from batchgen.emulator.faults.selector import FaultSelector, Rule
from batchgen.errors import Remedy, UsageError
from batchgen.schemas import DEFAULT_MODEL, shipped

from unit.emulator.client import CREATE, KEY, Client, Start, request

CODES = shipped().for_model(DEFAULT_MODEL, "model.json")["errors"]


def test_an_unknown_kind_gets_the_likeliest_and_where_all_are_listed() -> None:
    with pytest.raises(UsageError) as caught:
        find_fault("lost-responce")
    assert "lost-response" in str(caught.value)
    assert caught.value.remedy is Remedy.LIST_FAULTS
    with pytest.raises(UsageError, match=r"there is no fault 'explode'\Z"):
        find_fault("explode")


def test_the_documentation_names_every_kind_and_what_it_does() -> None:
    text = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text(encoding="utf-8")
    for fault in KINDS.values():
        assert f"| `{fault.kind}` | {fault.description}" in text
    for kind, (_, _, description) in PATTERNS.items():
        assert f"| `{kind}` | {description}" in text


@pytest.mark.parametrize("text", ["slow:2", "slow:-1", "slow:x", "slow:nan"])
def test_a_rate_is_a_share(text: str) -> None:
    with pytest.raises(UsageError, match="from 0 to 1"):
        rule(text)


def faulty_cases(selector: FaultSelector, cases: range) -> set[int]:
    return {case for case in cases if selector.select_first(Stage.SUBMIT, "p", "hash", case)}


def test_rates_are_kept_and_repeat_with_the_seed() -> None:
    selectors = [FaultSelector([rule("slow:0.3")], seed) for seed in (1, 1, 2)]
    first, again, other = (faulty_cases(selector, range(2000)) for selector in selectors)
    assert first == again != other
    assert 500 < len(first) < 700


def test_the_order_in_which_cases_come_does_not_matter() -> None:
    forward, backward = (FaultSelector([rule("slow:0.5"), rule("504:0.5")], 3) for _ in range(2))
    cases = range(100)
    there = {case: forward.select_first(Stage.SUBMIT, "p", case) for case in cases}
    assert there == {case: backward.select_first(Stage.SUBMIT, "p", case) for case in reversed(cases)}


def test_the_first_rule_that_applies_wins_and_times_run_out() -> None:
    selector = FaultSelector(
        [Rule(find_fault("504"), times=2), Rule(find_fault("503"), times=1), Rule(find_fault("stuck"))], 1
    )
    kinds = [
        fault.kind if fault else "" for fault in (selector.select_first(Stage.SUBMIT, "p", case) for case in range(4))
    ]
    assert kinds == ["504", "504", "503", ""]


def test_result_faults_add_up() -> None:
    selector = FaultSelector([rule("truncated-result"), rule("no-range"), rule("slow")], 1)
    assert selector.select_all(Stage.RESULT, "p").keys() == {"truncated-result", "no-range"}


def test_a_file_gives_faults_by_prompt(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {match: garden, fault: 503, times: 1}\n- {match: '/^a .* b$/', fault: no-id}\n")
    selector = FaultSelector(rules_of_file(path), 1)
    kinds = [
        fault.kind if fault else ""
        for fault in (
            selector.select_first(Stage.SUBMIT, prompt) for prompt in ("my garden", "my garden", "a and b", "a and c")
        )
    ]
    assert kinds == ["503", "", "no-id", ""]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not YAML"),
        ("match: a", "a list"),
        ("- fault: slow", "entry 1"),
        ("- {match: a, fault: slow, time: 1}", "entry 1"),
        ("- {match: a, fault: slow, times: 0}", "times"),
        ("- {match: a, fault: bang}", "no fault 'bang'"),
        ("- {match: '/(/', fault: slow}", "entry 1"),
        ("- just text", "entry 1"),
    ],
)
def test_a_wrong_file_is_a_wrong_usage(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        rules_of_file(path)


def test_a_file_that_is_not_there_is_a_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        rules_of_file(tmp_path / "none.yaml")


def tasks_created(client: Client) -> int:
    return sum(entry["status"] == "in_progress" for entry in client.entries("task"))


@pytest.mark.parametrize(
    ("kind", "status", "created"),
    [
        ("401", 401, 0),
        ("403", 403, 0),
        ("429", 429, 0),
        ("500-json", 500, 0),
        ("500-html", 500, 0),
        ("500-html-created", 500, 1),
        ("502-html", 502, 0),
        ("502-html-created", 502, 1),
        ("503", 503, 0),
        ("504", 504, 0),
        ("504-created", 504, 1),
        ("slow", 200, 1),
        ("truncated-json", 200, 1),
        ("no-id", 200, 1),
        ("empty", 200, 1),
        ("code-001028099", 400, 0),
        ("code-001028099-200", 200, 0),
        ("code-999", 400, 0),
    ],
)
def test_answers_to_a_submission(start: Start, kind: str, status: int, created: int) -> None:
    client = start(kind, slow_seconds=0.3)
    begun = time.monotonic()
    answer = client.create(request())
    assert answer.status == status
    assert tasks_created(client) == created
    (entry,) = client.entries("request")
    assert (entry["fault"], entry["status"]) == (kind, status)
    assert ("task_id" in entry) == bool(created)
    assert ("retry-after" in answer.headers) == (kind in ("429", "503"))
    if kind == "slow":
        assert time.monotonic() - begun >= 0.3
        assert answer.json()["id"]
    elif kind in ("500-html", "502-html", "502-html-created", "500-html-created", "504", "504-created"):
        assert answer.headers["content-type"].startswith("text/html")
    elif kind in ("truncated-json", "empty"):
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            answer.json()
    elif kind == "no-id":
        assert "id" not in answer.json()
    else:
        assert answer.json()["error"]["message"]


def exchange(client: Client, head: str, body: bytes = b"") -> tuple[bytes, bool]:
    """What comes back over a bare socket until the end, and whether the end was a reset."""
    place = urlsplit(client.base_url)
    received = b""
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
        lines = f"{head} HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(lines.encode() + body)
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            return received, True
    return received, False


@pytest.mark.parametrize(
    ("kind", "reset", "created"),
    [("lost-response", False, 1), ("reset", True, 0), ("reset-created", True, 1)],
)
def test_no_answer_to_a_submission_on_the_wire(start: Start, kind: str, *, reset: bool, created: int) -> None:
    client = start(kind)
    assert exchange(client, f"POST {CREATE}", json.dumps(request()).encode()) == (b"", reset)
    assert tasks_created(client) == created
    (entry,) = client.entries("request")
    assert (entry["status"], entry["fault"]) == (None, kind)


def test_an_answer_cut_inside_its_body_on_the_wire(start: Start) -> None:
    client = start("cut-answer")
    received, reset = exchange(client, f"POST {CREATE}", json.dumps(request()).encode())
    head, _, body = received.partition(b"\r\n\r\n")
    (length,) = (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    assert not reset
    assert len(body) == length // 2
    assert tasks_created(client) == 1


@pytest.mark.parametrize(("kind", "reset"), [("poll-reset", True), ("poll-lost", False)])
def test_no_answer_to_a_poll_on_the_wire(start: Start, kind: str, *, reset: bool) -> None:
    client = start(kind)
    task = client.create(request()).json()["id"]
    assert exchange(client, f"GET {CREATE}/task/{task}") == (b"", reset)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("poll-401", 401),
        ("poll-403", 403),
        ("poll-404", 404),
        ("poll-429", 429),
        ("poll-500", 500),
        ("poll-500-html", 500),
        ("poll-502-html", 502),
        ("poll-503", 503),
        ("poll-504", 504),
        ("poll-slow", 200),
        ("poll-truncated", 200),
        ("poll-empty", 200),
        ("poll-code-001028098", 400),
        ("poll-code-001028097-502", 502),
    ],
)
def test_a_poll_goes_wrong_and_the_task_goes_on(start: Start, kind: str, status: int) -> None:
    client = start(Rule(find_fault(kind), times=1), slow_seconds=0.1)
    task = client.create(request()).json()["id"]
    assert client.read(task).status == status
    assert client.ended(task)["status"] == "completed"


def test_a_poll_can_report_a_failure_that_did_not_happen(start: Start) -> None:
    client = start(Rule(find_fault("poll-fail-001028096-int"), times=1))
    task = client.create(request()).json()["id"]
    told = client.read(task).json()
    assert (told["status"], told["error"]["code"]) == ("failed", 1028096)
    assert client.ended(task)["status"] == "completed"


@pytest.mark.parametrize("code", CODES)
def test_a_task_fails_with_each_code_in_each_shape(start: Start, code: str) -> None:
    kinds = [f"fail-{code}", f"fail-{code}-string", f"fail-{code}-int", "fail-none"]
    client = start(*(Rule(find_fault(kind), match=kind.__eq__) for kind in kinds))
    errors = [client.bought(request(kind)) for kind in kinds]
    words = CODES[code]["description"]
    assert [task["status"] for task in errors] == ["failed"] * 4
    assert [task.get("error") for task in errors] == [
        {"code": code, "message": words},
        f"{code}: {words}",
        {"code": int(code), "error_message": words},
        None,
    ]
    assert not any("usage" in task for task in errors)


def test_a_stuck_task_stays_and_a_vanished_one_is_not_found(start: Start) -> None:
    client = start("stuck")
    task = client.create(request()).json()["id"]
    time.sleep(0.2)
    assert client.read(task).json()["status"] == "in_progress"
    vanished = start("vanish")
    assert vanished.read(vanished.create(request()).json()["id"]).status == 404


def test_a_gateway_whose_every_answer_is_late_gives_its_videos_all_the_same(start: Start) -> None:
    client = start("slow", "poll-slow", slow_seconds=0.05)
    assert client.bought(request())["output"][0]["content"][0]["url"].startswith(client.base_url)


def test_a_task_takes_as_long_as_its_fault_says_and_the_others_as_usual(start: Start) -> None:
    rules = [Rule(find_fault("takes-600"), match=lambda prompt: "first" in prompt, times=1), rule("takes-0.25:0.5")]
    client = start(*rules, latency=(0.0, 0.0))
    slow = client.create(request("the first")).json()["id"]
    assert client.bought(request("the first"))["status"] == "completed"
    assert client.read(slow).json()["status"] == "in_progress"
    lengths = [client.bought(request(f"number {number}"))["metadata"] for number in range(12)]
    took = {times["completed_at"] - times["in_queue_at"] for times in lengths}
    assert took == {Decimal(0), Decimal("0.25")}


def test_statuses_in_other_words(start: Start) -> None:
    client = start("status-weird", latency=(0.3, 0.3))
    created = client.create(request()).json()
    seen = [created["status"], *(client.read(created["id"]).json()["status"] for _ in range(4))]
    assert seen == ["QUEUED", "QUEUED", "Pending", "PROCESSING", "In_Progress"]
    assert client.ended(created["id"])["status"] == "Completed"


def test_a_client_that_goes_away_while_it_sends_creates_nothing(start: Start) -> None:
    client = start()
    place = urlsplit(client.base_url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as connection:
        head = f"POST {CREATE} HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY}\r\nContent-Length: 200000\r\n\r\n"
        connection.sendall(head.encode() + b'{"a": "data:image/png;base64,' + b"A" * 100_000)
    for _ in range(200):
        if client.entries():
            break
        time.sleep(0.02)
    (entry,) = client.entries()
    assert (entry["broken_off"], entry["status"]) == (True, None)
