"""Sizes as people write them by habit → the sizes that the model documents. Pure."""

import re
from collections.abc import Mapping, Sequence

_PIXELS = re.compile(r"\s*(\d{3,5})\s*[x*×X:/,]\s*(\d{3,5})\s*(?:px)?\s*\Z")  # noqa: RUF001 - people type it
_SIZE = re.compile(r"\d+\*\d+\Z")
_RATIO = re.compile(r"\s*(\d{1,2}(?:\.\d{1,3})?)\s*[:/xX×]\s*(\d{1,2})\s*\Z")  # noqa: RUF001
_ALIKE = 0.03
"""Ratios this close count as one: the documented 4:3 size, 1088*832, is off by 2 %."""


def fitting(written: str, tiers: Mapping[str, Sequence[str]]) -> list[str]:
    """The documented sizes that ``written`` may have meant, best first; empty for no idea."""
    sizes = [size for listed in tiers.values() for size in listed if _SIZE.match(size)]
    for tier, listed in tiers.items():
        if written.strip().casefold() in (tier.casefold(), tier.casefold().rstrip("p")):
            return list(listed)
    if match := _PIXELS.match(written):
        exact = f"{int(match[1])}*{int(match[2])}"
        if exact in sizes:
            return [exact]
        ratio, pixels = int(match[1]) / max(int(match[2]), 1), int(match[1]) * int(match[2])
        alike = [size for size in sizes if _is_alike(size, ratio)]
        return sorted(alike, key=lambda size: abs(_width(size) * _height(size) - pixels))
    if match := _RATIO.match(written):
        return [size for size in sizes if int(match[2]) and _is_alike(size, float(match[1]) / int(match[2]))]
    return []


def _is_alike(size: str, ratio: float) -> bool:
    return abs(_width(size) / _height(size) - ratio) <= _ALIKE * ratio


def _width(size: str) -> int:
    return int(size.partition("*")[0])


def _height(size: str) -> int:
    return int(size.partition("*")[2])
