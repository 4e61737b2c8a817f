"""PostgreSQL: requests that repeat an open one, in the transactions that need to know of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import asyncpg

from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.adapters.hash_locks import lock_hashes
from dsr_intake.adapters.reading import VIEW, view
from dsr_intake.model import Draft, OpenTwin, RequestView
from dsr_intake.model.awaiting import erases, hands_over, known_by

__all__ = ["due_no_later", "duplicates_of", "one_by_one", "open_twins", "open_twins_of", "set_free"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_FOLLOWED = [State.OPEN.value, State.AWAITING_CLARIFICATION.value, State.ON_HOLD.value]

_TWINS = """
    select r.person_hash, r.id, r.jurisdiction, c.regime, c.rules_digest, c.registry_digest, c.due_at,
        r.state, r.fact_kinds <@ '{received,identity_proven}' as may_be_brought_forward
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


async def one_by_one(connection: _Connection, drafts: Sequence[Draft]) -> None:
    """Return once nobody else is here about the drafts' persons, until the transaction ends.

    Who proves later who asks for the same waits here as well, and so do a person's erasure and what
    hands their data over: of two that come at the same moment, the second sees the first.
    """
    await lock_hashes(
        connection,
        [known for one in drafts for known in _hashes(one)],
        by_place=[known for one in drafts for known in _apart(one)],
    )


async def open_twins(connection: _Connection, drafts: Sequence[Draft]) -> list[OpenTwin]:
    """Return the open, proven requests of the drafts' persons, the oldest first.

    None of them can be answered or stopped before the caller's transaction ends.
    """
    # By the hash under whichever key it was kept, the one that the drafts go by now.
    hashes = {
        known: one.person_hash
        for one in drafts
        if one.person_hash is not None
        for known in _hashes(one)
    }
    return await _twins(connection, hashes)


async def open_twins_of(connection: _Connection, person_hash: bytes | None) -> list[OpenTwin]:
    """Return the open, proven requests of a person, one by one as those of drafts are accepted."""
    if person_hash is None:
        return []
    await lock_hashes(connection, [person_hash])
    return await _twins(connection, {person_hash: person_hash})


def _apart(draft: Draft) -> tuple[bytes, ...]:
    """Return whom a draft erases or hands over, under every lookup key; none where it does neither."""
    return known_by(draft) if erases(draft) or hands_over(draft) else ()


def _hashes(draft: Draft) -> tuple[bytes, ...]:
    """Return who asks for what, under every lookup key; none where nobody looks for duplicates."""
    return () if draft.person_hash is None else (draft.person_hash, *draft.former_person_hashes)


async def _twins(connection: _Connection, hashes: Mapping[bytes, bytes]) -> list[OpenTwin]:
    if not hashes:
        return []
    return [
        OpenTwin(
            person_hash=hashes[bytes(row["person_hash"])],
            request_id=RequestId(str(row["id"])),
            jurisdiction=row["jurisdiction"],
            regime=row["regime"],
            rules_digest=row["rules_digest"],
            registry_digest=row["registry_digest"],
            due_at=row["due_at"],
            may_be_repeated=row["state"] != State.AWAITING_CLARIFICATION.value,
            may_be_brought_forward=row["may_be_brought_forward"],
        )
        for row in await connection.fetch(_TWINS, list(hashes), _FOLLOWED)
    ]


async def due_no_later(connection: _Connection, request_id: RequestId, due_at: datetime) -> None:
    """Have the open duplicates of a request that is locked due no later than it is."""
    await connection.execute(
        """
        update intake.cohorts set first_due_at = coalesce(first_due_at, due_at), due_at = $2
        where due_at > $2 and id in (
            select cohort_id from intake.subject_requests
            where duplicate_of = $1 and closed_at is null
        )
        """,
        request_id,
        due_at,
    )


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
