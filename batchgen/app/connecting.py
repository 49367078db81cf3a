"""The gateway that a run talks to: a real one, or an emulator of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from batchgen.app.loading import Batch
from batchgen.app.run_options import RunOptions
from batchgen.errors import Remedy, RunDirectoryError, UsageError
from batchgen.layout import EMULATOR
from batchgen.network import is_inside
from batchgen.providers.api_key import ApiKey
from batchgen.providers.interface import Gateway
from batchgen.providers.provider import Connection, Provider

EMULATOR_KEY = "emulator"
"""What the emulator of a rehearsal takes for a key."""


@dataclass(frozen=True, slots=True)
class Connected:
    """A gateway, its provider, and the address at which it is reached."""

    provider: Provider
    base_url: str
    gateway: Gateway

    @property
    def name(self) -> str:
        """What the gateway is known by: its address, however it is written."""
        parts = urlsplit(self.base_url)
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        port = "" if parts.port in (None, usual) else f":{parts.port}"
        return f"{parts.scheme}://{(parts.hostname or '').lower()}{port}{parts.path.rstrip('/')}"


@contextmanager
def connected_to(
    provider: Provider, base_url: str, key: ApiKey | str | None, options: RunOptions
) -> Iterator[Connected]:
    """Connect, without a byte sent. Raises `UsageError` without a key, or for a base URL that cannot be one."""
    connection = connection_of(provider, base_url, key, options)
    with closing(provider.connect(connection)) as gateway:
        yield Connected(provider, base_url, gateway)


def connection_of(provider: Provider, base_url: str, key: ApiKey | str | None, options: RunOptions) -> Connection:
    """How to reach a gateway. Raises `UsageError` without a key."""
    secret = _api_key(key, provider)
    return Connection(base_url, secret, options.request_timeout_s, options.workers)


def is_open_to_all(base_url: str) -> bool:
    """Whether the API key would leave this network unencrypted."""
    address = urlsplit(base_url)
    return address.scheme == "http" and not is_inside(address.hostname or "")


UNENCRYPTED = "this base URL is not encrypted: all on the way can read the API key"


def _api_key(key: object, provider: Provider) -> ApiKey:
    if key is None:
        raise UsageError("there is no API key", Remedy.GIVE_KEY, provider.key_variable)
    if isinstance(key, str):
        return ApiKey(key)
    if not isinstance(key, ApiKey):
        raise UsageError("the API key is neither a text nor an ApiKey")
    return key


@contextmanager
def rehearsing(batch: Batch, provider: Provider, options: RunOptions) -> Iterator[Connected]:
    """Connect to an emulator that lives as long as the context.

    It keeps its tasks in the run directory, so that a rehearsal that was cut off goes on, and charges what the
    manifest declares, so that its sum is that of the plan. Raises `RunDirectoryError` where it cannot go on.
    """
    from batchgen.emulator.server import EmbeddedEmulator
    from batchgen.emulator.settings import Settings

    with ExitStack() as stack:
        try:
            price = batch.manifest.reference_price
            settings = Settings(
                state=batch.directory.path / EMULATOR,
                prices=batch.manifest.pricing,
                bill_reference_video=price is not None,
                reference_price=price if isinstance(price, Decimal) else None,
            )
            emulator = stack.enter_context(EmbeddedEmulator(settings, batch.catalogue))
        except UsageError as error:
            raise RunDirectoryError(f"the embedded emulator cannot go on where it was: {error}") from None
        yield stack.enter_context(connected_to(provider, emulator.base_url, EMULATOR_KEY, options))
