"""Selects the faults to inject, by rules and seeded random numbers. Pure.

A fault belongs to one stage. At most one applies to a submission, to an outcome or to a single
status response. Result faults add up, since a file can be cut short *and* be sent without ranges.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from batchgen.emulator.faults.kinds import Fault, Stage
from batchgen.emulator.seeded_random import random_fraction


@dataclass(frozen=True, slots=True)
class Rule:
    """When a fault applies: the share of cases, the prompts, and the maximum number of times."""

    fault: Fault
    rate: float = 1.0
    match: Callable[[str], object] | None = None
    """Called with the prompt; true if the rule covers it. None: the rule covers every prompt."""
    times: int | None = None


class FaultSelector:
    """The rules of one emulator, in order of precedence."""

    def __init__(self, rules: Sequence[Rule], seed: int) -> None:
        """Store the rules; count how often each one has applied."""
        self._rules = rules
        self._seed = seed
        self._use_counts = [0] * len(rules)

    def select_first(self, stage: Stage, prompt: str, *case: object) -> Fault | None:
        """The first fault that applies to this case, or None. Ask once per case: each fault uses up `times`."""
        return next(self._applicable(stage, prompt, case), None)

    def select_all(self, stage: Stage, prompt: str, *case: object) -> Mapping[str, Fault]:
        """All faults that apply to this case, by kind."""
        return {fault.kind: fault for fault in self._applicable(stage, prompt, case)}

    def _applicable(self, stage: Stage, prompt: str, case: tuple[object, ...]) -> Iterator[Fault]:
        # Lazy: a rule after the first one that applies must not use up one of its `times`.
        for index, rule in enumerate(self._rules):
            if rule.fault.stage is not stage or (rule.match is not None and not rule.match(prompt)):
                continue
            if rule.times is not None and self._use_counts[index] >= rule.times:
                continue
            if random_fraction(self._seed, "fault", index, stage.value, *case) < rule.rate:
                self._use_counts[index] += 1
                yield rule.fault
