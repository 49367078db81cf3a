"""A valid request for a video, as the parser returns it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batchgen.emulator.models import Model, RequestForm
from batchgen.emulator.video.references import Reference


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A valid request for a video."""

    model: Model
    form: RequestForm
    prompt: str
    fields: dict[str, Any]
    """Every field by name, whatever object of the request it stands in."""
    references: Sequence[Reference]
    redacted: dict[str, Any]
    """All but the model, fit for a log: sizes and hashes in place of payloads."""
    sha256: str
    """The hash of ``redacted`` and the model. Equal requests have equal hashes, in either form."""
    flat: bool
    """The fields of input and parameters stood side by side in ``params``."""
    side_fields: Mapping[str, Any]
    """What public clients send beside it, such as ``metadata``."""
