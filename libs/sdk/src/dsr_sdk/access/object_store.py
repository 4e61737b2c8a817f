"""The object store by `obstore`: a folder, S3, Google Cloud Storage or Azure, by its address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dsr_sdk.access.store import ExportStore, StoreAway
from dsr_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["SCHEMES", "open_store", "store_faults"]

SCHEMES = ("file", "s3", "gs", "az")
"""Where exports may be brought to."""

_RETRIES: dict[str, Any] = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
"""Few: who uploads tries again, and answers when it has tried for too long."""

_SAID = 300


def store_faults(url: str) -> Iterator[str]:
    """Yield what is wrong with an address, as far as can be told without a connection."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        known = ", ".join(f"{one}://" for one in SCHEMES)
        yield f"must begin with one of {known}"
    elif parts.scheme == "file" and (parts.netloc or not parts.path.strip("/")):
        yield "must name a folder, like file:///var/lib/dsr/store"
    elif parts.scheme != "file" and not parts.hostname:
        yield f"must name a bucket, like {parts.scheme}://bucket/folder"


def open_store(url: str) -> ExportStore:
    """Return the store at an address; nothing is connected to yet.

    Credentials and everything else are taken from the environment, by the names that each kind of
    store has for them (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …).

    Raises:
        ConfigurationError: The address is none, or `obstore` is not installed.
    """
    faults = [f"the object store {one}" for one in store_faults(url)]
    if faults:
        raise ConfigurationError(faults)
    try:
        from obstore.store import from_url  # noqa: PLC0415 - an extra of this package
    except ImportError as error:
        fault = "an object store needs obstore: install dsr-sdk[access]"
        raise ConfigurationError([fault]) from error
    if url.startswith("file:"):
        return _ObjectStore(from_url(url, mkdir=True))
    retries: Any = _RETRIES
    return _ObjectStore(from_url(url, retry_config=retries))


class _ObjectStore:
    """Brings each object with one call, so that what is seen is whole."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, path: str, content: bytes | memoryview) -> None:
        """Store an object, as the port says."""
        from obstore import put_async  # noqa: PLC0415 - see open_store
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            await put_async(self._store, path, content, use_multipart=False)
        except (BaseError, OSError, ValueError) as error:
            raise StoreAway(f"the object store takes nothing ({_said(error)})") from error


def _said(error: Exception) -> str:
    """Return the kind of an error and the beginning of its text, which has paths of ids alone."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:_SAID]}"
