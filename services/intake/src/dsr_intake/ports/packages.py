"""What packages need from outside. Each docstring is the port's specification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dsr_core.ids import RequestId
from dsr_intake.model.packages import PackageKey

__all__ = ["PackageKeyStore"]


class PackageKeyStore(Protocol):
    """Keeps the keys of packages, wrapped, apart from everything else."""

    async def public(self, request_ids: Sequence[RequestId]) -> dict[RequestId, bytes]:
        """Return the public keys of those that have one."""
        ...

    async def add(self, keys: Sequence[PackageKey]) -> None:
        """Keep keys; where a request has one already that one stays."""
        ...

    async def key(self, request_id: RequestId) -> PackageKey | None:
        """Return the key of a request's package; none where there is none any more."""
        ...
