"""How the options of run are shared out among those who need them."""

from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import pytest

from batchgen.app.run_options import RunOptions
from batchgen.app.saved_plan import SavedPlan
from batchgen.cli.options import Given
from batchgen.cli.run_options import SAVED, Options, as_saved, same_way
from batchgen.engine.steps import Choice
from batchgen.errors import UsageError

from helpers.support import in_process

NOTHING = Given(frozenset(), frozenset())
UNUSUAL = Options(
    manifest=Path("film.yaml"),
    profile="draft",
    run_dir=Path("elsewhere"),
    emulator=True,
    base_url="https://gateway.example",
    publish="s3://bucket/of-the-film",
    output="s3://bucket/films",
    cache_size=10**9,
    api_key_file=Path("key"),
    request_format="params",
    workers=3,
    max_in_flight=4,
    submit_rate=0.5,
    poll_interval=6.0,
    request_timeout=7.0,
    task_timeout=8.0,
    attempts=9,
    no_wait=True,
    plan_file=Path("plan.json"),
    budget=Decimal("10.50"),
    history=(Path("before"),),
    reuse=(Path("lender"),),
    scenes=("s1*",),
    retry_failed=True,
    again=("s2",),
    rebind=True,
    executor="dask",
    no_download=True,
    no_progress=True,
    strict=True,
    yes=True,
    on_end="notify me",
    dry_run=True,
    full=True,
)
PLANNED = SavedPlan(Choice(("s7",), attempts=2), (Path("/learned"),), (Path("/lent"),), {}, None)


@pytest.mark.parametrize(
    ("part", "usual"), [(UNUSUAL.of_run, RunOptions()), (UNUSUAL.choice, Choice())], ids=["running", "planning"]
)
def test_what_running_needs_is_all_said(part: object, usual: object) -> None:
    """A field that nobody fills would keep its usual value without a word."""
    left = [each.name for each in fields(part) if getattr(part, each.name) == getattr(usual, each.name)]  # type: ignore[arg-type] # both are dataclasses
    assert left == []


def test_a_saved_plan_fixes_what_it_has_and_nothing_else() -> None:
    held = as_saved(UNUSUAL, NOTHING, PLANNED)
    assert held.choice == PLANNED.choice
    assert (held.history, held.reuse) == (PLANNED.history, PLANNED.reuse)
    assert held.of_run == UNUSUAL.of_run


@pytest.mark.parametrize("name", sorted(SAVED))
def test_what_is_typed_must_not_contradict_a_saved_plan(name: str) -> None:
    typed = Given(frozenset({name}), frozenset())
    with pytest.raises(UsageError, match=f"plan.json was saved with another --{name.replace('_', '-')};"):
        as_saved(UNUSUAL, typed, PLANNED)
    agreeing = as_saved(UNUSUAL, NOTHING, PLANNED)
    assert as_saved(agreeing, typed, PLANNED) == agreeing


def test_the_next_run_is_told_what_was_typed_and_what_a_plan_said() -> None:
    given = Given(frozenset({"budget", "task_timeout"}), frozenset({"workers"}), frozenset({"attempts", "reuse"}))
    words = same_way(replace(UNUSUAL, emulator=False, no_download=False), given)
    assert words == [
        *("film.yaml", "--task-timeout", "8", "--attempts", "9", "--budget", "10.50"),
        *("--reuse", "lender", "--scene", "s1*"),
    ]
    assert same_way(UNUSUAL, NOTHING) == ["film.yaml", "--emulator", "--scene", "s1*", "--no-download"]


@pytest.mark.parametrize("url", ["memory://films", "https://example.com/films"])
def test_results_go_to_nothing_that_ends_with_the_process(tmp_path: Path, url: str) -> None:
    manifest = tmp_path / "film.yaml"
    manifest.touch()
    ended = in_process("run", str(manifest), f"--output={url}")
    assert (ended.code, "results can go to s3://, gs:// or abfs://" in ended.err) == (2, True)
