"""What programs read keeps to its schema: the output of real runs, every event, both CSV files."""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from decimal import Decimal
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from batchgen.engine.steps import Action
from batchgen.journal.records import KINDS, encode, line_fields
from batchgen.model import Asked, TaskResult
from batchgen.report.rows import LEDGER_COLUMNS, REPORT_COLUMNS
from batchgen.schemas import shipped

from helpers.runs import Batch, batch, emulator, json_lines

FAULTS = ("lost-response", "stuck", "result-404", "code-001028001", "fail-001028095", "wrong-size-result")
STUCK = f"s{FAULTS.index('stuck') + 1}"
SELDOM = {"task_seen", "task_not_found", "steered", "published"}
"""Events that follow on what went wrong, on a wish while a run is under way, or on --publish: `test_second_look`,
`test_control`, `test_publishing`."""
TABLES = {"report": REPORT_COLUMNS, "ledger": LEDGER_COLUMNS}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(shipped().document(name))


@dataclass(frozen=True)
class Film:
    """A batch in which everything that can happen to a scene has happened."""

    batch: Batch
    outputs: Mapping[str, list[Any]]

    def csv(self, name: str) -> Path:
        return self.batch.run_dir / f"{name}.csv"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    folder = tmp_path_factory.mktemp("film")
    rules = [{"match": f"[{kind}]", "fault": kind} for kind in FAULTS]
    with emulator(folder, rules=rules) as gateway:
        made = batch(folder, gateway, len(FAULTS) + 2, pricing={"720P": "0.10", "1080P": "0.15"})
        for kind, scene in zip(FAULTS, made.scenes.values(), strict=False):
            scene["prompt"] += f" [{kind}]"
        made.scenes["dear"] = {"prompt": "character1 costs too much", "duration": 10}
        made.write()
        outputs: dict[str, list[Any]] = {"plan": [], "status": []}

        def look() -> None:
            planned = made.do("plan", made.manifest, "--format=json").out
            outputs["plan"].append(json.loads(planned))
            outputs["status"].append(json.loads(made.do("status", made.run_dir, "--format=json").out))

        outputs["plan"].append(json.loads(made.do("plan", made.manifest, "--format=json").out))
        others = [f"--scene={scene}" for scene in made.scenes if scene != STUCK]
        made.run(*others, "--budget=1.80", expect=4)
        made.run(f"--scene={STUCK}", "--task-timeout=1", expect=1)
        look()
        made.do("resolve", made.run_dir, "s1", "--task-id", gateway.tasks_for(made.scenes["s1"]["prompt"])[0])
        rename_repeat_and_pick(made, look)
        made.scenes["s8"]["seed"] = 99
        del made.settings["pricing"]
        made.write()
        look()
    return Film(made, outputs)


def rename_repeat_and_pick(made: Batch, look: Callable[[], None]) -> None:
    """All that has to do with results that are here already."""
    made.scenes["renamed"] = made.scenes.pop("s7")
    made.scenes["extra"] = {"prompt": "character1 is somewhere else", "seed": 3}
    made.scenes["twin"] = dict(made.scenes["extra"])
    made.scenes["follower"] = {"prompt": "character1 goes on", "references": [{"scene": "renamed", "frame": "last"}]}
    made.write()
    look()
    other = made.folder / "other"
    made.run(f"--run-dir={other}", "--scene=extra")
    made.run(
        "--scene=renamed", "--scene=extra", "--scene=follower", "--again=renamed", f"--reuse={other}", "--budget=9.00"
    )
    made.do("pick", made.run_dir, "renamed@1")
    made.do("pick", made.run_dir, "--clear", "renamed")


@pytest.mark.parametrize("name", ["plan", "status"])
def test_the_json_of_real_runs(film: Film, name: str) -> None:
    for document in film.outputs[name]:
        validator(name).validate(document)
    (first, *_) = film.outputs[name]
    assert not validator(name).is_valid({**first, "more": 1})
    assert not validator(name).is_valid({"scenes": first["scenes"]})
    short = {key: value for key, value in first["scenes"][0].items() if key != "scene_id"}
    assert not validator(name).is_valid({**first, "scenes": [short]})


def test_real_runs_show_every_action_and_status(film: Film) -> None:
    actions = {scene["action"] for plan in film.outputs["plan"] for scene in plan["scenes"]}
    assert actions == set(Action)
    statuses = {scene["status"] for shown in film.outputs["status"] for scene in shown["scenes"]}
    assert statuses == {"completed", "failed", "unknown", "running", "pending"}


def test_the_journal_of_real_runs_holds_every_event(film: Film) -> None:
    lines = json_lines(film.batch.state)
    for line in lines:
        validator("journal").validate(line)
    assert {line["event"] for line in lines} == KINDS.keys() - SELDOM


def test_what_lies_beside_real_results_is_valid_and_of_them(film: Film) -> None:
    results = sorted((film.batch.run_dir / "results").glob("*.mp4"))
    beside = [json.loads(path.with_suffix(".json").read_text(encoding="utf-8")) for path in results]
    for path, document in zip(results, beside, strict=True):
        validator("provenance").validate(document)
        assert (document["file"], document["sha256"]) == (path.name, sha256(path.read_bytes()).hexdigest())
    assert {document["gateway"] for document in beside} == {film.batch.gateway}
    assert [document["mismatch"] is not None for document in beside].count(True) == 1
    assert any(document["reused_from"] for document in beside)
    assert [document["built_on"] for document in beside if document["built_on"]] == [{"renamed#last": "renamed@1"}]
    for key in beside[0]:
        assert not validator("provenance").is_valid({name: value for name, value in beside[0].items() if name != key})


def has_default(entry: Field[Any]) -> bool:
    return entry.default is not MISSING


def test_the_schema_names_the_fields_of_every_event(film: Film) -> None:
    described = {event["title"]: list(event["properties"]) for event in shipped().document("journal")["oneOf"]}
    own = {name: line_fields(kind) for name, kind in KINDS.items()}
    assert described == {name: ["v", "event", *names, "writer", "line", "crc"] for name, names in own.items()}
    optional = {name: {entry.name for entry in fields(kind) if has_default(entry)} for name, kind in KINDS.items()}
    of_event = {name: set(line_fields(Asked)) for name in ("submitting", "reused", "request_made")}
    seen = {line["event"]: line for line in json_lines(film.batch.state)}
    for event, line in seen.items():
        # A profile and a place for results stand in a line only where a run had one.
        assert list(line) == [name for name in described[line["event"]] if name not in {"profile", "output"}]
        for key in line:
            less = {name: value for name, value in line.items() if name != key}
            may_lack = key in {"writer", "line", *optional[event], *of_event.get(event, ())}
            assert validator("journal").is_valid(less) is may_lack, "versions before wrote less"
        assert not validator("journal").is_valid({**line, "more": 1})


def test_amounts_of_any_size_stay_plain_text_in_the_journal() -> None:
    for amount in ("0E-12", "1E+9", "0.000000000001", "123456789012.123456789012"):
        event = KINDS["completed"](
            "2026-01-31T00:00:00.000Z", "s1", 1, TaskResult("https://a/b", None, Decimal(amount))
        )
        validator("journal").validate(json.loads(encode(event)))


@pytest.mark.parametrize("name", TABLES)
def test_table_schemas_name_the_columns_in_their_order(film: Film, name: str) -> None:
    schema = shipped().document(f"{name}.table-schema")
    assert tuple(field["name"] for field in schema["fields"]) == TABLES[name]
    assert all(field["description"] for field in schema["fields"])
    (header, *_) = csv.reader(StringIO(film.csv(name).read_text(encoding="utf-8")))
    assert tuple(header) == TABLES[name]


def problems(path: Path, name: str) -> list[list[Any]]:
    """What the frictionless package finds wrong with a CSV file."""
    from frictionless import Resource

    schema = shipped().document(f"{name}.table-schema")
    described = {"name": name, "path": path.name, "encoding": "utf-8", "schema": schema}
    resource = Resource.from_descriptor(described, basepath=str(path.parent))
    found: list[list[Any]] = resource.validate().flatten(["rowNumber", "fieldName", "type"])
    return found


@pytest.mark.parametrize("name", TABLES)
def test_csv_files_of_real_runs_are_valid(film: Film, name: str) -> None:
    assert problems(film.csv(name), name) == []


WRONG = {
    "report": {
        "scene_id": "", "status": "fine", "cost_usd": "1,5", "seed": "x", "submitted_at": "yesterday",
        "attempts": "-1", "request_sha256": "abc", "duration_s": "0",
    },
    "ledger": {
        "attempt": "0", "outcome": "pending", "cost_usd": "-1", "superseded": "perhaps", "finished_at": "2026",
        "discount": "free", "request_sha256": "", "model": "",
    },
}  # fmt: skip


@pytest.mark.parametrize(("name", "column"), [(name, column) for name, wrong in WRONG.items() for column in wrong])
def test_wrong_cells_are_found(film: Film, tmp_path: Path, name: str, column: str) -> None:
    with film.csv(name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0][column] = WRONG[name][column]
    path = tmp_path / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, TABLES[name])
        writer.writeheader()
        writer.writerows(rows)
    assert {(row, field) for row, field, _ in problems(path, name)} >= {(2, column)}
