"""Which of the faults strikes: rules and draws, no acts.

A fault belongs to one stage. At most one strikes a submission, an outcome or a single status
answer; result faults add up, since a file can be cut short *and* come without ranges.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from batchgen.emulator.faults.kinds import Fault, Stage
from batchgen.emulator.seeded_random import chance


@dataclass(frozen=True, slots=True)
class Rule:
    """When a fault strikes: in that share of cases, for those prompts, that many times at most."""

    fault: Fault
    rate: float = 1.0
    match: Callable[[str], object] | None = None
    """Called with the prompt; true where the rule speaks of it. None: of every prompt."""
    times: int | None = None


class Plan:
    """The rules of one emulator, in order: the first that strikes wins."""

    def __init__(self, rules: Sequence[Rule], seed: int) -> None:
        """Take the rules as they are; count how often each has struck."""
        self._rules = rules
        self._seed = seed
        self._struck = [0] * len(rules)

    def first(self, stage: Stage, prompt: str, *case: object) -> Fault | None:
        """The fault that strikes this case, if one does. A case is to be asked about once."""
        return next(self._strikes(stage, prompt, case), None)

    def every(self, stage: Stage, prompt: str, *case: object) -> Mapping[str, Fault]:
        """All faults that strike this case, by kind."""
        return {fault.kind: fault for fault in self._strikes(stage, prompt, case)}

    def _strikes(self, stage: Stage, prompt: str, case: tuple[object, ...]) -> Iterator[Fault]:
        # Lazy, so that a rule behind the first one that strikes does not lose one of its times.
        for index, rule in enumerate(self._rules):
            if rule.fault.stage is not stage or (rule.match is not None and not rule.match(prompt)):
                continue
            if rule.times is not None and self._struck[index] >= rule.times:
                continue
            if chance(self._seed, "fault", index, stage.value, *case) < rule.rate:
                self._struck[index] += 1
                yield rule.fault
