"""The reconciliation itself: it agrees with good books, and objects to every kind of bad ones."""

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from campaigns.reliability.books import Books, Task, compared, tasks_of
from campaigns.reliability.command import fault_table, main, money_table, scene_table
from campaigns.reliability.trials import Outcome, Trial
from helpers.runs import Batch, batch, csv_rows, emulator

SCENES = 3
PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"


@dataclass(slots=True)
class Case:
    """Books that can be falsified."""

    film: Batch
    tasks: list[Task]
    sent: list[str]
    audit: Decimal

    def books(self) -> Books:
        return compared(self.film, self.tasks, self.sent, self.audit)

    def edit(self, name: str, **cells: str) -> None:
        """Write other cells into the row of the first scene."""
        path = self.film.run_dir / name
        rows = csv_rows(path)
        rows[0] |= cells
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A batch that was run to its end, undisturbed."""
    folder = tmp_path_factory.mktemp("books")
    with emulator(folder, f"--state={folder / 'gateway'}", "--price=720P=0.1000000011") as gateway:
        film = batch(folder, gateway, SCENES)
        film.run()
        tasks, objections = tasks_of(gateway, folder / "gateway")
    assert not objections
    tasks.sort(key=lambda task: task.prompt)
    return Case(film, tasks, [task.prompt for task in tasks], Decimal("0.6000000066"))


@pytest.fixture
def case(original: Case, tmp_path: Path) -> Case:
    """A copy of it to falsify."""
    film = replace(original.film, folder=tmp_path)
    shutil.copytree(original.film.folder / "runs", tmp_path / "runs")
    return Case(film, list(original.tasks), list(original.sent), original.audit)


def test_good_books_agree(case: Case) -> None:
    books = case.books()
    assert books.objections == ()
    assert books.sum_of("charged") == books.sum_of("in_ledger") == Decimal("0.6000000066")
    assert books.sum_of("difference") == books.count_of("lost") == books.count_of("paid_twice") == 0


def another_task(case: Case) -> None:
    case.tasks.append(replace(case.tasks[0], task_id="task_of_nobody", created=case.tasks[0].created + 9))


def a_task_less(case: Case) -> None:
    del case.tasks[0]


def a_task_of_no_scene(case: Case) -> None:
    case.tasks.append(replace(case.tasks[0], task_id="task_of_nobody", prompt="never asked for"))


def the_last_decimal(case: Case) -> None:
    case.edit("ledger.csv", cost_usd="0.2000000023")


def a_cost_less(case: Case) -> None:
    case.edit("ledger.csv", cost_usd="")


def another_status(case: Case) -> None:
    case.edit("report.csv", status="running")


def another_sum_in_the_report(case: Case) -> None:
    case.edit("report.csv", cost_usd="0.2000000021")


def another_video(case: Case) -> None:
    with (case.film.run_dir / "videos" / "s2.mp4").open("ab") as file:
        file.write(b"\0")


def a_video_less(case: Case) -> None:
    (case.film.run_dir / "videos" / "s2.mp4").unlink()


def a_task_that_failed(case: Case) -> None:
    case.tasks[0] = replace(case.tasks[0], status="failed", cost=Decimal(0), stated=False)


def one_submission_more(case: Case) -> None:
    case.sent.append(case.sent[0])


def another_audit(case: Case) -> None:
    case.audit += Decimal("0.0000000001")


FALSE: tuple[tuple[Callable[[Case], None], str], ...] = (
    (another_task, "1 lost, 1 paid twice, difference 0.2000000022"),
    (a_task_less, "the gateway has no task"),
    (a_task_of_no_scene, "belongs to no scene"),
    (the_last_decimal, "0.2000000023 in the ledger, 0.2000000022 at the gateway"),
    (a_cost_less, "completed at the gateway"),
    (another_status, "running () in the report, and it should be completed"),
    (another_sum_in_the_report, "the sums differ"),
    (another_video, "s2: the video is"),
    (a_video_less, "s2: the video is missing"),
    (a_task_that_failed, "failed at the gateway"),
    (one_submission_more, "2 submissions, 1 attempts"),
    (another_audit, "the sums differ"),
)


@pytest.mark.parametrize(("falsify", "told"), FALSE)
def test_false_books_are_objected_to(case: Case, falsify: Callable[[Case], None], told: str) -> None:
    falsify(case)
    assert told in "\n".join(case.books().objections)


def test_an_unknown_scene_may_have_one_task_that_the_ledger_does_not_name(case: Case) -> None:
    case.edit("ledger.csv", outcome="unknown", task_id="", cost_usd="")
    case.edit("report.csv", status="unknown", task_id="", cost_usd="")
    case.audit = Decimal("0.4000000044")
    books = case.books()
    assert books.objections == ()
    assert books.unknown == ["s1"]
    assert (books.sum_of("unnamed"), books.sum_of("difference")) == (Decimal("0.2000000022"), Decimal(0))
    another_task(case)
    assert "s1: 1 lost, 1 paid twice" in "\n".join(case.books().objections)


def test_an_unknown_scene_may_have_no_task(case: Case) -> None:
    case.edit("ledger.csv", outcome="unknown", task_id="", cost_usd="")
    case.edit("report.csv", status="unknown", task_id="", cost_usd="")
    case.audit = Decimal("0.4000000044")
    del case.tasks[0]
    assert case.books().objections == ()


def test_a_scene_may_be_paid_for_again_once_its_task_has_failed(case: Case) -> None:
    failed = replace(case.tasks[0], task_id="task_before", status="failed", cost=Decimal(0), stated=False, created=0.0)
    case.tasks.append(failed)
    assert case.books().lines[0].paid_twice == 0


def test_the_tables_say_what_was_objected_to(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    books = case.books()
    good = Outcome(Trial("kill", 0, 1), 3, Counter(kill=2), 1.0, (), books, books)
    bad = replace(good, trial=Trial("kill", 1, 1), objections=("s1: lost",))
    assert "| the run is killed (SIGKILL) | kill: 4 | 2 | 6 | 6 | 6 | 0 | 0 | 0 | 1 |" in fault_table([good, bad])
    assert "| **all** | 0.6000000066 | 0.6000000066 | 0 | 0 | 0.6000000066 | 0.6000000066 | 0 |" in money_table([good])
    assert "| s3 | completed | 1 | 1 | 0.2000000022 | 0.2000000022 | 0 | 0 |" in scene_table([bad, good])
    assert scene_table([bad]) == "no trial agrees"
    with pytest.raises(SystemExit):
        main(["--faults", "kill,rain"])
    assert "no such fault: rain" in capsys.readouterr().err
