"""A manifest and its reference files, checked."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from batchgen.app.keywords import StrPath
from batchgen.errors import RefusedRun, UsageError
from batchgen.manifest.load import LoadedManifest, PricedTiers, load_manifest, without_prices
from batchgen.manifest.profiles import UnknownProfile
from batchgen.model import Problem, counted
from batchgen.providers.provider import Provider
from batchgen.providers.registry import PROVIDERS, request_form
from batchgen.schemas import Catalogue, shipped


class InvalidManifest(RefusedRun):
    """A manifest with errors; ``problems`` holds them, warnings included."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        """Say how many there are."""
        super().__init__(f"{path}: {counted(problems)}; nothing was submitted")
        self.path = path
        self.problems = tuple(problems)

    def __reduce__(self) -> tuple[object, ...]:
        return InvalidManifest, (self.path, self.problems)


def check(  # noqa: PLR0913 - each has a default
    path: StrPath,
    *,
    strict: bool = False,
    check_urls: bool = False,
    publishes: bool = False,
    priced: PricedTiers = without_prices,
    profile: str | None = None,
    every_profile: bool = True,
    catalogue: Catalogue | None = None,
    providers: Mapping[str, Provider] = PROVIDERS,
) -> LoadedManifest:
    """Check a manifest and its reference files; as `batchgen.manifest.load.load_manifest`.

    Without a ``profile`` every profile is checked, unless ``every_profile`` is False: then it is the one that holds for
    a run. Raises `UsageError` where the manifest cannot be read, there is no such profile, or the provider of its
    model is not known.
    """
    known, form_of = catalogue or shipped(), partial(request_form, providers=providers)
    try:
        return load_manifest(
            Path(path),
            known,
            form_of,
            strict=strict,
            check_urls=check_urls,
            publishes=publishes,
            priced=priced,
            profile=profile,
            every_profile=every_profile,
        )
    except UnknownProfile as error:
        raise UsageError(f"{path}: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
