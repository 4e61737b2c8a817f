"""Packages for access, and their keys, as they are kept. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_core.ids import RequestId
from dsr_intake.model import WrappedKey

__all__ = ["PackageKey", "package_binding"]


def package_binding(request_id: RequestId) -> RequestId:
    """Return what the key of a package is bound to when it is wrapped.

    Not the request itself, so that a request's own key, put in its place, does not unwrap.
    """
    return RequestId(f"{request_id}/package")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PackageKey:
    """The key pair of one request's package, as it is kept."""

    request_id: RequestId
    public_key: bytes
    """X25519; systems seal the keys of their exports to it."""

    private_key: WrappedKey
    """Bound to `package_binding` of the request."""

    made_at: datetime
