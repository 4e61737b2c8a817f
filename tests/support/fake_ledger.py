"""A verifier's read API that says what a test tells it."""

from __future__ import annotations

from typing import Any

from dsr_core.errors import RejectedInput, Unavailable
from dsr_intake.model import LedgerChange

__all__ = ["FakeLedger"]


class FakeLedger:
    """A verifier that says what a test tells it; away while `is_away`."""

    def __init__(self) -> None:
        self.log: list[LedgerChange] = []
        self.is_away = False
        self.reaches_back_to = 0
        self.polls = 0
        self.document: dict[str, Any] | None = None
        """The obligations of every request."""

        self.answered: list[dict[str, Any]] = []
        """The answers to every request."""

    async def obligations(self, request_id: str) -> dict[str, Any] | None:
        del request_id
        return self.document

    async def answers(self, request_id: str) -> list[dict[str, Any]]:
        del request_id
        return self.answered

    async def closure(self, request_id: str) -> dict[str, Any] | None:
        del request_id
        return None

    async def certificate(self, request_id: str) -> bytes | None:
        del request_id
        return None

    async def evidence_keys(self) -> bytes:
        return b"{}\n"

    async def changes(self, after: str | None, *, limit: int) -> tuple[list[LedgerChange], str]:
        self.polls += 1
        if self.is_away:
            raise Unavailable("the verifier does not answer")
        if after is not None and int(after) < self.reaches_back_to:
            raise RejectedInput("cursor_expired", "the feed does not reach back as far")
        start = len(self.log) if after is None else int(after)
        page = self.log[start : start + limit]
        return page, str(start + len(page))
