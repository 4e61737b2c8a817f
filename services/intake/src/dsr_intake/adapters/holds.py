"""PostgreSQL: legal holds, and which requests each covers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import asyncpg

from dsr_core.ids import RequestId, SystemId, uuid7
from dsr_core.lifecycle import PREMATURE, State
from dsr_core.rights import Right
from dsr_intake.adapters.audit import audited
from dsr_intake.model import Held, KeyReused, KeyTag, LegalHold
from dsr_intake.ports import ScopeOf
from dsr_runtime.postgres import translated

__all__ = ["PostgresHolds", "cover", "held_rows"]

_OVER = [State.STOPPING.value, State.CLOSED.value, State.ANSWERED.value]
_HOLDABLE = [State.OPEN.value, State.AWAITING_CLARIFICATION.value, State.ON_HOLD.value]
_PREMATURE = [one.value for one in PREMATURE]

_OF_REQUEST = """
    select r.id as request, c.registry_digest
    from intake.subject_requests r join intake.cohorts c on c.id = r.cohort_id where r.id = $1
"""

_OF_PERSON = """
    select distinct on (h.id, r.id) h.*, r.id as request, c.registry_digest
    from intake.holds h
    join intake.hold_hashes x on x.hold_id = h.id
    join intake.subject_requests r on x.hash = any(r.lookup_hashes || r.former_hashes)
    join intake.cohorts c on c.id = r.cohort_id
    where h.lifted_at is null and r."right" = $1 and r.state <> all($2::text[])
"""

_COVER = """
    insert into intake.held_requests (request_id, hold_id, system_ids) values ($1, $2, $3)
    on conflict do nothing
"""

_HELD = """
    select r.request_id as held_request, r.system_ids as held_systems, r.held_at, h.*
    from intake.held_requests r join intake.holds h on h.id = r.hold_id
"""

_BEFORE = timedelta(minutes=10)
"""So much earlier than a hold a request can have got its id, and be written after it."""


class PostgresHolds:
    """Keeps holds; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def add(
        self, hold: LegalHold, hashes: Sequence[bytes], scope: ScopeOf, tag: KeyTag | None = None
    ) -> bool:
        """Keep a hold with the requests that it is about.

        Finding a person's requests reads the table of requests once: an index on its hashes would
        cost every request that is accepted, and holds are few.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                if tag is not None and not await _claim(connection, tag, hold):
                    return False
                await connection.execute(
                    """
                    insert into intake.holds (id, request_id, authority, reason, placed_by,
                        system_ids, categories, effective_at, recorded_at)
                    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                    """,
                    hold.hold_id,
                    hold.request_id,
                    hold.authority,
                    hold.reason,
                    hold.placed_by,
                    hold.system_ids,
                    hold.categories,
                    hold.effective_at,
                    hold.recorded_at,
                )
                targets = [hold.hold_id, *([hold.request_id] if hold.request_id else [])]
                await audited(connection, "hold.place", targets, hold.reason)
                if hold.request_id is not None:
                    rows = await connection.fetch(_OF_REQUEST, hold.request_id)
                    await _cover(connection, [(hold, row) for row in rows], scope)
                    return True
                await connection.execute(
                    "insert into intake.hold_hashes (hash, hold_id) select unnest($1::bytea[]), $2",
                    sorted(set(hashes)),
                    hold.hold_id,
                )
                rows = await connection.fetch(
                    f"{_OF_PERSON} and h.id = $3",
                    Right.DELETION.value,
                    _OVER,
                    hold.hold_id,
                    timeout=300,
                )
                await _cover(connection, [(hold, row) for row in rows], scope)
        return True

    async def under(self, tag: KeyTag) -> LegalHold | KeyReused | None:
        """Return the hold that a key stands for, or none."""
        with translated():
            row = await self._pool.fetchrow(
                """
                select k.content, h.* from intake.idempotency_keys k
                join intake.holds h on h.id = k.request_id where k.key = any($1::bytea[])
                """,
                tag.keys,
            )
        if row is None:
            return None
        return _hold(row) if row["content"] in tag.contents else KeyReused()

    async def cover_late(self, *, since: datetime, scope: ScopeOf) -> None:
        """Cover requests that came at the same moment as a hold on a person."""
        first = uuid7(int((since - _BEFORE).timestamp() * 1000), bytes(10))
        with translated():
            if not await self._pool.fetchval(
                "select exists (select from intake.holds where recorded_at > $1)", since
            ):
                return
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(
                    f"""
                    {_OF_PERSON} and h.recorded_at > $3 and r.id > $4 and not exists (
                        select from intake.held_requests k
                        where k.request_id = r.id and k.hold_id = h.id)
                    """,
                    Right.DELETION.value,
                    _OVER,
                    since,
                    first,
                )
                await _cover(connection, [(_hold(row), row) for row in rows], scope)

    async def get(self, hold_id: str) -> LegalHold | None:
        """Return a hold, or none."""
        with translated():
            row = await self._pool.fetchrow("select * from intake.holds where id = $1", hold_id)
        return _hold(row) if row else None

    async def all(self) -> list[tuple[LegalHold, int]]:
        """Return every hold with how many requests it holds now, the newest first."""
        with translated():
            rows = await self._pool.fetch(
                """
                select h.*, (select count(*) from intake.held_requests r
                    where r.hold_id = h.id and r.lifted_at is null) as requests
                from intake.holds h order by h.id desc
                """
            )
        return [(_hold(row), row["requests"]) for row in rows]

    async def watched(self) -> list[tuple[bytes, LegalHold]]:
        """Return the active holds on persons, each with the hash of each identifier."""
        with translated():
            rows = await self._pool.fetch(
                "select x.hash, h.* from intake.hold_hashes x"
                " join intake.holds h on h.id = x.hold_id where h.lifted_at is null"
            )
        return [(bytes(row["hash"]), _hold(row)) for row in rows]

    async def lift(self, hold_id: str, *, by: str, reason: str, at: datetime) -> bool:
        """End a hold; false where it has ended, or is none."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                lifted = await connection.fetchval(
                    """
                    update intake.holds set lifted_at = $2, lifted_by = $3, lift_reason = $4
                    where id = $1 and lifted_at is null returning id
                    """,
                    hold_id,
                    at,
                    by,
                    reason,
                )
                if lifted is None:
                    return False
                await audited(connection, "hold.lift", [hold_id], reason)
                await connection.execute(
                    "delete from intake.hold_hashes where hold_id = $1", hold_id
                )
        return True

    async def waiting(self, *, after: tuple[str, RequestId] | None, limit: int) -> list[Held]:
        """Return what is to be put on hold and can be, or narrowed, or released, by hold and request."""
        hold_id, request_id = after or (None, None)
        with translated():
            rows = await self._pool.fetch(
                f"""
                {_HELD} join intake.subject_requests q on q.id = r.request_id
                where r.lifted_at is null and (
                    h.lifted_at is not null
                    or (r.held_at is null and q.state = any($1::text[]))
                    or (r.held_at is null and q.state = any($2::text[]) and r.system_ids = '{{}}'
                        and (h.system_ids <> '{{}}' or h.categories <> '{{}}')))
                    and ($4::uuid is null or (r.hold_id, r.request_id) > ($4::uuid, $5::uuid))
                order by r.hold_id, r.request_id limit $3
                """,
                _HOLDABLE,
                _PREMATURE,
                limit,
                hold_id,
                request_id,
            )
        return [_held(row) for row in rows]

    async def release(self, one: Held, *, at: datetime) -> None:
        """Take it that a hold does not, or no more, cover a request."""
        with translated():
            await self._pool.execute(
                """
                update intake.held_requests set lifted_at = $3
                where request_id = $1 and hold_id = $2 and lifted_at is null
                """,
                one.request_id,
                one.hold.hold_id,
                at,
            )

    async def narrow(self, one: Held, systems: Sequence[SystemId]) -> None:
        """Say which systems a hold covers of a request that is not on hold yet."""
        with translated():
            await self._pool.execute(
                """
                update intake.held_requests set system_ids = $3
                where request_id = $1 and hold_id = $2 and held_at is null and lifted_at is null
                """,
                one.request_id,
                one.hold.hold_id,
                systems,
            )

    async def drop(self, one: Held, *, at: datetime) -> None:
        """Take a hold from a request of which no system was asked yet; nothing where some were.

        Locked against its proof: else its first notice could leave out what nobody is told of later.
        """
        with translated():
            await self._pool.execute(
                """
                with q as (
                    select id from intake.subject_requests
                    where id = $1 and state = any($4::text[]) for share
                )
                update intake.held_requests r set lifted_at = $3 from q
                where r.request_id = q.id and r.hold_id = $2
                    and r.held_at is null and r.lifted_at is null
                """,
                one.request_id,
                one.hold.hold_id,
                at,
                _PREMATURE,
            )

    async def of_request(self, request_id: str) -> list[Held]:
        """Return the holds that cover a request and are not lifted, the oldest first."""
        with translated():
            return await held_rows(self._pool, request_id)


async def cover(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
    request_id: RequestId,
    systems_of: Callable[[LegalHold], tuple[SystemId, ...] | None],
) -> None:
    """Cover a request by the holds on its person, in the transaction that opens it."""

    async def scope(hold: LegalHold, _digest: str) -> tuple[SystemId, ...] | None:
        return systems_of(hold)

    rows = await connection.fetch(
        f"{_OF_PERSON} and r.id = $3", Right.DELETION.value, _OVER, request_id
    )
    await _cover(connection, [(_hold(row), row) for row in rows], scope)


async def _claim(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record], tag: KeyTag, hold: LegalHold
) -> bool:
    """Take a key for a hold; whoever claims it at the same moment waits for the end of this."""
    claimed = await connection.fetchval(
        """
        insert into intake.idempotency_keys (key, content, request_id, created_at)
        values ($1, $2, $3, $4) on conflict do nothing returning true
        """,
        tag.key,
        tag.content,
        hold.hold_id,
        hold.recorded_at,
    )
    return bool(claimed)


async def _cover(
    connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
    found: Sequence[tuple[LegalHold, asyncpg.Record]],
    scope: ScopeOf,
) -> None:
    """Write which systems are held for whom, so that no notice leaves out any other."""
    covered = [
        (row["request"], hold.hold_id, systems)
        for hold, row in found
        if (systems := await scope(hold, row["registry_digest"])) is not None
    ]
    if covered:
        await connection.executemany(_COVER, covered)


async def held_rows(
    connection: asyncpg.Pool[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
    request_id: str,
) -> list[Held]:
    """Return the holds that cover a request and are not lifted, in the caller's transaction."""
    rows = await connection.fetch(
        f"{_HELD} where r.request_id = $1 and r.lifted_at is null order by h.id", request_id
    )
    return [_held(row) for row in rows]


def _held(row: asyncpg.Record) -> Held:
    return Held(
        hold=_hold(row),
        request_id=RequestId(str(row["held_request"])),
        system_ids=tuple(SystemId(one) for one in row["held_systems"]),
        held_at=row["held_at"],
    )


def _hold(row: asyncpg.Record) -> LegalHold:
    return LegalHold(
        hold_id=str(row["id"]),
        request_id=RequestId(str(row["request_id"])) if row["request_id"] else None,
        authority=row["authority"],
        reason=row["reason"],
        placed_by=row["placed_by"],
        system_ids=tuple(SystemId(one) for one in row["system_ids"]),
        categories=tuple(row["categories"]),
        effective_at=row["effective_at"],
        recorded_at=row["recorded_at"],
        lifted_at=row["lifted_at"],
        lifted_by=row["lifted_by"],
        lift_reason=row["lift_reason"],
    )
