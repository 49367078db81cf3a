"""The providers that batchgen knows, by the name that a model gives."""

from collections.abc import Mapping
from typing import Any

from batchgen.errors import UsageError
from batchgen.model import Asked, RequestForm
from batchgen.providers.provider import Provider
from batchgen.providers.vtrix.provider import VTRIX
from batchgen.schemas import Catalogue, Schema

PROVIDERS: Mapping[str, Provider] = {VTRIX.name: VTRIX}
DEFAULT = VTRIX.name
"""The provider of a model whose ``model.json`` names none."""


def provider_named(name: str, providers: Mapping[str, Provider] = PROVIDERS) -> Provider:
    """The provider of that name. Raises `UsageError` where there is none."""
    if name not in providers:
        raise UsageError(f"there is no provider {name!r}; there is {', '.join(sorted(providers))}")
    return providers[name]


def name_of(description: Schema) -> str:
    """The name of the provider that serves a model, from its description."""
    return str(description.get("provider", DEFAULT))


def request_form(catalogue: Catalogue, model: str, providers: Mapping[str, Provider] = PROVIDERS) -> RequestForm:
    """The form of the requests of a model. Raises `UsageError` where its provider is not known."""
    description = catalogue.for_model(model, "model.json")
    provider = provider_named(name_of(description), providers)
    return provider.request_form(description, catalogue.for_model(model, "request"))


def asked_before(stored: Mapping[str, Any]) -> Asked:
    """What a request asks for, of a journal that does not say so: when those were written, there was one provider."""
    return PROVIDERS[DEFAULT].asked_before(stored)
