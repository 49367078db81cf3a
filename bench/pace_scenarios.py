"""The scenarios of `bench.pace`, as data: what the gateway does, and what is to be reached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Rules = Sequence[Mapping[str, object]]
"""Faults by prompt, as `batchgen emulator --faults` takes them; an empty text stands in every prompt."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """So many tasks at a gateway that behaves in some way.

    ``gateway`` are options of the emulator, ``rules`` its faults by prompt. ``durations`` make kinds of tasks,
    ``at_once`` is how many of them run at once at most. ``most`` is the goal: the time from the first submission to
    the last end that was seen, of the ideal one, or of that of another scenario, ``than``, which is played as well.
    ``sdk_threads`` are those of the SDK's pool, as many as ``at_once`` where it is None; ``fetches`` has both
    fetch the results. ``options`` are further ones of batchgen. Of a scenario that takes long, there are at most
    ``most_rounds`` rounds.
    """

    name: str
    gateway: tuple[str, ...]
    most: float | None
    tasks: int = 200
    at_once: int = 50
    rules: Rules = ()
    durations: tuple[int, ...] = (2,)
    than: str = ""
    sdk_threads: int | None = None
    fetches: bool = False
    options: tuple[str, ...] = ()
    most_rounds: int = 3

    @property
    def goal(self) -> str:
        """The goal as people read it."""
        return "" if self.most is None else f"≤ {self.most:g}{f' of {self.than}' if self.than else ''}"


_FIXED = ("--latency=2.3",)
SCENARIOS = (
    Scenario("fixed", _FIXED, 1.03),
    Scenario("spread", ("--latency=1.5-3.1",), 1.06),
    Scenario(
        "two-kinds",
        ("--latency=1",),
        1.06,
        tasks=160,
        durations=(2, 3),
        rules=[{"match": "for 3 s", "fault": "takes-4"}],
        most_rounds=2,
    ),
    Scenario("mixed", ("--latency=1", "--fault=takes-4:0.5"), None, tasks=160, most_rounds=2),
    Scenario(
        "slow-phase",
        ("--latency=0.5",),
        1.5,
        rules=[{"match": "", "fault": "takes-20", "times": 8}],
        most_rounds=1,
    ),
    Scenario(
        "burst",
        _FIXED,
        1.2,
        rules=[{"match": "", "fault": "429", "times": 8}],
        than="fixed",
        # One at a time, as submissions go out until the form is known, they are no burst.
        options=("--request-format=documented",),
        most_rounds=2,
    ),
    Scenario("cap-2", ("--latency=1", "--max-concurrent=2"), None, tasks=24, at_once=2, most_rounds=1),
    Scenario(
        "slow-answers",
        (*_FIXED, "--max-concurrent=50", "--fault=slow", "--fault=poll-slow", "--slow-seconds=0.3"),
        1.2,
        sdk_threads=100,
        most_rounds=1,
    ),
    Scenario("failing-reads", (*_FIXED, "--fault=poll-500:0.333"), 1.3, than="fixed", most_rounds=2),
    Scenario(
        "real-results",
        (*_FIXED, "--fault=padded-4", "--fault=rate-4"),
        None,
        tasks=100,
        fetches=True,
        most_rounds=1,
    ),
)
"""In the order in which they are played; ``than`` names one that stands before."""
