"""Copies that erasures wait for, as SQL."""

from __future__ import annotations

from collections.abc import Sequence

from dsr_core.closing import FOLLOWED
from dsr_verifier.adapters.plans import Connection
from dsr_wire.codec.copies import SettledCopy

__all__ = ["IS_AWAITED", "settle"]

_PACKED = ", ".join(f"'{one}'" for one in sorted(FOLLOWED))

IS_AWAITED = f"""(
    not exists (select from verifier.copies_settled s where s.request_id = a.awaited_id)
    and (x.closed_at is null or (
        exists (
            select from verifier.closures c
            where c.request_id = x.request_id and c.outcome in ({_PACKED}))
        and exists (
            select from verifier.obligations o join verifier.plans l on l.plan_id = x.plan_id
            where o.request_id = x.request_id and o.delivery is not null
            and o.system_id = any(l.system_ids)))))
"""
"""Whether `a`, a row of `verifier.awaited`, is waited for: a condition, for statements that name it so.

There `x` is the request that is awaited, or nothing where it is not known: it may never be, where it ends
before any system is asked. Of what is closed a copy is made where a system has handed something over; else
nobody says that it was.
"""

_SETTLE = """
insert into verifier.copies_settled (request_id, settled_at)
select n.* from unnest($1::uuid[], $2::timestamptz[]) as n (request_id, settled_at)
order by n.request_id
on conflict do nothing
"""


async def settle(connection: Connection, settled: Sequence[SettledCopy]) -> None:
    """Write that copies are settled; of one that is told of twice, the first time stays."""
    await connection.execute(
        _SETTLE, [one.request_id for one in settled], [one.settled_at for one in settled]
    )
