"""PostgreSQL: requests that hand a person's data over, which erasing it waits for: open, or being packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.rights import RIGHTS
from dsr_intake.model import Draft
from dsr_intake.model.awaiting import erases, is_awaited, known_by

__all__ = ["coming_after"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_HANDING_OVER = ", ".join(f"'{right}'" for right, terms in RIGHTS.items() if terms.hands_over)
# The indices that serve it name the rights as well, so that no other request costs anything there. What
# is answered is looked through by an index of the few packages that are made and not settled.
_AWAITED = f"""
    select r.id, r.client_id, r.identity_proven_at is not null as is_proven, r.lookup_hashes
    from intake.subject_requests r
    where r."right" in ({_HANDING_OVER}) and r.closed_at is null and r.duplicate_of is null
        and r.lookup_hashes && $1::bytea[]
    union all
    select r.id, r.client_id, r.identity_proven_at is not null, r.lookup_hashes
    from intake.subject_requests r
    where r."right" in ({_HANDING_OVER}) and r.closed_at is not null and r.answered_at is null
        and r.lookup_hashes && $1::bytea[] and exists (
            select from intake.packages p
            where p.request_id = r.id and p.copy_settled_at is null)
    union all
    select r.id, r.client_id, r.identity_proven_at is not null, r.lookup_hashes
    from intake.subject_requests r
    where r.answered_at is not null and r.lookup_hashes && $1::bytea[] and r.id in (
        select p.request_id from intake.packages p
        where p.copy_settled_at is null and p.state = 'ready')
    order by id
"""


async def coming_after(connection: _Connection, drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts, each that erases with the requests that are to hand the same data over before.

    Those are open, or their copy is not settled: it is still being made, or lacks something.
    """
    hashes = {known for one in drafts if erases(one) for known in known_by(one)}
    rows = await connection.fetch(_AWAITED, list(hashes)) if hashes else []
    if not rows:
        return list(drafts)
    return [replace(one, after=_before(one, rows)) if erases(one) else one for one in drafts]


def _before(draft: Draft, rows: Sequence[asyncpg.Record]) -> tuple[RequestId, ...]:
    return tuple(
        RequestId(str(row["id"]))
        for row in rows
        if is_awaited(
            {bytes(one) for one in row["lookup_hashes"]},
            is_proven=row["is_proven"],
            client_id=row["client_id"],
            by=draft,
        )
    )
