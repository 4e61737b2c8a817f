"""The audit log, as it is read, and entered where the change is not intake's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dsr_intake.model.audit import AuditEntry, AuditFilter
from dsr_intake.model.principals import Principal

__all__ = ["AuditStore"]


class AuditStore(Protocol):
    """Keeps what people change. An entry of intake's own is written by the store that changes."""

    async def announce(self, action: str, targets: Sequence[str], reason: str) -> AuditEntry | None:
        """Enter what the person whose call this is will change elsewhere; none where nobody is.

        From its return the entry is durable, with what the evidence log is told of it.
        """
        ...

    async def enter(
        self, action: str, targets: Sequence[str], reason: str, *, by: Principal
    ) -> None:
        """Enter what a program has done that is entered whoever does it, such as fetching a package."""
        ...

    async def entries(self, wanted: AuditFilter, *, limit: int) -> list[AuditEntry]:
        """Return at most `limit` entries, the newest first."""
        ...

    async def entry(self, entry_id: str) -> AuditEntry | None:
        """Return one entry, or none."""
        ...
