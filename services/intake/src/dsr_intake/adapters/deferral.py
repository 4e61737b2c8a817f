"""PostgreSQL: deferred notices, and the requests that are opened from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import asyncpg

from dsr_core.ids import RequestId, SystemId
from dsr_core.lifecycle import Event, State, advance
from dsr_core.rights import Right
from dsr_intake.adapters.holds import cover
from dsr_intake.adapters.reading import VIEW, view
from dsr_intake.deferral import Deferred, Due, FollowUp, Instead, Sealable
from dsr_intake.model import FollowsWhy, WrappedKey
from dsr_intake.ports import MakeFollowUp
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated
from dsr_wire.codec.notices import SealedIdentity

__all__ = ["PostgresDeferral"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_POSTPONED_BY = timedelta(days=1)

_SEALABLE = """
    select r.id, r."right", r.identity_ciphertext, c.registry_digest, k.wrapped_key, k.kek_id, d.*
    from intake.subject_requests r
    join intake.cohorts c on c.id = r.cohort_id
    left join intake_keys.request_keys k on k.request_id = r.id
    left join intake.deferred_notices d on d.follow_up_id = r.id
    where r.id = any($1::uuid[]) and r.closed_at is null
    order by r.id
"""

_DUE = """
    select * from intake.deferred_notices
    where opened_at is null and next_try_at <= $1
    order by next_try_at limit $2 for update skip locked
"""

_OPEN = """
    with new_cohort as (
        insert into intake.cohorts (id, "right", regime, jurisdiction, categories,
            organisation_ids, system_ids, identifier_kinds, registry_digest, members, open_members,
            received_at, accepted_at, due_at, rules_digest, regime_why, held_before, since)
        values ($1, $2, $3, $4, $5, '{}', $6, $7, $8, 1, 1, $9, $10, $11, $12, $13, $17, $18)
    ), new_request as (
        insert into intake.subject_requests (id, cohort_id, client_id, state, "right",
            jurisdiction, requester_role, channel, language, received_at, accepted_at,
            lookup_hashes, lookup_key_id, former_hashes, identity_method, identity_proven_at, follows, follows_why)
        select $1, $1, f.client_id, $15, f."right", f.jurisdiction, f.requester_role, f.channel,
            f.language, $9, $10, f.lookup_hashes, f.lookup_key_id, f.former_hashes, $16, $9, f.id, $16
        from intake.subject_requests f where f.id = $14
    )
    update intake.deferred_notices set opened_at = $10 where follow_up_id = $1
"""


class PostgresDeferral:
    """Keeps deferred notices; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def sealable(self, request_ids: Sequence[RequestId]) -> list[Sealable]:
        """Return what can be sealed of those of the requests that are not closed."""
        with translated():
            rows = await self._pool.fetch(_SEALABLE, request_ids)
        return [
            Sealable(
                request_id=RequestId(str(row["id"])),
                right=Right(row["right"]),
                registry_digest=row["registry_digest"],
                ciphertext=row["identity_ciphertext"] or b"",
                key=WrappedKey(row["wrapped_key"], row["kek_id"]) if row["wrapped_key"] else None,
                deferred=_deferred(row) if row["follow_up_id"] else None,
            )
            for row in rows
        ]

    async def open_due(self, make: MakeFollowUp, *, at: datetime, limit: int) -> tuple[int, int]:
        """Open the requests of notices that are due, in one transaction."""
        opened = 0
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(_DUE, at, limit)
                for row in rows:
                    deferred = _deferred(row)
                    [followed] = await connection.fetch(
                        f"{VIEW} where r.id = $1", deferred.request_id
                    )
                    follow_up = make(Due(deferred, view(followed)))
                    if follow_up is Instead.LATER:
                        await _postpone(connection, deferred, at + _POSTPONED_BY)
                    elif follow_up is Instead.NEVER:
                        await _drop(connection, deferred)
                    else:
                        await _open(connection, deferred, follow_up)
                        opened += 1
        return len(rows), opened


async def _postpone(connection: _Connection, deferred: Deferred, until: datetime) -> None:
    await connection.execute(
        "update intake.deferred_notices set next_try_at = $2 where follow_up_id = $1",
        deferred.follow_up_id,
        until,
    )


async def _drop(connection: _Connection, deferred: Deferred) -> None:
    await connection.execute(
        "delete from intake.deferred_notices where follow_up_id = $1", deferred.follow_up_id
    )


async def _open(connection: _Connection, deferred: Deferred, follow_up: FollowUp) -> None:
    cohort = follow_up.cohort
    await connection.execute(
        _OPEN,
        deferred.follow_up_id,
        cohort.right.value,
        cohort.regime,
        cohort.jurisdiction,
        cohort.scope.categories,
        cohort.scope.system_ids,
        cohort.identifier_kinds,
        cohort.registry_digest,
        cohort.received_at,
        cohort.accepted_at,
        cohort.due_at,
        cohort.rules_digest,
        follow_up.regime_why,
        deferred.request_id,
        advance(State.RECEIVED, Event.ADMIT).value,
        deferred.why.value,
        cohort.held_before,
        cohort.scope.since,
    )
    await cover(connection, deferred.follow_up_id, follow_up.held_systems)
    await enqueue(connection, "intake", [follow_up.record])


def _deferred(row: asyncpg.Record) -> Deferred:
    return Deferred(
        request_id=RequestId(str(row["request_id"])),
        system_id=SystemId(row["system_id"]),
        key_id=row["key_id"],
        sealed_key=row["sealed_key"],
        places=tuple(
            SealedIdentity(RequestId(str(place)), sealed)
            for place, sealed in zip(row["place_ids"], row["sealed"], strict=True)
        ),
        categories=tuple(row["categories"]),
        grounds=tuple(row["grounds"]),
        review_at=row["review_at"],
        why=FollowsWhy(row["why"]),
    )
