"""The audit of real runs: every grouping, every format, and the provider's statement held against the ledger."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from batchgen.cli.audit import command
from batchgen.report.audit import GROUPINGS
from batchgen.schemas import shipped

from helpers.runs import Batch, Entry, Gateway, batch, csv_rows, emulator, json_lines
from helpers.support import Ended, in_process

COLUMNS = ("--task-column=Task", "--amount-column=Amount", "--time-column=Time")


@dataclass(frozen=True)
class Studio:
    """Two runs at one gateway: one submission lost, one task failed and charged, one scene made twice."""

    first: Batch
    second: Batch
    gateway: Gateway
    lost: str

    @property
    def charged(self) -> dict[str, Decimal]:
        """What the gateway's log says of each task's cost."""
        told = [entry for entry in self.gateway.entries() if entry["event"] == "task" and "cost" in entry]
        return {entry["task_id"]: Decimal(entry["cost"]) for entry in told}

    @property
    def lost_at(self) -> str:
        """When the lost task was submitted."""
        (lost,) = [row["submitted_at"] for row in self.first.ledger() if row["outcome"] == "unknown"]
        return lost


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    rules: list[Entry] = [
        {"match": "[lost]", "fault": "lost-response"},
        {"match": "[fail]", "fault": "fail-001028095"},
    ]
    with emulator(folder, "--price=720P=0.1234567891", "--discount=0.1", "--charge-failed", rules=rules) as gateway:
        made = []
        for name, scenes in (("one", 4), ("two", 2)):
            (folder / name).mkdir()
            settings = {"cast": {"hero": "hero.png"}, "defaults": {"size": "960*960", "duration": 2}}
            film = batch(folder / name, gateway, scenes, pricing={"720P": "0.12"}, **settings)
            film.name = name
            for scene in film.scenes.values():
                scene["prompt"] = scene["prompt"].replace("character1", "{hero}")
            made.append(film)
        first, second = made
        first.scenes["s1"]["prompt"] += " [lost]"
        first.scenes["s2"]["prompt"] += " [fail]"
        for film, code in ((first, 1), (second, 0)):
            film.write()
            film.run("--no-download", "--poll-interval=0.1", expect=code)
        first.scenes["s3"]["seed"] = 7
        first.write()
        first.run("--no-download", "--poll-interval=0.1", expect=1)
        known = {row["task_id"] for film in made for row in film.ledger()}
        (lost,) = [entry["task_id"] for entry in gateway.created() if entry["task_id"] not in known]
        yield Studio(first, second, gateway, lost)


def audit(studio: Studio, *options: str) -> Ended:
    return in_process("audit", str(studio.first.run_dir), str(studio.second.run_dir), *options)


def document(studio: Studio, *options: str) -> Any:
    """The audit as JSON, which keeps to its schema."""
    ended = audit(studio, "--format=json", *options)
    found = json.loads(ended.out)
    schema = Draft202012Validator(shipped().document("audit"))
    schema.validate(found)
    assert not schema.is_valid({**found, "more": 1})
    assert not schema.is_valid({**found, "total": {**found["total"], "cost_usd": 1.5}})
    return found


def test_the_total_is_what_the_gateway_charged(studio: Studio) -> None:
    total = document(studio)["total"]
    known = {task_id: cost for task_id, cost in studio.charged.items() if task_id != studio.lost}
    assert len(known) == 6
    assert Decimal(total["cost_usd"]) == sum(known.values())
    assert (total["attempts"], total["unknown"], total["unknown_exposure_usd"]) == (7, 1, "0.24")
    assert (total["failed_charged"], total["failed_uncharged"], total["failed_not_told"]) == (1, 0, 0)
    each = Decimal("0.1234567891") * 2 * Decimal("0.9")
    assert Decimal(total["wasted_usd"]) == 2 * each
    assert "discount" not in total, "an amount at one gateway, a factor at another"
    assert (total["in_flight"], total["exposure_usd"]) == (0, "0.24")
    assert total["finished_seconds"] == 8, "what was superseded counts no more"
    assert total["cost_per_finished_second_usd"] == str((6 * each / 8).quantize(Decimal("1e-10")))


@pytest.mark.parametrize("by", GROUPINGS)
def test_groups_add_up_to_the_total(studio: Studio, by: str) -> None:
    found = document(studio, f"--by={by}")
    assert sum(Decimal(group["cost_usd"]) for group in found["groups"]) == Decimal(found["total"]["cost_usd"])
    assert sum(group["attempts"] for group in found["groups"]) == found["total"]["attempts"]
    keys = {group["key"] for group in found["groups"]}
    (day,) = {row["submitted_at"][:10] for row in studio.second.ledger()}
    assert (
        keys
        == {
            "size": {"960*960"},
            "status": {"completed", "failed", "unknown"},
            "error_code": {"(none)", "001028095", "submit_unknown"},
            "model": {"wan26_r2v"},
            "day": {day},
            "run": {str(studio.first.run_dir), str(studio.second.run_dir)},
            "scene": {"s1", "s2", "s3", "s4"},
            "character": {"hero"},
        }[by]
    )


def test_every_grouping_is_an_option() -> None:
    (option,) = [one for one in command.params if one.name == "by"]
    assert list(getattr(option.type, "choices", ())) == list(GROUPINGS)


def test_the_formats_say_the_same(studio: Studio) -> None:
    found = document(studio, "--by=status")
    rows = list(csv.DictReader(io.StringIO(audit(studio, "--by=status", "--format=csv").out)))
    assert [row["key"] for row in rows] == ["total", *(group["key"] for group in found["groups"])]
    for row, sums in zip(rows, [found["total"], *found["groups"]], strict=True):
        assert {name: row[name] for name in sums if name != "key"} == {
            name: "" if value is None else str(value) for name, value in sums.items() if name != "key"
        }
    table = audit(studio, "--by=status").out
    assert f"charged, USD                                                 {found['total']['cost_usd']}" in table
    for group in found["groups"]:
        assert f"{group['key']:9}" in table
        assert group["cost_usd"] in table


def test_a_run_that_is_named_twice_counts_once(studio: Studio) -> None:
    twice = in_process("audit", *[str(studio.second.run_dir)] * 2, f"{studio.second.run_dir}/../two", "--format=json")
    assert json.loads(twice.out)["total"]["attempts"] == 2


def test_a_copy_of_a_run_directory_counts_nothing_twice(studio: Studio, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "state.jsonl").write_bytes(studio.second.state.read_bytes())
    ended = in_process("audit", str(studio.second.run_dir), str(copy), "--format=json")
    assert json.loads(ended.out)["total"]["attempts"] == 2
    assert "warning: 2 tasks in more than one of these run directories" in ended.err


def cut(run_dir: Path, target: Path, last: str) -> str:
    """A copy of a run directory from when the last line of its journal was the first of that kind."""
    target.mkdir()
    lines = (run_dir / "state.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    end = next(number for number, line in enumerate(lines, 1) if json.loads(line)["event"] == last)
    (target / "state.jsonl").write_text("".join(lines[:end]), encoding="utf-8")
    return str(target)


def test_an_older_copy_takes_nothing_away(studio: Studio, tmp_path: Path) -> None:
    """What was under way or unknown when it was made has come to its end since."""
    now = str(studio.second.run_dir)
    alone = json.loads(in_process("audit", now, "--format=json").out)["total"]
    for last in ("submitting", "submitted"):
        older = cut(studio.second.run_dir, tmp_path / last, last)
        for order in ((older, now), (now, older)):
            assert json.loads(in_process("audit", *order, "--format=json").out)["total"] == alone


def test_an_unknown_submission_counts_once_with_its_copy(studio: Studio, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "state.jsonl").write_bytes(studio.first.state.read_bytes())
    one = json.loads(in_process("audit", str(studio.first.run_dir), "--format=json").out)["total"]
    two = json.loads(in_process("audit", str(studio.first.run_dir), str(copy), "--format=json").out)["total"]
    assert (two["unknown"], two) == (1, one)


def statement(folder: Path, rows: list[tuple[str, str, str]], delimiter: str = ",") -> str:
    path = folder / "statement.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([("Task", "Amount", "Time"), *rows])
    return f"--invoice={path}"


def lines(studio: Studio) -> list[tuple[str, str, str]]:
    """The provider's statement of all tasks that the ledger knows."""
    return [(task_id, str(cost), "") for task_id, cost in studio.charged.items() if task_id != studio.lost]


def test_an_invoice_that_agrees(studio: Studio, tmp_path: Path) -> None:
    ended = audit(studio, statement(tmp_path, lines(studio)), *COLUMNS)
    assert ended.code == 0, ended.err
    assert "6 tasks with the same amount on the invoice and in the ledger" in ended.out
    assert "the invoice agrees with the ledger" in ended.out


def test_an_invoice_with_the_lost_task_offers_the_unknown_scene(studio: Studio, tmp_path: Path) -> None:
    invoice = statement(tmp_path, [*lines(studio), (studio.lost, "0.22", studio.lost_at)])
    ended = audit(studio, invoice, *COLUMNS)
    assert ended.code == 1
    assert f"not in a ledger: line 8, task {studio.lost}, 0.22 USD" in ended.out
    assert f"perhaps scene s1, submitted {studio.lost_at}, outcome unknown" in ended.out
    assert f"batchgen resolve {studio.first.run_dir} s1 --task-id {studio.lost}" in ended.out
    found = document(studio, invoice, *COLUMNS)["invoice"]
    assert (found["agrees"], found["matched"], found["different"], found["missing"]) == (False, 6, [], [])
    ((candidate,),) = [one["candidates"] for one in found["unexpected"]]
    assert (candidate["scene_id"], candidate["run"], candidate["attempt"]) == ("s1", str(studio.first.run_dir), 1)


def test_an_invoice_that_differs(studio: Studio, tmp_path: Path) -> None:
    (dear, cost, _), (absent, _, _), *rest = lines(studio)
    invoice = statement(tmp_path, [(dear, f"{cost}1", ""), *rest])
    ended = audit(studio, invoice, *COLUMNS)
    assert ended.code == 1
    assert f"differs: task {dear} (scene " in ended.out
    assert f"ledger {cost}, invoice {cost}1 USD" in ended.out
    assert f"not on the invoice: task {absent} (scene " in ended.out
    found = document(studio, invoice, *COLUMNS)["invoice"]
    assert [(one["task_id"], one["ledger_usd"], one["invoice_usd"]) for one in found["different"]] == [
        (dear, cost, f"{cost}1")
    ]
    assert [one["task_id"] for one in found["missing"]] == [absent]
    as_csv = audit(studio, invoice, *COLUMNS, "--format=csv")
    assert (as_csv.code, "differs: task" in as_csv.err, "differs" in as_csv.out) == (1, True, False)


def test_lines_of_a_lost_task_are_added_up_and_a_sum_is_no_task(studio: Studio, tmp_path: Path) -> None:
    """A reversal beside a charge, or a charge in parts; and the line below them all."""
    parts = [(studio.lost, "0.30", studio.lost_at), (studio.lost, "-0.08", ""), ("", "9.99", "")]
    ended = audit(studio, invoice := statement(tmp_path, [*lines(studio), *parts]), *COLUMNS)
    assert f"not in a ledger: line 8, task {studio.lost}, 0.22 USD" in ended.out
    assert "not in a ledger: line 10, without a task id, 9.99 USD" in ended.out
    assert ended.out.count("batchgen resolve") == 1
    found = document(studio, invoice, *COLUMNS)["invoice"]["unexpected"]
    assert [(one["invoice_usd"], len(one["candidates"])) for one in found] == [("0.22", 1), ("9.99", 0)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("t", "1,50", "")], "statement.csv:2: '1,50' in column 'Amount' is not a plain amount"),
        ([("t", "1", ""), ("t", "NaN", "")], "statement.csv:3: 'NaN' in column 'Amount' is not a plain amount"),
        ([("t", "1e5000", "")], "statement.csv:2: '1e5000' in column 'Amount' is not a plain amount"),
        ([("t", "", "")], "statement.csv:2: '' in column 'Amount' is not a plain amount"),
    ],
)
def test_an_amount_that_is_none(studio: Studio, tmp_path: Path, rows: list[tuple[str, str, str]], said: str) -> None:
    ended = audit(studio, statement(tmp_path, rows), *COLUMNS)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_an_invoice_that_cannot_be_read(studio: Studio, tmp_path: Path) -> None:
    invoice = statement(tmp_path, [("t", "1", "")])
    ended = audit(studio, invoice, "--task-column=task", "--amount-column=Amount")
    assert (ended.code, "has no column 'task'; it has: Task, Amount, Time" in ended.err) == (2, True)
    assert "go together" in audit(studio, invoice, "--task-column=Task").err
    assert "go together" in audit(studio, *COLUMNS).err
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"Task,Amount,Time\n\xff\xfe,1,\n")
    ended = audit(studio, f"--invoice={binary}", *COLUMNS)
    assert (ended.code, "cannot be read as CSV in UTF-8" in ended.err) == (2, True)


def test_an_audit_of_nothing(tmp_path: Path) -> None:
    ended = in_process("audit", str(tmp_path))
    assert (ended.code, "is not a run directory: it has no state.jsonl" in ended.err) == (6, True)


def test_json_lines_of_the_emulator_name_the_charge_of_a_failure(studio: Studio) -> None:
    failed = [entry for entry in json_lines(studio.gateway.log) if entry.get("error_code") == "001028095"]
    assert [Decimal(entry["cost"]) for entry in failed] == [Decimal("0.1234567891") * 2 * Decimal("0.9")]
    (row,) = [row for row in csv_rows(studio.first.run_dir / "ledger.csv") if row["outcome"] == "failed"]
    assert Decimal(row["cost_usd"]) == Decimal(failed[0]["cost"])
