"""The API key that the environment holds."""

import os
from collections.abc import Mapping

from batchgen.providers.api_key import ApiKey
from batchgen.providers.provider import Provider
from batchgen.providers.registry import PROVIDERS, provider_named


def key_in_environment(provider: str, providers: Mapping[str, Provider] = PROVIDERS) -> ApiKey | None:
    """The key in the variable of a provider, None where that is empty. Raises `UsageError` for what is no key."""
    value = os.environ.get(provider_named(provider, providers).key_variable)
    return ApiKey(value) if value else None
