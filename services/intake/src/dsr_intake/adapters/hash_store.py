"""PostgreSQL: keyed hashes as a whole, and the names of the keys that made them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from dsr_intake.adapters.audit import audited
from dsr_intake.model import HashCount, HashedAnew, HashedRow, WrappedRow
from dsr_intake.model.audit import ITSELF
from dsr_intake.ports import Rehash
from dsr_runtime.postgres import translated

__all__ = ["PostgresHashes"]

_COUNT = """
    with known as (
        select id, first_seen_at,
            lead(first_seen_at) over (order by ordinal) as followed_at,
            row_number() over (order by ordinal) = 1 as is_oldest
        from intake_keys.lookup_keys
    ), counted as (
        select lookup_key_id, count(*) filter (where answered_at is null) as open,
            count(*) filter (where answered_at is not null) as ended
        from intake.subject_requests group by 1
    )
    select k.id, coalesce(sum(c.open), 0)::bigint as open,
        coalesce(sum(c.ended), 0)::bigint as ended,
        (select count(*) from intake.holds h
            where h.request_id is null and h.lifted_at is null and k.followed_at is not null
                and h.recorded_at < k.followed_at
                and (k.is_oldest or h.recorded_at >= k.first_seen_at)) as holds,
        k.first_seen_at
    from known k left join counted c
        on c.lookup_key_id = k.id or (c.lookup_key_id is null and k.is_oldest)
    group by k.id, k.first_seen_at, k.followed_at, k.is_oldest order by k.first_seen_at, k.id
"""

_OTHERS = """
    from intake_keys.request_keys k
    join intake.subject_requests r on r.id = k.request_id
    join intake.cohorts c on c.id = coalesce(r.home_cohort_id, r.cohort_id)
    where r.answered_at is null and r.identity_ciphertext is not null
        and coalesce(r.lookup_key_id,
            (select id from intake_keys.lookup_keys order by ordinal limit 1)) <> $1
"""

_SELECT = f"""
    select r.id::text as request, k.wrapped_key, k.kek_id, r.identity_ciphertext, r."right",
        c.categories, c.organisation_ids, c.since, c.uses
    {_OTHERS} order by r.id limit $2 for update of r skip locked
"""

_REPLACE = """
    update intake.subject_requests r
    set former_hashes = r.former_hashes || r.lookup_hashes,
        lookup_hashes = a.hashes::bytea[],
        person_hash = case when r.person_hash is not null then a.person_hash end,
        lookup_key_id = $4
    from unnest($1::uuid[], $2::text[], $3::bytea[]) as a (id, hashes, person_hash)
    where r.id = a.id
"""

_NAME_LINKS = """
    insert into intake_keys.link_hashes (hash, request_id)
    select a.current, a.id from unnest($1::uuid[], $2::bytea[], $3::bytea[]) as a (id, former, current)
    join intake_keys.link_hashes l on l.request_id = a.id and l.hash = a.former
    on conflict do nothing
"""


class PostgresHashes:
    """The keyed hashes; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def note(self, key_ids: Sequence[str], *, at: datetime) -> Sequence[str]:
        """Keep the names of lookup keys that are new, given the oldest first; return all names."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                for one in key_ids:
                    is_new = await connection.fetchval(
                        "insert into intake_keys.lookup_keys (id, first_seen_at) values ($1, $2)"
                        " on conflict do nothing returning true",
                        one,
                        at,
                    )
                    if is_new:
                        await audited(connection, "lookup-key.begin", [one], by=ITSELF)
                rows = await connection.fetch("select id from intake_keys.lookup_keys")
        return [row["id"] for row in rows]

    async def hashes(self) -> list[HashCount]:
        """Return what can be found under each lookup key alone."""
        with translated():
            rows = await self._pool.fetch(_COUNT, timeout=300)
        return [HashCount(*row) for row in rows]

    async def rehash(self, again: Rehash, *, key_id: str, limit: int) -> tuple[int, int]:
        """Replace the hashes of requests that are not answered."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                rows = await connection.fetch(_SELECT, key_id, limit)
                if rows:
                    made = await again([_row(one) for one in rows])
                    await connection.execute(_REPLACE, *_arguments(made), key_id)
                    await connection.execute(_NAME_LINKS, *_links(made))
                left = await connection.fetchval(f"select count(*) {_OTHERS}", key_id)
        return len(rows), int(left)


def _row(row: asyncpg.Record) -> HashedRow:
    return HashedRow(
        row["request"],
        WrappedRow(row["request"], row["wrapped_key"], row["kek_id"]),
        row["identity_ciphertext"],
        row["right"],
        tuple(row["categories"]),
        tuple(row["organisation_ids"]),
        row["since"],
        tuple(row["uses"]),
    )


def _arguments(made: Sequence[HashedAnew]) -> tuple[list[str], list[str], list[bytes]]:
    hashes = [
        "{" + ",".join(f'"\\\\x{one.hex()}"' for one in anew.lookup_hashes) + "}" for anew in made
    ]
    return [one.request_id for one in made], hashes, [one.person_hash for one in made]


def _links(made: Sequence[HashedAnew]) -> tuple[list[str], list[bytes], list[bytes]]:
    every = [(one.request_id, *pair) for one in made for pair in one.link_hashes]
    return [one for one, _, _ in every], [one for _, one, _ in every], [one for _, _, one in every]
