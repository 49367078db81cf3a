"""A request that is in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from batchgen.emulator.models import Form, Model
from batchgen.emulator.video.references import Reference


@dataclass(frozen=True, slots=True)
class Order:
    """A request that is in order."""

    model: Model
    form: Form
    prompt: str
    parameters: dict[str, Any]
    references: Sequence[Reference]
    shown: dict[str, Any]
    """Input and parameters for the log, payloads as sizes and hashes."""
    sha256: str
    """Of ``shown`` and the model: alike for two requests that ask for the same, in either form."""
