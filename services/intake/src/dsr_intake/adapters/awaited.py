"""PostgreSQL: open requests that hand a person's data over, which erasing it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.rights import RIGHTS
from dsr_intake.model import Draft

__all__ = ["coming_after"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_HANDING_OVER = ", ".join(f"'{right}'" for right, terms in RIGHTS.items() if terms.hands_over)
# The index that serves it names the rights as well, so that no other request costs anything there.
_OPEN = f"""
    select r.id, r.client_id, r.identity_proven_at is not null as is_proven, r.lookup_hashes
    from intake.subject_requests r
    where r."right" in ({_HANDING_OVER}) and r.closed_at is null and r.duplicate_of is null
        and r.lookup_hashes && $1::bytea[]
    order by r.id
"""


async def coming_after(connection: _Connection, drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts, each that erases with the open requests that hand the same data over before.

    It is the same person where all identifiers of one request are among those of the other. Whoever is
    not proven to ask delays nobody else's erasure: such a request counts for its own client alone.
    """
    hashes = {known for one in drafts if _erases(one) for known in _known(one)}
    rows = await connection.fetch(_OPEN, list(hashes)) if hashes else []
    if not rows:
        return list(drafts)
    return [
        replace(one, after=tuple(RequestId(str(row["id"])) for row in rows if _is_before(row, one)))
        if _erases(one)
        else one
        for one in drafts
    ]


def _erases(draft: Draft) -> bool:
    return RIGHTS[draft.submission.right].erases and draft.submission.appeal_of is None


def _known(draft: Draft) -> tuple[bytes, ...]:
    return (*draft.lookup_hashes, *draft.former_hashes)


def _is_before(row: asyncpg.Record, draft: Draft) -> bool:
    if not row["is_proven"] and row["client_id"] != draft.client_id:
        return False
    theirs = row["lookup_hashes"]
    shared = set(_known(draft)).intersection(map(bytes, theirs))
    return len(shared) >= min(len(theirs), len(draft.lookup_hashes))
