"""How many seconds of its reference videos a request is billed for, where a gateway bills them at all. Pure.

The rule belongs to a model and stands in its ``model.json``: so many seconds of each video count at most, fewer
the more there are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from batchgen.money import total
from batchgen.references import Reference
from batchgen.schemas import Schema, compiled

_MICROSECOND = Decimal("0.000001")
"""The unit in which decoders count, finer than any price list."""


@dataclass(frozen=True, slots=True)
class ReferenceBilling:
    """The rule of one model.

    ``is_video`` tells of a reference that was not opened whether its address names a video, ``unknown`` is how
    many seconds such a one counts as, ``most_each`` how many seconds of each video count at most: of one, of each
    of two, and so on.
    """

    is_video: Callable[[str], bool]
    unknown: Decimal
    most_each: tuple[Decimal, ...]

    @classmethod
    def from_description(cls, description: Schema) -> "ReferenceBilling | None":
        """Read the rule off a model's description; None where reference video is never billed."""
        rule = description.get("reference_video")
        if rule is None:
            return None
        most = tuple(map(Decimal, rule["most_seconds_each"]))
        return cls(compiled(rule["is_video"]).is_valid, Decimal(rule["unknown_seconds"]), most)

    def videos(self, references: Sequence[Reference]) -> list[Reference]:
        """Those that are videos; one whose kind is not known counts as a picture."""
        return [each for each in references if self._is_video(each)]

    def seconds(self, videos: Sequence[Reference]) -> Decimal:
        """How many seconds of these videos are billed together."""
        if not videos:
            return Decimal(0)
        most = self.most_each[min(len(videos), len(self.most_each)) - 1]
        return _plain(total(min(self._length(each), most) for each in videos))

    def _is_video(self, reference: Reference) -> bool:
        content = reference.content
        return self.is_video(reference.source) if content is None else content.facts.kind == "video"

    def _length(self, reference: Reference) -> Decimal:
        seconds = None if reference.content is None else reference.content.facts.seconds
        return self.unknown if seconds is None else _exact(seconds)


def _exact(seconds: float) -> Decimal:
    """A measured length as a decimal, never shorter than it was measured."""
    return Decimal(repr(seconds)).quantize(_MICROSECOND, ROUND_CEILING)


def _plain(seconds: Decimal) -> Decimal:
    """The same number without zeros at its end, so that products have no digits that nobody wrote."""
    return Decimal(format(seconds.normalize(), "f"))
