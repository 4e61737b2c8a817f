"""What readers of the ledger see, as a port, and the cursors of its change feed."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId
from dsr_wire.certificate.form import Certificate
from dsr_wire.certificate.published import PublishedKeys

__all__ = ["CertificateSource", "Cursor", "Document", "Views"]

Document = dict[str, Any]
"""A JSON object; times are datetimes in UTC."""

_TEXT = re.compile(r"([0-9]{1,18})-([0-9]{1,9})-([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the change feed: a transaction, and how many of its changes have been seen."""

    xid: int
    place: int
    seen_at: int = field(default_factory=lambda: int(time.time()), compare=False)
    """When it was handed out, in seconds since 1970: one older than the feed reaches is refused."""

    def __str__(self) -> str:
        return f"{self.xid}-{self.place}-{self.seen_at}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what was handed out.

        Raises:
            RejectedInput: It was not.
        """
        match = _TEXT.fullmatch(text)
        if match is None:
            raise RejectedInput("invalid_cursor", "not a cursor of this feed", field="after")
        xid, place, seen_at = (int(one) for one in match.groups())
        return cls(xid, place, seen_at)


class CertificateSource(Protocol):
    """What shows a closure to whoever does not believe the ledger."""

    async def certificate(self, request_id: RequestId) -> Certificate | None:
        """Return the certificate of a request; none while its closure is not in the log."""
        ...

    def keys(self) -> PublishedKeys:
        """Return the published keys as they are now."""
        ...


class Views(Protocol):
    """Reads; each is one consistent view."""

    async def obligations(self, request_id: str) -> Document | None:
        """Return a request with all its obligations, or none where the ledger does not know it."""
        ...

    async def acknowledgements(self, request_id: str) -> list[Document] | None:
        """Return every answer to a request in the order of recording, or none as above."""
        ...

    async def closure(self, request_id: str) -> Document | None:
        """Return a request's closure, or none while it is open or unknown."""
        ...

    async def progress(self, request_ids: Sequence[str]) -> list[Document]:
        """Return how far the known ones among requests are, in the order asked."""
        ...

    async def links_told(self, request_ids: Sequence[str]) -> list[Document]:
        """Return how many answers with links intake was told of, for those requests that have any.

        Sorted by request; with the time of the last.
        """
        ...

    async def missing(self, cohort_id: str) -> Document | None:
        """Return how many requests of a cohort are open, and which of them each system still owes.

        Systems in which erasure is suspended by a legal hold are named apart. A request that has left
        is its new cohort's.

        None where the ledger knows no request of the cohort: that is not the same as nobody missing.
        """
        ...

    async def now(self) -> Cursor:
        """Return the cursor of now: every change from here on comes after it."""
        ...

    async def changes(self, after: Cursor, limit: int) -> tuple[list[Document], Cursor]:
        """Return the changes after a cursor, and the cursor to go on from.

        No change can ever appear behind a cursor: what a running transaction may still write, and
        what was written after it began, is told of once it has ended.
        """
        ...
