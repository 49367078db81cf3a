"""Chance that can be repeated: numbers that follow from a seed and the names of what they are for.

Nothing is drawn from a stream, so the order in which concurrent requests arrive changes nothing:
the n-th submission of one request meets the same faults in every rehearsal with the same seed.
"""

import hashlib

_SPAN = 2**64


def token(seed: int, *purpose: object, length: int = 24) -> str:
    """Hexadecimal digits that look random; at most 64 of them."""
    text = "\0".join([str(seed), *map(str, purpose)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def chance(seed: int, *purpose: object) -> float:
    """A number from 0 to below 1."""
    return int(token(seed, *purpose, length=16), 16) / _SPAN


def between(low: float, high: float, seed: int, *purpose: object) -> float:
    """A number from low to high."""
    return low + (high - low) * chance(seed, *purpose)
