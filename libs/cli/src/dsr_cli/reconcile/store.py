"""What PostgreSQL says of what Kafka has: each question is one statement over arrays."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg

from dsr_cli.connection import POSTGRES_DSNS
from dsr_cli.errors import CommandError
from dsr_cli.reconcile.told import Answer
from dsr_core.ids import CohortId

__all__ = ["SCHEMAS", "Connection", "Databases", "Store", "opened"]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SCHEMAS = ("intake", "verifier")
"""Those that have an outbox."""

_STEP = 5000
"""How much one statement asks about."""

_REQUESTS = """
select r.id::text, r.state, exists (
    select from intake_keys.request_keys k where k.request_id = r.id) as has_key
from intake.subject_requests r where r.id = any($1::uuid[])
"""

_WITHOUT_IDENTITY = """
select r.id::text from intake.subject_requests r
where r.state not in ('closed', 'answered') and r.identity_ciphertext is null
and not exists (select from intake_keys.request_keys k where k.request_id = r.id)
and not exists (select from intake.deferred_notices d where d.follow_up_id = r.id)
order by r.id
"""

_UNKNOWN_REQUESTS = """
select n.id::text from unnest($1::uuid[]) as n (id)
where not exists (select from verifier.requests r where r.request_id = n.id)
"""

_UNKNOWN_CLOSURES = """
select n.id::text from unnest($1::uuid[]) as n (id)
where not exists (select from verifier.closures c where c.request_id = n.id)
and not exists (select from verifier.closures_told t where t.request_id = n.id)
"""

_UNKNOWN_AMENDMENTS = """
select n.request_id::text, n.revision, n.kind
from unnest($1::uuid[], $2::integer[], $3::text[]) as n (request_id, revision, kind)
where not exists (
    select from verifier.amendments a where a.request_id = n.request_id
    and a.revision = n.revision and a.kind = n.kind)
"""

_UNTOLD_PHASES = """
select n.cohort_id::text, n.phase::integer
from unnest($1::uuid[], $2::smallint[]) as n (cohort_id, phase)
where not exists (
    select from verifier.phases p where p.cohort_id = n.cohort_id
    and p.phase = n.phase and p.told_at is not null)
"""

_UNKNOWN_ANSWERS = """
select n.request_id::text, n.system_id, n.sequence, n.leaf_hash
from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bytea[])
    as n (request_id, system_id, sequence, leaf_hash)
where not exists (
    select from verifier.acknowledgements a where a.request_id = n.request_id
    and a.system_id = n.system_id and a.sequence = n.sequence and a.leaf_hash = n.leaf_hash)
and not exists (
    select from verifier.parked p where p.request_id = n.request_id
    and p.system_id = n.system_id and p.sequence = n.sequence and p.leaf_hash = n.leaf_hash)
"""

_UNKNOWN_COPIES = """
select n.id::text from unnest($1::uuid[]) as n (id)
where not exists (select from verifier.copies_settled s where s.request_id = n.id)
"""

_UNTAKEN_LINKS = """
select n.request_id::text, n.system_id, n.sequence
from unnest($1::uuid[], $2::text[], $3::bigint[]) as n (request_id, system_id, sequence)
where not exists (
    select from intake.link_answers l where l.request_id = n.request_id
    and l.system_id = n.system_id and l.sequence = n.sequence)
"""

_UNKNOWN_ENTRIES = """
select n.digest from unnest($1::bytea[]) as n (digest)
where not exists (select from verifier.log_leaves l where l.kind = 'audit' and l.digest = n.digest)
and not exists (select from verifier.log_pending p where p.kind = 'audit' and p.digest = n.digest)
"""

_OPEN_COHORTS = "select id::text from intake.cohorts where open_members > 0"


@dataclass(frozen=True, slots=True)
class Databases:
    """Where each service's schemas are, as somebody who may read and write them all."""

    intake: Connection
    verifier: Connection
    """The same, where they are in one database and one login is for both."""

    def of(self, schema: str) -> Connection:
        """Return where a schema with an outbox is."""
        return {"intake": self.intake, "verifier": self.verifier}[schema]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Commit together what is changed, or nothing.

        Two databases commit one after the other, intake's last: it has the entry in the audit log. A
        crash between the two leaves what the next run finds and enters.
        """
        async with AsyncExitStack() as both:
            await both.enter_async_context(self.intake.transaction())
            if self.verifier is not self.intake:
                await both.enter_async_context(self.verifier.transaction())
            yield


@asynccontextmanager
async def opened(dsns: Mapping[str, str]) -> AsyncIterator[Databases]:
    """Connect to the services' databases, by their names; to one that they share once.

    Raises:
        CommandError: One cannot be reached, or has not the schema of its service.
    """
    connections: dict[str, Connection] = {}
    try:
        for service, dsn in dsns.items():
            if dsn not in connections:
                connections[dsn] = await _connected(service, dsn)
            if not await connections[dsn].fetchval(
                "select to_regnamespace($1) is not null", service
            ):
                raise CommandError(
                    f"there is no schema {service} in this database; where services have one each, "
                    f"set {' and '.join(POSTGRES_DSNS.values())}"
                )
        yield Databases(*(connections[dsns[one]] for one in SCHEMAS))
    finally:
        for connection in connections.values():
            await connection.close()


async def _connected(service: str, dsn: str) -> Connection:
    try:
        return await asyncpg.connect(dsn)
    except (OSError, ValueError, asyncpg.PostgresError) as error:
        raise CommandError(
            f"PostgreSQL of {service}: {type(error).__name__}; see {POSTGRES_DSNS[service]}, or "
            "DSR_POSTGRES_DSN without it"
        ) from error


class Store:
    """What the services' schemas say."""

    def __init__(self, databases: Databases) -> None:
        self._intake, self._verifier = databases.intake, databases.verifier
        self._databases = databases

    async def requests(self, ids: Collection[str]) -> dict[str, tuple[str, bool]]:
        """Return the state of those that intake knows, and whether their key is there."""
        rows = await _each(self._intake, _REQUESTS, [(one,) for one in ids])
        return {row["id"]: (row["state"], row["has_key"]) for row in rows}

    async def without_identity(self) -> list[str]:
        """Return open requests whose identity is nowhere."""
        return [row["id"] for row in await self._intake.fetch(_WITHOUT_IDENTITY)]

    async def open_cohorts(self) -> set[CohortId]:
        """Return the cohorts with a member that is not answered."""
        return {CohortId(row["id"]) for row in await self._intake.fetch(_OPEN_COHORTS)}

    async def unknown_requests(self, ids: Collection[str]) -> set[str]:
        """Return those that the ledger does not have."""
        return {
            row["id"]
            for row in await _each(self._verifier, _UNKNOWN_REQUESTS, [(one,) for one in ids])
        }

    async def unknown_closures(self, ids: Collection[str]) -> set[str]:
        """Return those of which neither a closure is there nor that it was told of."""
        return {
            row["id"]
            for row in await _each(self._verifier, _UNKNOWN_CLOSURES, [(one,) for one in ids])
        }

    async def unknown_amendments(
        self, keys: Collection[tuple[str, int, str]]
    ) -> set[tuple[str, int, str]]:
        """Return those that the ledger does not have."""
        rows = await _each(self._verifier, _UNKNOWN_AMENDMENTS, list(keys))
        return {(row["request_id"], row["revision"], row["kind"]) for row in rows}

    async def untold_phases(self, keys: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return those that the ledger does not have as told."""
        rows = await _each(self._verifier, _UNTOLD_PHASES, list(keys))
        return {(row["cohort_id"], row["phase"]) for row in rows}

    async def unknown_answers(self, answers: Collection[Answer]) -> set[Answer]:
        """Return those that are neither recorded nor parked."""
        rows = await _each(self._verifier, _UNKNOWN_ANSWERS, list(answers))
        return {
            (row["request_id"], row["system_id"], row["sequence"], bytes(row["leaf_hash"]))
            for row in rows
        }

    async def unknown_copies(self, ids: Collection[str]) -> set[str]:
        """Return those that the ledger does not have as settled."""
        return {
            row["id"]
            for row in await _each(self._verifier, _UNKNOWN_COPIES, [(one,) for one in ids])
        }

    async def untaken_links(
        self, keys: Collection[tuple[str, str, int]]
    ) -> set[tuple[str, str, int]]:
        """Return the answers whose links intake has neither taken nor refused."""
        rows = await _each(self._intake, _UNTAKEN_LINKS, list(keys))
        return {(row["request_id"], row["system_id"], row["sequence"]) for row in rows}

    async def unknown_entries(self, digests: Collection[bytes]) -> set[bytes]:
        """Return the digests of audit entries that the log neither has nor waits to take."""
        rows = await _each(self._verifier, _UNKNOWN_ENTRIES, [(one,) for one in digests])
        return {bytes(row["digest"]) for row in rows}

    async def outbox(self) -> list[tuple[str, int, str, str]]:
        """Return what waits to be sent: schema, id, topic, and the event's id."""
        found = []
        for schema in SCHEMAS:
            rows = await self._databases.of(schema).fetch(
                f"select id, topic, headers from {schema}.outbox order by id"
            )
            found += [(schema, row["id"], row["topic"], _event_of(row["headers"])) for row in rows]
        return found

    async def leaves(self) -> int:
        """Return how many leaves the transparency log has."""
        return int(
            await self._verifier.fetchval(
                "select coalesce(max(size), 0) from verifier.log_checkpoints"
            )
        )


async def _each(
    connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]
) -> Iterable[asyncpg.Record]:
    found: list[asyncpg.Record] = []
    for start in range(0, len(rows), _STEP):
        columns = list(zip(*rows[start : start + _STEP], strict=True))
        found += await connection.fetch(statement, *map(list, columns))
    return found


def _event_of(headers: str) -> str:
    return next((text for name, text in json.loads(headers) if name == "ce_id"), "")
