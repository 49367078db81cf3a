"""The command line of the trials, and the tables that are made of their outcomes."""

import argparse
import os
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from campaigns.reliability.books import Books, exact_sum
from campaigns.reliability.strikes import FAULTS
from campaigns.reliability.trials import SCENES, Outcome, Trial, play_all, trials_of
from helpers import pages

_MOST_JOBS = 2
_WORDS = {
    "kill": "the run is killed (SIGKILL)",
    "stop": "run or gateway sleeps (SIGSTOP, SIGCONT)",
    "emulator": "the gateway is killed and comes back",
    "both": "run and gateway are killed",
    "disk": "the disk is full",
    "readonly": "the run directory is closed or taken away",
    "clock": "the clock is set back and forth",
    "torn": "the journal is torn, cut or damaged",
}


def main(arguments: Sequence[str]) -> int:
    """Do the trials, print and perhaps write the tables; 1 where anything is objected to."""
    options = _options(arguments)
    seed = random.SystemRandom().randrange(2**31) if options.seed is None else options.seed
    trials = [trial for fault in options.faults for trial in trials_of(fault, options.trials, seed, options.scenes)]
    if options.only is not None:
        trials = [Trial(fault, options.only, seed, options.scenes) for fault in options.faults]
    named = "" if options.faults == list(FAULTS) else f" --faults {','.join(options.faults)}"
    command = (
        f"python tests/campaigns/reliability --trials {options.trials} --seed {seed} --scenes {options.scenes}{named}"
    )
    print(command, flush=True)
    outcomes = []
    for outcome in play_all(trials, options.jobs):
        print(_in_a_line(outcome), flush=True)
        outcomes.append(outcome)
    tables = {"faults": fault_table(outcomes), "books": money_table(outcomes), "scenes": scene_table(outcomes)}
    for table in tables.values():
        print(f"\n{table}")
    if options.write:
        pages.put(options.write, "command", pages.made_by(command, os.cpu_count() or 1))
        for name, table in tables.items():
            pages.put(options.write, name, table)
    return int(any(outcome.objections for outcome in outcomes))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/campaigns/reliability", description=__doc__)
    parser.add_argument("--trials", type=int, default=3, help="of each fault, of kill twice as many [default: 3]")
    parser.add_argument("--seed", type=int, help="draws batches, faults and moments [default: another each time]")
    parser.add_argument("--faults", type=_faults, default=list(FAULTS), help=f"of {','.join(FAULTS)} [default: all]")
    parser.add_argument("--scenes", type=int, default=SCENES, help=f"of each batch [default: {SCENES}]")
    parser.add_argument("--only", type=int, metavar="N", help="only the trial of that number, of each fault")
    parser.add_argument("--jobs", type=int, choices=range(1, _MOST_JOBS + 1), default=_MOST_JOBS, help="at once")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables between the markers of a page")
    return parser.parse_args(arguments)


def _faults(text: str) -> list[str]:
    named = text.split(",")
    strange = [name for name in named if name not in FAULTS]
    if strange:
        raise argparse.ArgumentTypeError(f"no such fault: {', '.join(strange)}")
    return named


def _in_a_line(outcome: Outcome) -> str:
    trial, strikes = outcome.trial, ", ".join(f"{what} {count}" for what, count in outcome.strikes.items() if count)
    begin = f"{trial.fault} {trial.number}: {strikes or 'nothing struck'}; {outcome.runs} runs, {outcome.seconds:.0f} s"
    if not outcome.objections:
        unknown = outcome.books.unknown if outcome.books else []
        return f"{begin}; the books agree, {len(unknown)} unknown"
    return "\n  ".join([f"{begin}; OBJECTIONS:", *outcome.objections, f"again: {trial.again}"])


def fault_table(outcomes: Sequence[Outcome]) -> str:
    """Of each fault the number of trials and what came of them, as Markdown."""
    head = "fault|strikes|trials|runs|scenes|tasks created|unknown|paid twice|lost|trials with an objection"
    rows = []
    for fault, some in _by_fault(outcomes).items():
        strikes = sum((outcome.strikes for outcome in some), Counter[str]())
        books = [outcome.books for outcome in some if outcome.books]
        rows.append([
            _WORDS.get(fault, "**all**"),
            "<br>".join(f"{what}: {count}" for what, count in sorted(strikes.items()) if fault),
            len(some),
            sum(outcome.runs for outcome in some),
            sum(len(one.lines) for one in books),
            _count(books, "tasks"),
            sum(len(one.unknown) for one in books),
            _count(books, "paid_twice"),
            _count(books, "lost"),
            sum(bool(outcome.objections) for outcome in some),
        ])  # fmt: skip
    return pages.table(head.split("|"), rows)


def money_table(outcomes: Sequence[Outcome]) -> str:
    """US dollars in both books, before and after unknown scenes are resolved, as Markdown."""
    head = (
        "fault|gateway's log|ledger.csv|for unknown scenes|difference|"
        "after `resolve`: gateway's log|ledger.csv|difference"
    )
    rows = []
    for fault, some in _by_fault(outcomes).items():
        books = [outcome.books for outcome in some if outcome.books]
        settled = [outcome.settled for outcome in some if outcome.settled]
        before = [_sum(books, column) for column in ("charged", "in_ledger", "unnamed", "difference")]
        after = [_sum(settled, column) for column in ("charged", "in_ledger", "difference")]
        rows.append([_WORDS.get(fault, "**all**"), *before, *after])
    return pages.table(head.split("|"), rows)


def scene_table(outcomes: Sequence[Outcome]) -> str:
    """One batch, scene by scene: of those that agree, the one that shows the most different cases."""
    agreed = [outcome for outcome in outcomes if outcome.books and not outcome.objections]
    if not agreed:
        return "no trial agrees"
    shown = max(agreed, key=_cases)
    head = "scene|status|attempts in ledger.csv|tasks at the gateway|charged|in ledger.csv|for unknown|difference"
    rows = [
        [line.scene_id, line.status, line.attempts, line.tasks, *map(_usd, (line.charged, line.in_ledger)),
         _usd(line.unnamed), _usd(line.difference)]
        for line in (shown.books.lines if shown.books else ())
    ]  # fmt: skip
    return f"`{shown.trial.again}`\n\n{pages.table(head.split('|'), rows)}"


def _cases(outcome: Outcome) -> int:
    """In how many different ways its scenes ended."""
    lines = outcome.books.lines if outcome.books else ()
    return len({(line.status, line.attempts, line.tasks, bool(line.unnamed)) for line in lines})


def _by_fault(outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes by fault, and all of them under an empty name at last."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.trial.fault, []).append(outcome)
    return {**found, "": list(outcomes)}


def _count(books: Sequence[Books], column: str) -> int:
    return sum(one.count_of(column) for one in books)


def _sum(books: Sequence[Books], column: str) -> str:
    return _usd(exact_sum(one.sum_of(column) for one in books))


def _usd(amount: Decimal) -> str:
    """An amount without the zeros at its end, of which exact sums leave many."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
