"""Object stores by URL, through fsspec, which is imported with the first such URL.

The packages that speak the protocols come with extras of batchgen: a URL whose package is missing says which. Where
credentials come from, and how a store of one's own is reached, is the business of these packages: the environment,
their configuration files and roles of the machine.
"""

from typing import Any, TypeAlias

from batchgen.errors import UsageError

FileSystem: TypeAlias = Any
"""A file system of fsspec, which comes without types."""
_EXTRAS = {"s3": "s3", "gs": "gcs", "abfs": "azure"}
"""The protocols that publish, and the extra that brings each."""
_DENIED = ("AccessDenied", "Credential", "ExpiredToken", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch")
"""Words in what the packages raise that speak of who asks, and not of what is asked."""
_LONGEST_REASON = 300


def protocol_of(url: str) -> str:
    """What stands before ``://``; empty where nothing does."""
    return url.partition("://")[0].lower() if "://" in url else ""


def is_store(url: str) -> bool:
    """Whether a URL is one of an object store."""
    return protocol_of(url) in _EXTRAS


def connected(url: str) -> FileSystem:
    """The file system of a URL; nothing is asked of it yet. Raises `UsageError` where a package for it is missing."""
    protocol = protocol_of(url)
    try:
        import fsspec

        return fsspec.filesystem(protocol, **_options(protocol))
    except ImportError as error:
        extra = _EXTRAS[protocol]
        raise UsageError(
            f"{protocol}:// needs a package that is not installed ({error}); install batchgen[{extra}]"
        ) from None
    except Exception as error:  # noqa: BLE001 - each package raises what it likes
        raise UsageError(f"{protocol}:// cannot be used: {reason_of(error)}") from None


def _options(protocol: str) -> dict[str, Any]:
    """What has to be said otherwise than the packages take by default: s3fs signs in a way that many stores refuse."""
    if protocol != "s3":
        return {"use_listings_cache": False}
    from fsspec.config import conf

    told = conf.get("s3", {}).get("config_kwargs", {})
    return {"use_listings_cache": False, "config_kwargs": {"signature_version": "s3v4", **told}}


def reason_of(error: BaseException) -> str:
    """What a package raised, in one line; nothing of a signed address, which may stand in it."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text.partition("?")[0][:_LONGEST_REASON]


def is_denied(error: BaseException) -> bool:
    """Whether a store refuses who asks, rather than what is asked."""
    named = (f"{type(one).__name__} {one}" for one in (error, error.__cause__) if one is not None)
    return isinstance(error, PermissionError) or any(word in text for text in named for word in _DENIED)


def is_permanent(error: BaseException) -> bool:
    """Whether asking again is of no use: it is denied, or there is no such bucket."""
    return is_denied(error) or isinstance(error, FileNotFoundError | NotImplementedError | ValueError)
