"""What a provider is: an address, a key, an error policy, and a way to connect."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from batchgen.errors import UsageError
from batchgen.model import AskedOf, RequestDocument, RequestForm, unread
from batchgen.providers.api_key import ApiKey
from batchgen.providers.error_policy import ErrorPolicy
from batchgen.providers.interface import Gateway, PricePreviewer, Uploader
from batchgen.providers.request_form import in_sections
from batchgen.providers.specification import SpecificationReader
from batchgen.schemas import Schema

AUTO = "auto"
"""In place of a form of requests: the run finds out which one the gateway takes."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a gateway.

    ``timeout_s`` is how many seconds of silence end a call, ``connections`` how many calls may be under
    way at a time.
    """

    base_url: str
    key: ApiKey
    timeout_s: float = 60.0
    connections: int = 8


def _never(_: RequestDocument) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Provider:
    """All that is true of one vendor: ``model.json`` of each of its models has its ``name``.

    ``base_url`` is the default address, ``key_variable`` the environment variable with the API key;
    ``request_formats`` are the forms in which it may take a request; they begin with the usual one.

    ``has_one_form`` says of a document that it is the same in each of them.

    ``request_form`` makes, of a model's description and the schema of its requests, the form of them.
    ``specifications`` read what the provider publishes of its models, as ``list`` and as ``contract``.
    ``asked_before`` reads requests of journals that do not say what they ask for. ``price_previewer`` asks what
    a request would cost, ``uploader`` keeps files at the address of its connection and gives out URLs of them; None
    where the vendor offers no such thing.
    """

    name: str
    base_url: str
    key_variable: str
    request_formats: tuple[str, ...]
    errors: ErrorPolicy
    connect: Callable[[Connection], Gateway]
    request_form: Callable[[Schema, Schema], RequestForm] = in_sections
    has_one_form: Callable[[RequestDocument], bool] = _never
    asked_before: AskedOf = unread
    specifications: Mapping[str, SpecificationReader] = field(default_factory=dict)
    price_previewer: Callable[[Connection], PricePreviewer] | None = None
    uploader: Callable[[Connection], Uploader] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where there is no format."""
        if not self.request_formats:
            raise ValueError(f"the provider {self.name} takes no format of requests")

    def formats_for(self, wanted: str, documents: Iterable[RequestDocument] = ()) -> tuple[str, ...]:
        """The forms in which a run may send documents, the usual one first. Raises `UsageError` for what is none."""
        if wanted == AUTO:
            return self._different(documents)
        if wanted not in self.request_formats:
            listed = ", ".join([AUTO, *self.request_formats])
            raise UsageError(f"{wanted!r} is not a format of requests; there is {listed}")
        return (wanted,)

    def formats_left_out(self, wanted: str, documents: Iterable[RequestDocument] = ()) -> tuple[str, ...]:
        """The forms that a run may not use, and that differ from those that it may."""
        different = self._different(documents)
        allowed = self.formats_for(wanted)
        return tuple(form for form in different if form not in allowed) if len(different) > 1 else ()

    def _different(self, documents: Iterable[RequestDocument]) -> tuple[str, ...]:
        same = [self.has_one_form(document) for document in documents]
        return self.request_formats[:1] if same and all(same) else self.request_formats
