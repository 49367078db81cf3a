"""Price tiers: which values of which setting cost the same. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from batchgen.model import Scalar
from batchgen.schemas import Schema

_BY = "size"
"""The setting that prices hang on where a model names none."""
_ONLY = "default"
"""The tier of a model that has none."""


@dataclass(frozen=True, slots=True)
class Tiers:
    """The tiers of a model, in their order.

    ``by`` is the setting that prices hang on, ``values`` its values of each tier; None stands for every value
    that no tier before lists.
    """

    by: str
    values: Mapping[str, tuple[Scalar, ...] | None]

    @classmethod
    def described(cls, description: Schema) -> "Tiers":
        """Read the tiers off a model's description; where there are none, one tier takes every scene."""
        tiers = description["tiers"] or {_ONLY: {}}
        listed = {name: tuple(tier["enum"]) if "enum" in tier else None for name, tier in tiers.items()}
        return cls(description.get("tiers_by", _BY), listed)

    def of(self, value: object) -> str | None:
        """The tier of a value; None where there is none."""
        return next((tier for tier, listed in self.values.items() if listed is None or _holds(listed, value)), None)

    @property
    def texts(self) -> Mapping[str, Sequence[str]]:
        """The values of each tier that are texts, sizes for example."""
        return {tier: [one for one in listed or () if isinstance(one, str)] for tier, listed in self.values.items()}


def _holds(listed: Sequence[Scalar], value: object) -> bool:
    """Whether a value is among those listed; true is no 1 here."""
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in listed)
