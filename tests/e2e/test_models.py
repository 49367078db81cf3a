"""Batches of other models than the default one, from the manifest to the audit, in this process."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import batchgen
from batchgen.emulator.server import EmbeddedEmulator
from batchgen.emulator.settings import Settings
from batchgen.schemas import Catalogue

from helpers.runs import KEY, csv_rows, json_lines
from helpers.support import write_image

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATIONS = ROOT / "tests" / "examples" / "specifications"


@dataclass(frozen=True)
class Served:
    """An emulator that serves the shipped models and two that were imported, and its log."""

    base_url: str
    catalogue: Catalogue
    log: Path

    def bodies(self, model: str) -> list[Any]:
        """What was asked of a model, without its name."""
        asked = [entry for entry in json_lines(self.log) if entry["event"] == "request" and entry["method"] == "POST"]
        return [entry["request"] for entry in asked if entry.get("model") == model]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("models")
    batchgen.import_model(SPECIFICATIONS / "list.json", out=folder / "models")
    batchgen.import_model(SPECIFICATIONS / "contract.json", out=folder / "models", contract=True)
    catalogue = Catalogue(ROOT / "schemas", folder / "models")
    settings = Settings(latency=(0.0, 0.0), seed=1, log=folder / "requests.jsonl")
    with EmbeddedEmulator(settings, catalogue) as emulator:
        yield Served(emulator.base_url, catalogue, folder / "requests.jsonl")


SHORT = {"size": "960*960", "duration": 2, "audio": False}
PRICES = {"720P": "0.10", "1080P": "0.15"}
PICTURE = {"prompt": "it runs", "references": ["first.png"]}


@dataclass(frozen=True)
class Example:
    """A scene of a model, what the manifest says beside it, and what comes of it."""

    scene: Mapping[str, Any]
    settings: Mapping[str, Any]
    tier: str
    cost: str
    size: str = ""


EXAMPLES = {
    "wan26_t2v": Example({"prompt": "it runs"}, {"defaults": SHORT, "pricing": PRICES}, "720P", "0.20", "960*960"),
    "wan26_i2v": Example(PICTURE, {"defaults": SHORT, "pricing": PRICES}, "720P", "0.20", "960*960"),
    "reel_v1_i2v": Example(
        {**PICTURE, "resolution": "720p"}, {"pricing": {"540p": "0.10", "720p": "0.15"}}, "720p", "0.30"
    ),
    "reel_v2_t2v": Example({"prompt": "it runs"}, {"pricing": {"std": "0.10", "pro": "0.15"}}, "std", "0.20"),
}


def loaded(folder: Path, served: Served, model: str) -> batchgen.Batch:
    example = EXAMPLES[model]
    write_image(folder / "first.png", size=(400, 400))
    document = {"version": 1, "name": model, "model": model, "budget_usd": "1", **example.settings}
    path = folder / "manifest.yaml"
    path.write_text(json.dumps({**document, "scenes": [{"id": "a", **example.scene}]}))
    return batchgen.load_manifest(path, run_dir=folder / "run", catalogue=served.catalogue)


@pytest.mark.parametrize("model", EXAMPLES)
def test_a_batch_of_another_model_from_the_manifest_to_the_audit(tmp_path: Path, served: Served, model: str) -> None:
    example, cost = EXAMPLES[model], Decimal(EXAMPLES[model].cost)
    made = loaded(tmp_path, served, model)
    assert [step.new_cost_usd for step in batchgen.plan(made).steps] == [cost]
    result = batchgen.run(made, api_key=KEY, base_url=served.base_url, poll_interval=0.05)
    assert [(one.status, one.error_code, one.cost_usd) for one in result.scenes] == [("completed", "", cost)]
    [row] = csv_rows(tmp_path / "run" / "report.csv")
    shown = [row[name] for name in ("model", "tier", "size", "duration_s", "cost_usd")]
    assert shown == [model, example.tier, example.size, "2", example.cost]
    assert (tmp_path / "run" / row["video_path"]).is_file()
    [group] = batchgen.audit(tmp_path / "run", by="model").sums["groups"]
    assert (group["key"], group["cost_usd"]) == (model, example.cost)
    asked = len(served.bodies(model))
    assert batchgen.run(made, api_key=KEY, base_url=served.base_url, poll_interval=0.05).is_complete
    assert len(served.bodies(model)) == asked, "what is there is not bought again"


@pytest.mark.parametrize("model", EXAMPLES)
def test_the_other_form_of_a_request_is_taken_too(tmp_path: Path, served: Served, model: str) -> None:
    made = loaded(tmp_path, served, model)
    keywords: Any = {"api_key": KEY, "base_url": served.base_url, "no_wait": True, "request_format": "params"}
    result = batchgen.run(made, **keywords)
    assert [one.status for one in result.scenes] == ["running"]
