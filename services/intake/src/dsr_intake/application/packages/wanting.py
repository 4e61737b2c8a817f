"""Wanting: which requests that are about to be closed get a package, and what it is made from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import orjson

from dsr_core.closing import Outcome
from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_core.rights import RIGHTS
from dsr_intake.ports import Ledger
from dsr_wire.codec.closures import Closure

__all__ = ["Wanting"]

_READS_AT_ONCE = 8
_FULFILLED = frozenset({Outcome.FULFILLED, Outcome.PARTLY_FULFILLED})


class Wanting:
    """Asks the verifier what systems have handed over."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def wanted(self, closures: Iterable[Closure]) -> dict[RequestId, str]:
        """Return what the ledger says of each request of which a package is to be made, as it says it now.

        Those are the requests under a right that hands over which were fulfilled, if only in part, and for which a system has
        handed something over through the program. Answers that come later change no package.

        Raises:
            Unavailable: The verifier is away: nothing may be closed.
        """
        asked = sorted(
            {
                one.request_id
                for one in closures
                if RIGHTS[one.right].hands_over and one.outcome in _FULFILLED
            }
        )
        few = asyncio.Semaphore(_READS_AT_ONCE)

        async def said(request_id: RequestId) -> str | None:
            async with few:
                document = await self._ledger.obligations(request_id)
            if document is None:
                raise Unavailable("the verifier does not show what it has closed")
            if not any(one.get("delivery") for one in document["obligations"]):
                return None
            return orjson.dumps(document).decode()

        found = await asyncio.gather(*map(said, asked))
        return {one: text for one, text in zip(asked, found, strict=True) if text is not None}
