"""The providers that batchgen knows, by the name that a model gives."""

from collections.abc import Mapping

from batchgen.errors import UsageError
from batchgen.providers.provider import Provider
from batchgen.providers.vtrix.provider import VTRIX

PROVIDERS: Mapping[str, Provider] = {VTRIX.name: VTRIX}
DEFAULT = VTRIX.name
"""The provider of a model whose ``model.json`` names none."""


def provider_named(name: str, providers: Mapping[str, Provider] = PROVIDERS) -> Provider:
    """The provider of that name. Raises `UsageError` where there is none."""
    if name not in providers:
        raise UsageError(f"there is no provider {name!r}; there is {', '.join(sorted(providers))}")
    return providers[name]
