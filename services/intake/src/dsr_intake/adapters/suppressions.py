"""PostgreSQL: the suppression list, and what of it Kafka has yet to be told."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from itertools import product
from typing import TypeAlias

import asyncpg

from dsr_core.closing import FOLLOWED
from dsr_core.ids import RequestId, uuid7
from dsr_core.lifecycle import State
from dsr_core.rights import RIGHTS, Right
from dsr_core.suppressions import Suppression, SuppressionKind
from dsr_intake.adapters.audit import audited
from dsr_intake.model import Answer, Draft
from dsr_intake.model.suppressions import Listed, ListSize, OptIn
from dsr_runtime.postgres import translated

__all__ = ["PostgresSuppressions", "list_at_once", "list_ended", "list_opened"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_PAIRS = [(right.value, kind.value) for right in Right for kind in RIGHTS[right].suppresses]
_AT_ONCE = [pair for pair in _PAIRS if RIGHTS[Right(pair[0])].suppresses_at_once]

_LIST = "select intake.list_named($1, $2, $3, $4)"

# Alone with the addresses, where the function shares the same locks. A statement of its own: the next one sees what it waited for.
_ALONE = """
    select pg_advisory_xact_lock(1, place) from (
        select distinct get_byte(digest, 0) % 16 as place from unnest($1::bytea[]) as d (digest)
        order by 1
    ) as asked
"""

# An entry that is listed anew is locked even where nothing of it changes, so that whoever ends a source of it has to wait, and sees
# the other's source once it looks; in the order of the key, as the function has it.
_LOCK_OF_REQUESTS = """
    select from intake.suppressions s
    join intake.suppression_sources o on o.kind = s.kind and o.digest = s.digest
    where o.request_id = any($1::uuid[]) order by s.kind, s.digest for update of s
"""
_LOCK_OF_PERSON = """
    select from intake.suppressions where kind = any($1::text[]) and digest = any($2::bytea[])
    order by kind, digest for update
"""

_DROP_OF_REQUESTS = """
    delete from intake.suppression_sources where request_id = any($1::uuid[])
    returning kind, digest
"""
_DROP_OF_PERSON = """
    delete from intake.suppression_sources where kind = any($1::text[]) and digest = any($2::bytea[])
"""

_END = """
    update intake.suppressions s set ended = true, told = false
    from (select distinct * from unnest($1::text[], $2::bytea[]) as d (kind, digest)) as d
    where s.kind = d.kind and s.digest = d.digest and not s.ended and not exists (
        select from intake.suppression_sources o where o.kind = s.kind and o.digest = s.digest
    )
    returning s.kind
"""


async def list_at_once(connection: _Connection, drafts: Sequence[Draft]) -> None:
    """List whom requests name that are heeded as soon as systems are told, in their transaction."""
    drafts = [
        one
        for one in drafts
        if RIGHTS[one.submission.right].suppresses_at_once and one.submission.is_attested
    ]
    if drafts:
        await _list(connection, [one.request_id for one in drafts], drafts[0].accepted_at, _AT_ONCE)


async def list_opened(
    connection: _Connection, request_id: RequestId, state: State, *, at: datetime
) -> None:
    """List whom a request names that had to wait, once it is open, in the transaction that opens it."""
    if state is State.OPEN:
        await _list(connection, [request_id], at, _AT_ONCE)


async def list_ended(connection: _Connection, made: Sequence[Answer], *, at: datetime) -> None:
    """List whom followed requests name; of those that were not, take off what no other forbids."""
    followed = [one.request_id for one in made if one.outcome in FOLLOWED]
    others = [one.request_id for one in made if one.outcome not in FOLLOWED]
    if followed:
        await _list(connection, followed, at, _PAIRS)
    if others:
        await connection.execute(_LOCK_OF_REQUESTS, others)
        dropped = await connection.fetch(_DROP_OF_REQUESTS, others)
        if dropped:
            await _end(connection, [(row["kind"], row["digest"]) for row in dropped])


async def _list(
    connection: _Connection,
    request_ids: Sequence[str],
    at: datetime,
    pairs: Sequence[tuple[str, str]],
) -> None:
    rights, kinds = zip(*pairs, strict=True)
    await connection.execute(_LIST, request_ids, rights, kinds, at)


async def _end(connection: _Connection, entries: Iterable[tuple[str, bytes]]) -> int:
    """End those of the entries that no request forbids any more; return how many."""
    pairs = list(entries)
    kinds, digests = [kind for kind, _ in pairs], [digest for _, digest in pairs]
    return len(await connection.fetch(_END, kinds, digests))


class PostgresSuppressions:
    """The list; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def find(self, digests: Sequence[bytes]) -> dict[bytes, list[Listed]]:
        """Return what the list has of each digest; nothing of those that it has not."""
        with translated():
            rows = await self._pool.fetch(
                "select kind, digest, since from intake.suppressions"
                " where digest = any($1::bytea[]) and not ended order by kind",
                digests,
            )
        found: dict[bytes, list[Listed]] = {}
        for row in rows:
            listed = Listed(SuppressionKind(row["kind"]), row["since"])
            found.setdefault(bytes(row["digest"]), []).append(listed)
        return found

    async def sizes(self) -> list[ListSize]:
        """Return how many entries each kind has under each key."""
        with translated():
            rows = await self._pool.fetch(
                "select kind, key_id, count(*) as entries from intake.suppressions"
                " where not ended group by 1, 2 order by 1, 2",
                timeout=300,
            )
        return [
            ListSize(SuppressionKind(row["kind"]), row["key_id"], row["entries"]) for row in rows
        ]

    async def opt_in(self, one: OptIn, *, reason: str) -> int:
        """Keep a proof, and end the entries that it lifts, in one transaction; return how many."""
        kinds = [kind.value for kind in one.kinds]
        opt_in_id = uuid7(int(one.at.timestamp() * 1000), os.urandom(10))
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_ALONE, one.digests)
                await connection.execute(
                    """
                    insert into intake.opt_ins (id, at, principal, kinds, digests, reference, given_on)
                    values ($1, $2, $3, $4, $5, $6, $7)
                    """,
                    opt_in_id,
                    one.at,
                    one.principal,
                    kinds,
                    one.digests,
                    one.reference,
                    one.given_on,
                )
                await connection.execute(_LOCK_OF_PERSON, kinds, one.digests)
                await connection.execute(_DROP_OF_PERSON, kinds, one.digests)
                ended = await _end(connection, product(kinds, one.digests))
                await audited(connection, "suppression.opt-in", [opt_in_id, one.reference], reason)
        return ended

    async def tell(
        self,
        publish: Callable[[Sequence[Suppression], Sequence[Suppression]], Awaitable[None]],
        *,
        limit: int,
    ) -> int:
        """Have entries published that are new or have ended, and note that they were."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(
                    """
                    select kind, digest, key_id, since, ended from intake.suppressions
                    where not told order by kind, digest limit $1 for update skip locked
                    """,
                    limit,
                )
                if not rows:
                    return 0
                await publish(
                    [_entry(row) for row in rows if not row["ended"]],
                    [_entry(row) for row in rows if row["ended"]],
                )
                named = [row["kind"] for row in rows], [row["digest"] for row in rows]
                await connection.execute(
                    """
                    with gone as (
                        delete from intake.suppressions s
                        using unnest($1::text[], $2::bytea[]) as t (kind, digest)
                        where s.kind = t.kind and s.digest = t.digest and s.ended
                    )
                    update intake.suppressions s set told = true
                    from unnest($1::text[], $2::bytea[]) as t (kind, digest)
                    where s.kind = t.kind and s.digest = t.digest and not s.ended
                    """,
                    *named,
                )
        return len(rows)


def _entry(row: asyncpg.Record) -> Suppression:
    return Suppression(
        kind=SuppressionKind(row["kind"]),
        digest=bytes(row["digest"]),
        key_id=row["key_id"],
        since=row["since"],
    )
