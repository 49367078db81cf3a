"""Repeatable random numbers. Each one is a hash of the seed and of its purpose.

There is no stream of numbers, so the order in which concurrent requests arrive has no influence:
with the same seed, the n-th submission of one request always gets the same faults.
"""

import hashlib

_SPAN = 2**64
_ID_LETTERS = "0123456789abcdefghijklmnopqrstuv"
_ID_LENGTH = 22


def random_token(seed: int, *purpose: object, length: int = 24) -> str:
    """Random hexadecimal digits, at most 64."""
    text = "\0".join([str(seed), *map(str, purpose)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def random_task_id(seed: int, *purpose: object) -> str:
    """A task id of the form that public clients of the gateway show: 22 digits of base 32, the first one a ``d``."""
    number = int(random_token(seed, "task", *purpose, length=64), 16)
    return "d" + "".join(_ID_LETTERS[number >> 5 * place & 31] for place in range(_ID_LENGTH - 1))


def random_fraction(seed: int, *purpose: object) -> float:
    """A random number from 0 to below 1."""
    return int(random_token(seed, *purpose, length=16), 16) / _SPAN


def random_between(low: float, high: float, seed: int, *purpose: object) -> float:
    """A random number from ``low`` to ``high``."""
    return low + (high - low) * random_fraction(seed, *purpose)
