"""Who owes how much, in PostgreSQL."""

from __future__ import annotations

import asyncpg

from dsr_runtime.postgres import translated
from dsr_verifier.ports import Owed

__all__ = ["PostgresDebts"]

# By the open requests' index, and for each of them by the key of what was answered: some ten
# microseconds a request.
_OWED = """
select s.organisation_id, s.system_id, count(*)::bigint as obligations, min(r.opened_at) as oldest,
    min(r.due_at) as due
from verifier.requests r join verifier.plans p using (plan_id)
cross join lateral (
    select coalesce(array_agg(o.system_id), '{}') as systems
    from verifier.obligations o where o.request_id = r.request_id and o.is_confirmed
) confirmed
cross join lateral unnest(p.organisation_ids, p.system_ids) as s (organisation_id, system_id)
where r.closed_at is null and s.system_id <> all (confirmed.systems)
group by 1, 2
"""


_PATIENCE_S = 600
"""More than the pool's own, so that millions of open requests are counted as well."""


class PostgresDebts:
    """The Debts in schema `verifier`."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def owed(self) -> list[Owed]:
        """Return what each system owes of all that is open."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction(readonly=True):
                await connection.execute(f"set local statement_timeout = '{_PATIENCE_S}s'")
                rows = await connection.fetch(_OWED, timeout=_PATIENCE_S)
        return [
            Owed(
                row["organisation_id"],
                row["system_id"],
                row["obligations"],
                row["oldest"],
                row["due"],
            )
            for row in rows
        ]
