"""PostgreSQL: how packages stand."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import asyncpg

from dsr_core import tracing
from dsr_core.ids import RequestId, SystemId
from dsr_core.lifecycle import State
from dsr_core.rights import RIGHTS
from dsr_intake.adapters.audit import audited
from dsr_intake.adapters.closing import known, write, write_letters
from dsr_intake.adapters.decisions import locked
from dsr_intake.adapters.duplicates import duplicates_of
from dsr_intake.adapters.hand_overs import want_hand_overs
from dsr_intake.adapters.members import addressee_of
from dsr_intake.adapters.package_copies import BEING_MADE, settle
from dsr_intake.adapters.webhooks import tell_of_packages
from dsr_intake.model import Member
from dsr_intake.model.packages import (
    MadePackage,
    Package,
    PackagesStanding,
    PackageState,
    SetAside,
    Setback,
)
from dsr_intake.ports import Decide, Tell
from dsr_intake.ports.packages import TellSettled
from dsr_runtime.outbox import enqueue
from dsr_runtime.postgres import translated
from dsr_wire.envelope import Outgoing

__all__ = ["PostgresPackages"]

_HANDING_OVER = [right for right, terms in RIGHTS.items() if terms.hands_over]

_CLAIM = """
    update intake.packages p set tries = p.tries + 1, faults = p.faults + 1, next_try_at = $2,
        assembly_id = $3
    from (
        select request_id, number from intake.packages
        where state = 'waiting' and next_try_at <= $1 and ($4::bigint is null or $4 >= (
            select coalesce(sum((one -> 'delivery' ->> 'size')::bigint), 0)
            from jsonb_array_elements(ledger::jsonb -> 'obligations') as one
        ))
        order by next_try_at limit 1 for update skip locked
    ) as due
    where p.request_id = due.request_id and p.number = due.number
    returning p.*
"""

_HELD = """
    update intake.packages set next_try_at = $3
    where request_id = $1 and assembly_id = $2 and state = 'waiting'
"""

_NEXT_TRY = """
    update intake.packages set next_try_at = $3,
        faults = case when $4 = 'fault' then faults else 0 end,
        parts_tries = parts_tries + case when $4 = 'part_missing' then 1 else 0 end
    where request_id = $1 and assembly_id = $2 and state = 'waiting'
"""

_SET_ASIDE = """
    update intake.packages set next_try_at = null, set_aside_at = $3, set_aside_why = $4
    where request_id = $1 and assembly_id = $2 and state = 'waiting'
"""

_ALIKE = """
    select id from intake.subject_requests
    where (id = $1 or duplicate_of = $1) and state = 'closed' and not exists (
        select from intake.letters l where l.request_id = id and l.kind = 'done'
    )
    order by id
"""

_OVER = """
    select p.request_id from intake.packages p
    join intake.subject_requests r on r.id = p.request_id
    where p.state = 'ready' and p.expires_at <= $1 and (not p.is_partial or r.answered_at is not null)
        and not exists (
            select from intake.packages o where o.request_id = p.request_id
                and (o.state = 'waiting' or o.state = 'ready' and o.expires_at > $1)
        )
    union
    select k.request_id from intake_keys.package_keys k
    join intake.subject_requests r on r.id = k.request_id
    where k.made_at <= $2 and r.answered_at is not null and not exists (
        select from intake.packages p where p.request_id = k.request_id and p.state <> 'expired'
    )
    limit $3
"""


_PARTIAL_LETTER = """
    insert into intake.letters (request_id, kind, state, next_try_at, waiting_since)
    select id, 'package_partial', 'waiting', $2, $2 from intake.subject_requests
    where (id = $1 or duplicate_of = $1) and letters and closed_at is null
    on conflict do nothing
"""

_LATE = """
    select r.id from intake.subject_requests r
    join intake.cohorts c on c.id = r.cohort_id
    join intake_keys.package_keys k on k.request_id = r.id
    where r.state = 'open' and r."right" = any($4) and r.duplicate_of is null and c.due_at <= $1
        and ($2::uuid is null or r.id > $2)
        and not exists (select from intake.packages p where p.request_id = r.id)
    order by r.id limit $3
"""


class PostgresPackages:
    """Keeps packages; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def claim(
        self, *, at: datetime, lease: timedelta, assembly_id: str, limit: int | None = None
    ) -> Package | None:
        """Give the caller a package that is to be made, until the lease is over."""
        with translated():
            row = await self._pool.fetchrow(_CLAIM, at, at + lease, assembly_id, limit)
        return _package(row) if row else None

    async def exclude(
        self, package: Package, system_id: SystemId, reason: str, tell: Outgoing
    ) -> Package | None:
        """Record that a system's export cannot be used, and what is told of it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    """
                    update intake.packages set excluded = $3, parts_tries = 0
                    where request_id = $1 and assembly_id = $2 and state = 'waiting' returning *
                    """,
                    package.request_id,
                    package.assembly_id,
                    json.dumps({**package.excluded, system_id: reason}, sort_keys=True),
                )
                if row is None:
                    return None
                await enqueue(connection, "intake", [tell])
        return _package(row)

    async def hold(self, package: Package, *, until: datetime) -> None:
        """Have the claim last for longer."""
        await self._mark(_HELD, package, until)

    async def postpone(self, package: Package, setback: Setback, *, until: datetime) -> None:
        """Have a package tried again later."""
        await self._mark(_NEXT_TRY, package, until, setback)

    async def set_aside(self, package: Package, why: SetAside, *, at: datetime) -> None:
        """Have a package tried no more, until `try_again`."""
        await self._mark(_SET_ASIDE, package, at, why)

    async def _mark(self, statement: str, package: Package, *values: object) -> None:
        with translated():
            await self._pool.execute(statement, package.request_id, package.assembly_id, *values)

    async def try_again(self, request_id: RequestId, *, at: datetime, reason: str) -> bool:
        """Have the package of a request that was set aside tried again, and enter it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                status = await connection.execute(
                    """
                    update intake.packages set next_try_at = $2, set_aside_at = null,
                        set_aside_why = null, faults = 0, parts_tries = 0
                    where request_id = $1 and set_aside_at is not null
                    """,
                    request_id,
                    at,
                )
                if status.endswith(" 0"):
                    return False
                await audited(connection, "package.release", [request_id], reason)
        return True

    async def finish(
        self,
        package: Package,
        made: MadePackage,
        *,
        decide: Decide,
        tell: Tell,
        at: datetime,
        settled: TellSettled | None = None,
    ) -> bool:
        """Record that a package is made, and what follows, in one transaction."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                ids = [package.request_id]
                if not package.is_partial:
                    rows = await connection.fetch(_ALIKE, package.request_id)
                    ids = [RequestId(str(row["id"])) for row in rows]
                found = await known(connection, ids)
                status = await connection.execute(
                    """
                    update intake.packages
                    set state = 'ready', next_try_at = null, size = $3, files = $4,
                        manifest_digest = $5, contact = $6, made_at = $7, expires_at = $8
                    where request_id = $1 and assembly_id = $2 and state = 'waiting'
                    """,
                    package.request_id,
                    package.assembly_id,
                    made.size,
                    made.files,
                    made.manifest_digest,
                    made.contact,
                    at,
                    made.expires_at,
                )
                if status.endswith(" 0"):
                    return False
                if package.is_partial:
                    ids += await duplicates_of(connection, ids)
                await tell_of_packages(connection, ids, at=at, until=made.expires_at)
                await want_hand_overs(connection, ids, at=at)
                if package.is_partial:
                    await connection.execute(_PARTIAL_LETTER, package.request_id, at)
                    return True
                if settled is not None:
                    await settle(connection, package.request_id, settled, at)
                follows = decide(found)
                await write_letters(
                    connection, [one for one in follows if one.letter is not None], at
                )
                over = [one for one in follows if one.letter is None]
                await write(connection, over, tell=tell, at=at)
        return True

    async def addressee(self, request_id: RequestId) -> Member | None:
        """Return the identity and key of whom letters of a package go to; none where there are none."""
        return await addressee_of(self._pool, request_id)

    async def packages(self, request_id: RequestId) -> list[Package]:
        """Return the packages of a request, the newest first."""
        with translated():
            rows = await self._pool.fetch(
                "select * from intake.packages where request_id = $1 order by number desc",
                request_id,
            )
        return [_package(row) for row in rows]

    async def late(self, *, at: datetime, after: RequestId | None, limit: int) -> list[RequestId]:
        """Return open requests whose legal date has passed and that have no package."""
        with translated():
            rows = await self._pool.fetch(_LATE, at, after, limit, _HANDING_OVER)
        return [RequestId(str(row["id"])) for row in rows]

    async def release(
        self, request_id: RequestId, ledger: str, *, at: datetime, reason: str = ""
    ) -> bool:
        """Want a partial package, and enter it where a person decides so."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                one = await locked(connection, request_id)
                if one is None or one.state is not State.OPEN or one.right not in _HANDING_OVER:
                    return False
                status = await connection.execute(
                    """
                    insert into intake.packages
                        (request_id, ledger, wanted_at, next_try_at, is_partial, traceparent)
                    values ($1, $2, $3, $3, true, $4) on conflict do nothing
                    """,
                    request_id,
                    ledger,
                    at,
                    tracing.current(),
                )
                if status.endswith(" 0"):
                    return False
                await audited(connection, "package.release", [request_id], reason)
        return True

    async def over(self, *, at: datetime, unused_since: datetime, limit: int) -> list[RequestId]:
        """Return requests whose package has expired, or that have ended without one."""
        with translated():
            rows = await self._pool.fetch(_OVER, at, unused_since, limit)
        return [RequestId(str(row["request_id"])) for row in rows]

    async def destroy(self, request_id: RequestId) -> None:
        """Destroy the key of a package, and record that it has expired."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "delete from intake_keys.package_keys where request_id = $1", request_id
                )
                await connection.execute(
                    """
                    with links as (
                        delete from intake.package_links where package_id = $1 returning request_id
                    )
                    update intake.subject_requests set age_key = null
                    where age_key is not null and (
                        id = $1 or duplicate_of = $1 or id in (select request_id from links)
                    )
                    """,
                    request_id,
                )
                await connection.execute(
                    "update intake.hand_overs set recipient = null where package_id = $1",
                    request_id,
                )
                await connection.execute(
                    """
                    update intake.packages set state = 'expired', contact = null, next_try_at = null
                    where request_id = $1
                    """,
                    request_id,
                )

    async def standing(self) -> PackagesStanding:
        """Return how many packages are to be made, and how many are set aside."""
        with translated():
            [row] = await self._pool.fetch(
                f"""
                select count(*) filter (where {BEING_MADE}) as waiting,
                    min(wanted_at) filter (where {BEING_MADE}) as oldest,
                    count(set_aside_at) as set_aside
                from intake.packages p where state = 'waiting'
                """
            )
        return PackagesStanding(**row)


def _package(row: asyncpg.Record) -> Package:
    return Package(
        request_id=RequestId(str(row["request_id"])),
        state=PackageState(row["state"]),
        ledger=row["ledger"],
        excluded=json.loads(row["excluded"]),
        wanted_at=row["wanted_at"],
        tries=row["tries"],
        faults=row["faults"],
        parts_tries=row["parts_tries"],
        set_aside_at=row["set_aside_at"],
        set_aside_why=_set_aside_why(row),
        assembly_id=str(row["assembly_id"]) if row["assembly_id"] else None,
        size=row["size"] or 0,
        files=row["files"] or 0,
        manifest_digest=row["manifest_digest"] or b"",
        contact=row["contact"] or b"",
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        number=row["number"],
        is_partial=row["is_partial"],
        copy_settled_at=row["copy_settled_at"],
        traceparent=row["traceparent"],
    )


def _set_aside_why(row: asyncpg.Record) -> SetAside | None:
    if row["set_aside_at"] is None:
        return None
    return SetAside(row["set_aside_why"] or SetAside.FAULTS)  # an older version knows of no other
