"""Repeatable random numbers. Each one is a hash of the seed and of its purpose.

There is no stream of numbers, so the order in which concurrent requests arrive has no influence:
with the same seed, the n-th submission of one request always gets the same faults.
"""

import hashlib

_SPAN = 2**64


def random_token(seed: int, *purpose: object, length: int = 24) -> str:
    """Random hexadecimal digits, at most 64."""
    text = "\0".join([str(seed), *map(str, purpose)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def random_fraction(seed: int, *purpose: object) -> float:
    """A random number from 0 to below 1."""
    return int(random_token(seed, *purpose, length=16), 16) / _SPAN


def random_between(low: float, high: float, seed: int, *purpose: object) -> float:
    """A random number from ``low`` to ``high``."""
    return low + (high - low) * random_fraction(seed, *purpose)
