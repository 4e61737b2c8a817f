"""Wanting: which requests that are about to be closed get a package, and what it is made from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from dsr_core.closing import FOLLOWED
from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_core.rights import RIGHTS
from dsr_intake.model.packages import Package, PackageState, WantedPackage
from dsr_intake.ports import Ledger, PackageStore
from dsr_wire.codec.closures import Closure

__all__ = ["Wanting", "exports_in"]

_READS_AT_ONCE = 8


class Wanting:
    """Asks the verifier what systems have handed over."""

    def __init__(self, ledger: Ledger, store: PackageStore) -> None:
        self._ledger = ledger
        self._store = store

    async def wanted(self, closures: Iterable[Closure]) -> dict[RequestId, WantedPackage]:
        """Return what the ledger says of each request of which a package is to be made, as it says it now.

        Those are the requests under a right that hands over, fulfilled if only in part, for which a system
        has handed something over through the program; where a partial package was made, something that is
        not in it. Answers that come later change no package.

        Raises:
            Unavailable: The verifier is away: nothing may be closed.
        """
        asked = sorted(
            {
                one.request_id
                for one in closures
                if RIGHTS[one.right].hands_over and one.outcome in FOLLOWED
            }
        )
        few = asyncio.Semaphore(_READS_AT_ONCE)

        async def wanted(request_id: RequestId) -> WantedPackage | None:
            async with few:
                document = await self._ledger.obligations(request_id)
            if document is None:
                raise Unavailable("the verifier does not show what it has closed")
            made = await self._made(request_id)
            handed_over = (exports_in(orjson.loads(one.ledger)) for one in made)
            if not exports_in(document).difference(*handed_over):
                return None
            return WantedPackage(ledger=orjson.dumps(document).decode(), number=len(made) + 1)

        found = await asyncio.gather(*map(wanted, asked))
        return {one: package for one, package in zip(asked, found, strict=True) if package}

    async def _made(self, request_id: RequestId) -> list[Package]:
        """Return the partial package that was made; one that still waits is dropped."""
        return [
            one
            for one in await self._store.packages(request_id)
            if one.state is not PackageState.WAITING
        ]


def exports_in(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the ids of the exports that the ledger tells of."""
    return frozenset(
        one["delivery"]["export_id"] for one in document["obligations"] if one.get("delivery")
    )
