"""PostgreSQL: what systems found out about persons, step by step and without a value."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import asyncpg

from dsr_core.ids import RequestId, SystemId
from dsr_core.linking import LinkOutcome, LinkReason
from dsr_intake.adapters.audit import audited
from dsr_intake.adapters.hash_locks import lock_hashes
from dsr_intake.adapters.members import member_of
from dsr_intake.model import Member
from dsr_intake.model.links import LinkRuling, LinksTaken, LinkStep, TakenAnswer
from dsr_intake.model.principals import Sight
from dsr_runtime.postgres import translated

__all__ = ["PostgresLinks"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_ANOTHER = """
    select distinct h.hash from intake.subject_requests r
    join unnest($3::bytea[]) as h (hash) on h.hash = any(r.lookup_hashes || r.former_hashes)
    where r.answered_at is null and r.id <> $1 and r.duplicate_of is distinct from $1
        and not (r.lookup_hashes || r.former_hashes) && $2::bytea[]
"""

_SHARING = """
    select l.hash, l.request_id from intake_keys.link_hashes l
    join intake.subject_requests r on r.id = l.request_id
    where l.hash = any($3::bytea[]) and r.id <> $1 and r.answered_at is null
        and r.duplicate_of is distinct from $1
        and not (r.lookup_hashes || r.former_hashes) && $2::bytea[]
"""

_NAME = """
    insert into intake_keys.link_hashes (hash, request_id)
    select hash, $1 from unnest($2::bytea[]) as n (hash) on conflict do nothing
"""

_SUPPRESSED = """
    select distinct d.digest from unnest($3::bytea[]) as d (digest)
    join intake.suppressions s on s.digest = d.digest and not s.ended
    join intake.suppression_sources o on o.kind = s.kind and o.digest = s.digest
    join intake.subject_requests r on r.id = o.request_id
    where r.id <> $1 and not (r.lookup_hashes || r.former_hashes) && $2::bytea[]
"""

_HELD = """
    select distinct x.hash from intake.hold_hashes x join intake.holds h on h.id = x.hold_id
    where x.hash = any($2::bytea[]) and h.lifted_at is null and not exists (
        select from intake.held_requests r where r.hold_id = h.id and r.request_id = $1
    )
"""

_STEP = """
    insert into intake.link_steps (request_id, link_id, system_id, sequence, through, kind,
        confidence, proof, round, outcome, reason, registry_digest, recorded_at)
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
    where not exists (
        select from (
            select outcome, reason from intake.link_steps
            where request_id = $1 and link_id = $2 and system_id = $3 order by id desc limit 1
        ) last where last.outcome = $10 and last.reason = $11
    )
"""

_ANSWER = """
    insert into intake.link_answers (request_id, system_id, sequence, outcome, recorded_at)
    values ($1, $2, $3, $4, $5) on conflict do nothing
"""

_UNDECIDED = """
    select last.*, exists (
        select from intake.link_steps u
        where u.request_id = last.request_id and u.link_id = last.link_id and u.outcome = 'used'
    ) as was_used from (
        select distinct on (s.request_id, s.system_id, s.link_id) s.*, r.client_id, r.jurisdiction
        from intake.link_steps s join intake.subject_requests r on r.id = s.request_id
        where r.identity_ciphertext is not null and ($1::uuid is null or r.id = $1)
        order by s.request_id, s.system_id, s.link_id, s.id desc
    ) last where outcome = 'conflict' order by id
"""

_TOLD_WITHOUT = """
    insert into intake.told_without (request_id, system_id, told_at)
    select l.request_id, l.system_id, $3
    from unnest($1::uuid[], $2::text[]) as l (request_id, system_id)
    order by l.request_id, l.system_id
    on conflict do nothing
"""


class PostgresLinks:
    """Keeps links; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def member(self, request_id: RequestId) -> Member | None:
        """Return a request's identity and key."""
        return await member_of(self._pool, request_id)

    async def is_taken(self, request_id: RequestId, system_id: SystemId, sequence: int) -> bool:
        """Tell whether an answer's links were taken in or refused before."""
        with translated():
            return bool(
                await self._pool.fetchval(
                    "select true from intake.link_answers"
                    " where request_id = $1 and system_id = $2 and sequence = $3",
                    request_id,
                    system_id,
                    sequence,
                )
            )

    async def against(
        self,
        request_id: RequestId,
        own: Sequence[bytes],
        hashes: Sequence[bytes],
        digests: Sequence[bytes],
    ) -> Mapping[bytes, LinkReason]:
        """Return which identifiers speak of somebody else; the strongest reason of each."""
        with translated():
            held = await self._pool.fetch(_HELD, request_id, hashes)
            suppressed = await self._pool.fetch(_SUPPRESSED, request_id, own, digests)
            another = await self._pool.fetch(_ANOTHER, request_id, own, hashes)
        return {
            **{bytes(row[0]): LinkReason.UNDER_HOLD for row in held},
            **{bytes(row[0]): LinkReason.ANOTHER_PERSON for row in (*suppressed, *another)},
        }

    async def sharing(
        self, request_id: RequestId, own: Sequence[bytes], hashes: Sequence[bytes]
    ) -> list[tuple[bytes, RequestId]]:
        """Return which identifiers systems found for other open persons too."""
        with translated():
            rows = await self._pool.fetch(_SHARING, request_id, own, hashes)
        return [(bytes(row["hash"]), RequestId(str(row["request_id"]))) for row in rows]

    async def take(self, taken: LinksTaken) -> bool:
        """Write what was judged, with the new identity and what it is known by."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await lock_hashes(connection, taken.named)
                present = await connection.fetchval(
                    "select identity_ciphertext from intake.subject_requests"
                    " where id = $1 for update",
                    taken.request_id,
                )
                if present != taken.before or not await _is_shared_as_before(connection, taken):
                    return False
                if taken.answer is not None:
                    await _keep(connection, taken.answer)
                if taken.ruling is not None:
                    await _rule(connection, taken.ruling)
                await _name(connection, taken)
                for step in taken.steps:
                    await connection.execute(_STEP, *_columns(step))
                await connection.execute(
                    "update intake.subject_requests set identity_ciphertext = $2 where id = $1",
                    taken.request_id,
                    taken.after,
                )
        return True

    async def refuse(self, answer: TakenAnswer) -> None:
        """Write that an answer's links were not taken in."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await _keep(connection, answer)

    async def steps(self, request_id: RequestId) -> list[LinkStep]:
        """Return every step of a request's links, the oldest first."""
        with translated():
            rows = await self._pool.fetch(
                """
                select *, coalesce(bool_or(outcome = 'used') over before, false) as was_used
                from intake.link_steps where request_id = $1
                window before as (
                    partition by link_id order by id
                    rows between unbounded preceding and 1 preceding
                )
                order by id
                """,
                request_id,
            )
        return [_step(row) for row in rows]

    async def undecided(
        self, sight: Sight, *, request_id: RequestId | None = None
    ) -> list[LinkStep]:
        """Return the links of open requests that wait for people, the oldest first."""
        with translated():
            rows = await self._pool.fetch(_UNDECIDED, request_id)
        return [
            _step(row)
            for row in rows
            if sight.covers(client_id=row["client_id"], jurisdiction=row["jurisdiction"])
        ]

    async def rulings(self, request_id: RequestId) -> list[LinkRuling]:
        """Return what people have said of a request's links, the oldest first."""
        with translated():
            rows = await self._pool.fetch(
                "select * from intake.link_rulings where request_id = $1 order by id", request_id
            )
        return [
            LinkRuling(
                request_id=request_id,
                link_id=row["link_id"],
                accepts=row["accepts"],
                ruled_by=row["ruled_by"],
                reason=row["reason"],
                ruled_at=row["ruled_at"],
            )
            for row in rows
        ]

    async def rule(self, ruling: LinkRuling) -> None:
        """Write what one person says."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await _rule(connection, ruling)

    async def taken_counts(self, request_ids: Collection[RequestId]) -> dict[RequestId, int]:
        """Return of how many answers the links were taken in or refused."""
        with translated():
            rows = await self._pool.fetch(
                "select request_id, count(*) as taken from intake.link_answers"
                " where request_id = any($1::uuid[]) group by 1",
                list(request_ids),
            )
        return {RequestId(str(row["request_id"])): row["taken"] for row in rows}

    async def note_told_without(
        self, lacking: Collection[tuple[RequestId, SystemId]], *, at: datetime
    ) -> None:
        """Write that systems are told of requests without an identifier that they know."""
        requests, systems = [one for one, _ in lacking], [one for _, one in lacking]
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                # Whoever changes the identity holds the row, and reads this table after that.
                await connection.execute(
                    "select from intake.subject_requests where id = any($1::uuid[])"
                    " order by id for share",
                    requests,
                )
                await connection.execute(_TOLD_WITHOUT, requests, systems, at)

    async def told_without(self, request_id: RequestId) -> list[SystemId]:
        """Return the systems that were told of a request so, sorted."""
        with translated():
            rows = await self._pool.fetch(
                "select system_id from intake.told_without where request_id = $1 order by 1",
                request_id,
            )
        return [SystemId(row["system_id"]) for row in rows]


async def _is_shared_as_before(connection: _Connection, taken: LinksTaken) -> bool:
    rows = await connection.fetch(_SHARING, taken.request_id, taken.own, taken.named)
    return {bytes(row["hash"]) for row in rows} == taken.shared


async def _name(connection: _Connection, taken: LinksTaken) -> None:
    await connection.execute(
        "delete from intake_keys.link_hashes where request_id = $1 and hash <> all($2::bytea[])",
        taken.request_id,
        taken.named,
    )
    await connection.execute(_NAME, taken.request_id, taken.named)


async def _keep(connection: _Connection, one: TakenAnswer) -> None:
    await connection.execute(
        _ANSWER, one.request_id, one.system_id, one.sequence, one.outcome, one.recorded_at
    )


async def _rule(connection: _Connection, one: LinkRuling) -> None:
    await connection.execute(
        """
        insert into intake.link_rulings
            (request_id, link_id, accepts, ruled_by, reason, ruled_at)
        values ($1, $2, $3, $4, $5, $6)
        """,
        one.request_id,
        one.link_id,
        one.accepts,
        one.ruled_by,
        one.reason,
        one.ruled_at,
    )
    action = "link.accept" if one.accepts else "link.refuse"
    await audited(connection, action, [one.request_id, one.link_id], one.reason)


def _columns(one: LinkStep) -> tuple[object, ...]:
    return (
        one.request_id,
        one.link_id,
        one.system_id,
        one.sequence,
        one.through,
        one.kind,
        one.confidence,
        one.proof,
        one.round,
        one.outcome.value,
        one.reason.value,
        one.registry_digest,
        one.recorded_at,
    )


def _step(row: asyncpg.Record) -> LinkStep:
    return LinkStep(
        request_id=RequestId(str(row["request_id"])),
        link_id=row["link_id"],
        system_id=SystemId(row["system_id"]),
        sequence=row["sequence"],
        through=row["through"],
        kind=row["kind"],
        confidence=row["confidence"],
        proof=row["proof"],
        round=row["round"],
        outcome=LinkOutcome(row["outcome"]),
        reason=LinkReason(row["reason"]),
        registry_digest=row["registry_digest"],
        recorded_at=row["recorded_at"],
        was_used=row["was_used"],
    )
