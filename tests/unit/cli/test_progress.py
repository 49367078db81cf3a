"""The line that is seen while a run goes on."""

from decimal import Decimal

import pytest

from batchgen.app.notices import Standing
from batchgen.cli import taskbar
from batchgen.cli.progress import Shown, bar_format
from batchgen.engine.forecast import Forecast, forecast

STANDING = Standing(
    scenes=30, over=14, running=8, failed=1, unknown=2, charged_usd=Decimal("3.00"), may_come_usd=Decimal("1.60")
)
FULL = Shown(STANDING, Forecast(3.2, left_s=410, oldest_s=190), Decimal("20.00"))


@pytest.mark.parametrize("width", [30, 60, 80, 120, 200])
@pytest.mark.parametrize("left_s", [None, 5, 90_000])
@pytest.mark.parametrize("many", [1, 1_000, 1_000_000])
@pytest.mark.parametrize("usd", ["0", "0.20", "12345.1234567891"])
@pytest.mark.parametrize("waits_for", ["", "waits 32 s: " + "{too} many requests " * 2])
def test_the_line_fits(width: int, left_s: float | None, many: int, usd: str, waits_for: str) -> None:
    standing = Standing(many, many, many, many, many, Decimal(usd), Decimal(usd))
    line = bar_format(Shown(standing, Forecast(1.0, left_s, left_s), Decimal(usd), waits_for), width)
    text = line.replace("|{bar}|", "").rstrip().format()
    assert len(text) < width
    assert text.startswith(f"{many}/{many} scenes, "[: width - 1])
    assert f"{many} failed" in text or width < 60


def test_the_line_says_how_far_it_is_and_what_that_costs() -> None:
    full = "14/30 scenes, 8 running (3 min), 1 failed, 2 unknown, 3.00 USD, 1.60 may come, budget 20.00, 7 min left"
    assert bar_format(FULL, 120) == f"{full} |{{bar}}|"
    assert bar_format(FULL, len(full) + 1) == full
    assert bar_format(FULL, len(full)) == full.replace(" (3 min)", "")
    assert bar_format(FULL, 90) == "14/30 scenes, 8 running, 1 failed, 2 unknown, 3.00 USD, 1.60 may come, budget 20.00"
    assert bar_format(FULL, 60) == "14/30 scenes, 8 running, 1 failed, 2 unknown, 3.00 USD"


def test_a_selection_is_named_as_one() -> None:
    shown = Shown(STANDING, Forecast(), which="selected scenes")
    assert bar_format(shown, 45) == "14/30 selected scenes, 1 failed, 2 unknown"


def test_why_all_waits_is_told_before_the_rest() -> None:
    waiting = Shown(STANDING, Forecast(), None, "waits 32 s: too many requests")
    assert bar_format(waiting, 80) == "14/30 scenes, waits 32 s: too many requests, 1 failed, 2 unknown, 3.00 USD"
    long = Shown(STANDING, Forecast(), None, "waits 32 s: " + "too many requests " * 3)
    assert bar_format(long, 60).startswith("14/30 scenes, waits 32 s, 1 failed"), "that it waits is never left out"


@pytest.mark.parametrize(
    ("left_s", "said"), [(0, "0 s"), (59, "59 s"), (61, "1 min"), (3_540, "59 min"), (3_600, "1 h 0 min")]
)
def test_the_time_left_is_told_in_the_unit_that_fits(left_s: float, said: str) -> None:
    assert Shown(STANDING, Forecast(left_s=left_s)).words()[-1] == f"{said} left"


def test_nothing_is_foretold_before_anything_is_known() -> None:
    found = forecast({"a": 5}, [("a", 60.0)], lambda _: None, 2)
    assert (found.left_s, found.oldest_s) == (None, 60.0)
    assert 0 < found.done < 1, "it was submitted"


def test_the_time_left_follows_from_how_long_tasks_took() -> None:
    means = {"a": 100.0, "b": 300.0}
    assert forecast({"a": 10}, [], means.get, 2).left_s == 500
    assert forecast({}, [("a", 40.0), ("a", 90.0)], means.get, 50).left_s == pytest.approx(60)
    assert forecast({"b": 1}, [("a", 40.0)], means.get, 50).left_s == 300
    assert forecast({"c": 2}, [("a", 100.0)], means.get, 1).left_s == pytest.approx(205), "as long as the others"
    assert forecast({}, [("a", 1_000.0)], means.get, 1).left_s == pytest.approx(5), "any moment"
    assert forecast({}, [], means.get, 1) == Forecast()


@pytest.mark.parametrize(
    ("environment", "is_taken"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"WT_SESSION": "1"}, True),
        ({"ConEmuANSI": "ON"}, True),
        ({"TERM_PROGRAM": "WezTerm"}, True),
        ({"TERM_PROGRAM": "WezTerm", "TMUX": "1"}, False),
        ({"WT_SESSION": "1", "TERM": "screen-256color"}, False),
        ({"VTE_VERSION": "8001"}, True),
        ({"VTE_VERSION": "7600"}, False),
        ({"VTE_VERSION": "many"}, False),
    ],
)
def test_the_taskbar_is_for_terminals_that_have_one(environment: dict[str, str], is_taken: bool) -> None:  # noqa: FBT001
    assert taskbar.is_taken(environment) is is_taken


def test_the_taskbar_shows_each_change_once_and_is_cleared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WT_SESSION", "1")
    for name in ("TMUX", "TERM"):
        monkeypatch.delenv(name, raising=False)
    shown = taskbar.Taskbar(wanted=True)
    shown.show(0.5, failed=False, waits=False)
    shown.show(0.501, failed=False, waits=False)
    shown.show(0.51, failed=True, waits=False)
    shown.show(0.51, failed=True, waits=True)
    shown.clear()
    said = [f"\x1b]9;4;{each}\x07" for each in ("1;50", "2;51", "4;51", "0;0")]
    assert capsys.readouterr().err == "".join(said)


def test_a_terminal_without_one_gets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shown = taskbar.Taskbar(wanted=False)
    shown.show(0.5, failed=False, waits=False)
    shown.clear()
    assert capsys.readouterr().err == ""
