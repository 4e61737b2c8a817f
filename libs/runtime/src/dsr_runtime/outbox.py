"""The outbox: records that are published because a transaction was committed, and never lost.

A service writes records into its `outbox` table in the transaction that makes them true. The relay
publishes them afterwards, in order per key, and deletes what the brokers have. A crash in between
publishes again: the same event id, and consumers deduplicate.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from dsr_core.errors import Unavailable
from dsr_runtime.backoff import Backoff
from dsr_runtime.kafka import Publisher, Sendable
from dsr_runtime.postgres import translated
from dsr_runtime.records import Record

__all__ = ["Backlog", "OutboxRelay", "ddl", "enqueue"]

log = structlog.get_logger(__name__)

_SLOTS = 16
_SHARE = _SLOTS // 4
"""How many slots a replica takes at most while more waits than it can publish at once, so that others
publish beside it. Fewer rows than a batch holds are one replica's to take."""

_BATCH = 200
_LOCK_SPACE = 7_305_115
_ASIDE_S = 5.0
"""So long a key whose record was not taken is passed over, so that others come first."""


def ddl(schema: str) -> str:
    """Return the statements that make a schema's outbox; used in its first migration."""
    return f"""
        create table {schema}.outbox (
            id bigint generated always as identity primary key,
            slot smallint not null,
            topic text not null,
            key bytea not null,
            value bytea not null,
            headers text not null,
            created_at timestamptz not null default now()
        ) with (autovacuum_vacuum_scale_factor = 0.01);
        create index outbox_slot on {schema}.outbox (slot, id);
    """


async def enqueue(
    connection: asyncpg.Connection[asyncpg.Record]
    | asyncpg.pool.PoolConnectionProxy[asyncpg.Record],
    schema: str,
    records: Sequence[Sendable],
) -> None:
    """Write records into the outbox, in the caller's transaction and in the given order."""
    await connection.execute(
        f"""
        insert into {schema}.outbox (slot, topic, key, value, headers)
        select * from unnest($1::smallint[], $2::text[], $3::bytea[], $4::bytea[], $5::text[])
        """,
        *columns(records),
    )


def columns(
    records: Sequence[Sendable],
) -> tuple[list[int], list[str], list[bytes], list[bytes], list[str]]:
    """Return the outbox's columns for records, for a statement that writes them with other rows."""
    return (
        [zlib.crc32(record.key) % _SLOTS for record in records],
        [record.topic for record in records],
        [record.key for record in records],
        [record.value for record in records],
        [
            json.dumps([[name, data.decode()] for name, data in record.headers])
            for record in records
        ],
    )


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in an outbox, whichever replica will publish it."""

    records: int
    age_s: float
    """How long the oldest has waited; zero where nothing waits."""


class OutboxRelay:
    """Publishes a schema's outbox. Several replicas run side by side: a key is one replica's at a time."""

    def __init__(
        self, pool: asyncpg.Pool[asyncpg.Record], schema: str, publisher: Publisher
    ) -> None:
        self._pool = pool
        self._schema = schema
        self._publisher = publisher
        self._wake = asyncio.Event()
        self._stopping = False
        self._aside: dict[tuple[str, bytes], float] = {}
        self._first = 0
        self.fault: str | None = None
        """Why nothing at all is published; none while something is."""

    def wake(self) -> None:
        """Say that there is something to publish; without it the relay looks twice a second."""
        self._wake.set()

    def stop(self) -> None:
        """Ask `run` to end after the batch in hand."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Publish until `stop`."""
        backoff = Backoff()
        share = _SLOTS
        while not self._stopping:
            is_woken = self._wake.is_set()
            self._wake.clear()
            try:
                published = await self._publish_some(share, is_woken=is_woken)
            except (Unavailable, KafkaError, OSError, asyncpg.PostgresError) as error:
                self.fault = str(error) if isinstance(error, Unavailable) else type(error).__name__
                log.warning("the outbox waits", error=self.fault)
                await backoff.wait()
                continue
            if published or not self._aside:
                backoff, self.fault = Backoff(), None
            if published == _BATCH:
                share = _SHARE
            elif share < _SLOTS:
                share = _SLOTS  # before it rests, it has looked into every slot
            else:
                try:
                    await asyncio.wait_for(self._wake.wait(), 0.5)
                except TimeoutError:
                    continue

    async def ping(self) -> None:
        """Return when the last publishing worked.

        Raises:
            RuntimeError: It did not.
        """
        if self.fault is not None:
            raise RuntimeError(f"the outbox waits: {self.fault}")

    async def backlog(self) -> Backlog:
        """Measure what waits; reads the whole table, so for now and then.

        Raises:
            Unavailable: PostgreSQL is away.
        """
        with translated():
            [row] = await self._pool.fetch(
                "select count(*) as records,"
                " coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as age_s"
                f" from {self._schema}.outbox"
            )
        # A row's time is when its transaction began, which may lie ahead of this one's snapshot.
        return Backlog(row["records"], max(row["age_s"], 0.0))

    async def _waits(self) -> bool:
        """Whether anything is in the outbox: a question that costs a quarter of looking into its slots."""
        with translated():
            return bool(
                await self._pool.fetchval(f"select exists (select from {self._schema}.outbox)")
            )

    async def _publish_some(self, share: int, *, is_woken: bool) -> int:
        """Publish a batch of so many slots at most, and return how many records the brokers took.

        Keys whose records were not taken are passed over for a while: one partition without a leader
        holds up neither the others nor those behind it in the batch.

        Raises:
            KafkaError: None was taken.
            OSError: None was taken, since Kafka cannot be reached.
            Unavailable: PostgreSQL is away.
        """
        now = asyncio.get_running_loop().time()
        self._aside = {key: until for key, until in self._aside.items() if until > now}
        if not is_woken and not await self._waits():
            return 0
        order = [(self._first + place) % _SLOTS for place in range(_SLOTS)]
        self._first = (self._first + share) % _SLOTS
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                # Two statements: the second must see what another replica deleted before it let go.
                slots = await connection.fetch(
                    "select s from unnest($1::integer[]) s"
                    f" where pg_try_advisory_xact_lock({_LOCK_SPACE},"
                    f" hashtext('{self._schema}') # s) limit $2",
                    order,
                    share,
                )
                rows = await connection.fetch(
                    f"select id, topic, key, value, headers from {self._schema}.outbox"
                    " where slot = any($1::smallint[]) and (topic, key) not in"
                    " (select * from unnest($2::text[], $3::bytea[]))"
                    f" order by id limit {_BATCH}",
                    [row["s"] for row in slots],
                    [topic for topic, _ in self._aside],
                    [key for _, key in self._aside],
                )
                if not rows:
                    return 0
                outcomes = await self._publisher.publish_each(_record(row) for row in rows)
                taken = [
                    row["id"] for row, fault in zip(rows, outcomes, strict=True) if fault is None
                ]
                if taken:
                    await connection.execute(
                        f"delete from {self._schema}.outbox where id = any($1::bigint[])", taken
                    )
        self._set_aside(rows, outcomes)
        return len(taken)

    def _set_aside(
        self, rows: Sequence[asyncpg.Record], outcomes: Sequence[BaseException | None]
    ) -> None:
        faults = [fault for fault in outcomes if fault is not None]
        if not faults:
            return
        until = asyncio.get_running_loop().time() + _ASIDE_S
        for row, fault in zip(rows, outcomes, strict=True):
            if fault is not None:
                self._aside[row["topic"], row["key"]] = until
        if len(faults) == len(rows):
            raise faults[0]
        log.warning("a part of the outbox waits", count=len(faults), error=type(faults[0]).__name__)


def _record(row: asyncpg.Record) -> Record:
    headers = tuple((name, text.encode()) for name, text in json.loads(row["headers"]))
    return Record(row["topic"], row["key"], row["value"], headers)
