"""PostgreSQL: requests that repeat an open one, in the transactions that need to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.adapters.reading import VIEW, view
from dsr_intake.model import Draft, OpenTwin, RequestView

__all__ = ["duplicates_of", "open_twins", "set_free"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_FOLLOWED = [State.OPEN.value, State.AWAITING_CLARIFICATION.value, State.ON_HOLD.value]

_TWINS = """
    select r.person_hash, r.id, r.jurisdiction, c.rules_digest, c.registry_digest, c.due_at, r.state
    from intake.subject_requests r join intake.cohorts c on c.id = r.cohort_id
    where r.person_hash = any($1::bytea[]) and r.answered_at is null
        and r.duplicate_of is null and r.state = any($2::text[])
    order by r.id for share of r
"""

_HELD_ON = """
    insert into intake.held_requests (request_id, hold_id, system_ids)
    select t.id, x.hold_id, '{}' from unnest($1::uuid[]) as t (id)
    cross join intake.held_requests x join intake.holds h on h.id = x.hold_id
    where x.request_id = $2 and x.lifted_at is null and h.lifted_at is null
        and h.request_id is not null
    on conflict do nothing
"""


async def open_twins(connection: _Connection, drafts: Sequence[Draft]) -> list[OpenTwin]:
    """Return the open, proven requests of the drafts' persons, the oldest first.

    None of them can be answered or stopped before the caller's transaction ends.
    """
    # By the hash under whichever key it was kept, the one that the drafts go by now.
    hashes = {
        known: one.person_hash
        for one in drafts
        if one.person_hash is not None
        for known in (one.person_hash, *one.former_person_hashes)
    }
    if not hashes:
        return []
    return [
        OpenTwin(
            person_hash=hashes[bytes(row["person_hash"])],
            request_id=RequestId(str(row["id"])),
            jurisdiction=row["jurisdiction"],
            rules_digest=row["rules_digest"],
            registry_digest=row["registry_digest"],
            due_at=row["due_at"],
            may_be_repeated=row["state"] != State.AWAITING_CLARIFICATION.value,
        )
        for row in await connection.fetch(_TWINS, list(hashes), _FOLLOWED)
    ]


async def duplicates_of(
    connection: _Connection, request_ids: Sequence[RequestId]
) -> dict[RequestId, RequestId]:
    """Return the open duplicates of requests that are locked, each with what it repeats; locked too."""
    rows = await connection.fetch(
        """
        select id, duplicate_of from intake.subject_requests
        where duplicate_of = any($1::uuid[]) and closed_at is null order by id for update
        """,
        request_ids,
    )
    return {RequestId(str(row["id"])): RequestId(str(row["duplicate_of"])) for row in rows}


async def set_free(connection: _Connection, request_id: RequestId) -> list[RequestView]:
    """Let the open duplicates of a request that is locked go their own way; return them.

    A hold on the request alone held them as well, and goes on to: setting free erases nothing held.
    """
    rows = await connection.fetch(
        """
        update intake.subject_requests
        set duplicate_of = null, related_to = $1, revision = pg_current_xact_id()::text::bigint
        where duplicate_of = $1 and closed_at is null returning id
        """,
        request_id,
    )
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    await connection.execute(_HELD_ON, ids, request_id)
    found = await connection.fetch(f"{VIEW} where r.id = any($1::uuid[]) order by r.id", ids)
    return [view(row) for row in found]
