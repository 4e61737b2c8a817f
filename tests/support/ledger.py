"""What services keep of requests that a test submitted, seen from PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import asyncpg

from support.waiting import eventually

__all__ = ["Ledger"]


class Ledger:
    """Intake's and the verifier's tables, wherever PostgreSQL is at the moment."""

    def __init__(self, dsn: Callable[[], str], systems: Collection[str]) -> None:
        """`dsn` is the super user's address; `systems` are those that a request asks."""
        self._dsn = dsn
        self._systems = systems

    async def answered(
        self, ids: Sequence[str], *, within: float = 60.0, systems: Collection[str] | None = None
    ) -> None:
        """Wait until requests are answered; each is closed once then, by every system's own answer.

        Args:
            ids: The requests.
            within: Seconds that all of them may take.
            systems: Those that each of them asks; the usual ones unless given.
        """
        asked = sorted(self._systems if systems is None else systems)

        async def none_is_open() -> bool:
            return not await self._query(
                "select 1 from intake.subject_requests where id::text = any($1)"
                " and state <> 'answered' limit 1",
                ids,
            )

        await eventually(none_is_open, within=within, what=f"{len(ids)} requests are answered")
        closures = await self._query(
            "select request_id::text, outcome, obligations from verifier.closures"
            " where request_id::text = any($1)",
            ids,
        )
        assert sorted(row["request_id"] for row in closures) == sorted(ids)
        assert {row["outcome"] for row in closures} == {"fulfilled"}
        assert {row["obligations"] for row in closures} == {len(asked)}
        confirmed = await self._query(
            "select array_agg(distinct a.system_id) as systems"
            " from verifier.closures c join verifier.obligations o using (request_id)"
            " join verifier.acknowledgements a using (request_id, system_id, sequence)"
            " where o.is_confirmed and request_id::text = any($1) group by request_id",
            ids,
        )
        assert [sorted(row["systems"]) for row in confirmed] == [asked] * len(ids)

    async def closed(self, ids: Sequence[str]) -> int:
        """Return how many of these requests are closed."""
        rows = await self._query(
            "select 1 from verifier.closures where request_id::text = any($1)", ids
        )
        return len(rows)

    async def confirmed(self, request_id: str) -> set[str]:
        """Return the systems that have confirmed."""
        rows = await self._query(
            "select system_id from verifier.obligations"
            " where is_confirmed and request_id::text = any($1)",
            [request_id],
        )
        return {str(row["system_id"]) for row in rows}

    async def _query(self, statement: str, ids: Sequence[str]) -> list[Any]:
        connection = await asyncpg.connect(self._dsn())
        try:
            return list(await connection.fetch(statement, list(ids)))
        finally:
            await connection.close()
