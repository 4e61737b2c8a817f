"""PostgreSQL: webhooks, and what they are still to deliver."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg

from dsr_core.ids import RequestId
from dsr_intake.adapters.audit import audited
from dsr_intake.adapters.reading import OLDEST_RUNNING
from dsr_intake.model.audit import calling
from dsr_intake.model.webhooks import Delivery, Told, Webhook
from dsr_runtime.postgres import translated

__all__ = [
    "PostgresWebhooks",
    "failing",
    "healthy",
    "tell_of_hand_over",
    "tell_of_packages",
    "webhook_of",
]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_AT_ONCE = 1000

_WEBHOOK = """
select w.*, (
    select count(*) from intake.webhook_deliveries d
    where d.client_id = w.client_id and d.next_try_at is not null
) as waiting
from intake.webhooks w where w.client_id = $1
"""


class PostgresWebhooks:
    """Keeps webhooks and deliveries; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def put(self, client_id: str, url: str, *, at: datetime) -> Webhook | None:
        """Set a client's webhook and enable it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                before = await connection.fetchrow(
                    "select url, disabled_at from intake.webhooks where client_id = $1 for update",
                    client_id,
                )
                is_there = await connection.fetchval(
                    f"""
                    insert into intake.webhooks
                        (client_id, url, secret_version, secret_changed_at, read_to)
                    select client_id, $2, 1, $3, {OLDEST_RUNNING} - 1
                    from intake.api_clients where client_id = $1 and revoked_at is null
                    on conflict (client_id) do update
                    set url = excluded.url, failing_since = null,
                        disabled_at = null, disabled_because = null
                    returning true
                    """,
                    client_id,
                    url,
                    at,
                )
                if is_there and (before is None or tuple(before) != (url, None)):
                    await _audited(connection, "set", client_id, urlsplit(url).hostname or "")
        return await self.get(client_id) if is_there else None

    async def get(self, client_id: str) -> Webhook | None:
        """Return a client's webhook, or none."""
        with translated():
            row = await self._pool.fetchrow(_WEBHOOK, client_id)
        return webhook_of(row, waiting=row["waiting"]) if row else None

    async def rotate(self, client_id: str, *, at: datetime) -> Webhook | None:
        """Give a webhook its next secret."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                is_there = await connection.fetchval(
                    """
                    update intake.webhooks
                    set secret_version = secret_version + 1, secret_changed_at = $2
                    where client_id = $1 returning true
                    """,
                    client_id,
                    at,
                )
                if is_there:
                    await _audited(connection, "rotate", client_id)
        return await self.get(client_id)

    async def remove(self, client_id: str) -> bool:
        """Remove a webhook and what waits."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                removed = await connection.fetchval(
                    """
                    with waiting as (
                        delete from intake.webhook_deliveries where client_id = $1
                    )
                    delete from intake.webhooks where client_id = $1 returning true
                    """,
                    client_id,
                )
                if removed:
                    await _audited(connection, "remove", client_id)
        return bool(removed)

    async def replay(self, client_id: str, *, since: datetime, at: datetime) -> int:
        """Have everything that changed since a time delivered again."""
        with translated():
            done = await self._pool.fetchval(
                """
                with on_their_way as (
                    update intake.hand_overs
                    set next_try_at = $3, tries = 0, settled_at = null, result = null
                    where client_id = $1 and wanted_at >= $2 and claim_id is null
                        and (settled_at is null or result = 'given_up')
                    returning 1
                ), told as (
                    update intake.webhook_deliveries
                    set next_try_at = $3, tries = 0, settled_at = null, result = null
                    where client_id = $1 and changed_at >= $2
                    returning 1
                )
                select (select count(*) from on_their_way) + (select count(*) from told)
                """,
                client_id,
                since,
                at,
            )
        return int(done)

    async def gather(self, *, at: datetime) -> int:
        """Make deliveries of what has changed for clients with a webhook."""
        made = 0
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                hooks = await connection.fetch(
                    """
                    select client_id, read_to from intake.webhooks
                    where disabled_at is null order by client_id for update skip locked
                    """
                )
                for hook in hooks:
                    rows = await connection.fetch(
                        f"""
                        insert into intake.webhook_deliveries
                            (client_id, request_id, revision, state, outcome, changed_at,
                             next_try_at)
                        select client_id, id, revision, state, outcome,
                            coalesce(answered_at, closed_at, decided_at, accepted_at), $3
                        from intake.subject_requests
                        where client_id = $1 and revision > $2 and revision < {OLDEST_RUNNING}
                        order by revision fetch first {_AT_ONCE} rows with ties
                        on conflict do nothing returning revision
                        """,
                        hook["client_id"],
                        hook["read_to"],
                        at,
                    )
                    if rows:
                        made += len(rows)
                        await connection.execute(
                            "update intake.webhooks set read_to = $2 where client_id = $1",
                            hook["client_id"],
                            max(row["revision"] for row in rows),
                        )
        return made

    async def claim(self, *, at: datetime, lease: timedelta, limit: int) -> Sequence[Delivery]:
        """Return deliveries that are due, each to one caller until the lease is over."""
        with translated():
            rows = await self._pool.fetch(
                """
                update intake.webhook_deliveries d set tries = d.tries + 1, next_try_at = $2
                from (
                    select client_id, request_id, revision, event
                    from intake.webhook_deliveries join intake.webhooks using (client_id)
                    where next_try_at <= $1 and disabled_at is null
                    order by next_try_at limit $3
                    for update of webhook_deliveries skip locked
                ) due, intake.webhooks w
                where (d.client_id, d.request_id, d.revision, d.event)
                    = (due.client_id, due.request_id, due.revision, due.event)
                    and w.client_id = d.client_id
                returning w.*, d.request_id, d.revision, d.state, d.outcome, d.changed_at, d.tries,
                    d.event, d.expires_at, d.details
                """,
                at,
                at + lease,
                limit,
            )
        return [
            Delivery(
                webhook=webhook_of(row),
                request_id=RequestId(str(row["request_id"])),
                revision=row["revision"],
                state=row["state"],
                outcome=row["outcome"],
                changed_at=row["changed_at"],
                tries=row["tries"],
                event=Told(row["event"]),
                expires_at=row["expires_at"],
                details=json.loads(row["details"] or "{}"),
            )
            for row in rows
        ]

    async def delivered(self, one: Delivery, *, at: datetime) -> None:
        """Record that a delivery was taken; one that was asked for again meanwhile stays due."""
        with translated():
            await self._pool.execute(
                """
                with healthy as (
                    update intake.webhooks set failing_since = null
                    where client_id = $1 and failing_since is not null
                )
                update intake.webhook_deliveries
                set next_try_at = null, settled_at = $4, result = 'delivered'
                where client_id = $1 and request_id = $2 and revision = $3 and event = $5
                    and tries = $6
                """,
                one.webhook.client_id,
                one.request_id,
                one.revision,
                at,
                one.event.value,
                one.tries,
            )

    async def failed(
        self, one: Delivery, result: str, *, at: datetime, again_at: datetime | None
    ) -> None:
        """Record that a delivery was not taken; one that was asked for again meanwhile stays due."""
        with translated():
            await self._pool.execute(
                """
                with failing as (
                    update intake.webhooks set failing_since = $5
                    where client_id = $1 and failing_since is null
                )
                update intake.webhook_deliveries
                set next_try_at = $4, result = $6,
                    settled_at = case when $4::timestamptz is null then $5 end
                where client_id = $1 and request_id = $2 and revision = $3 and event = $7
                    and tries = $8
                """,
                one.webhook.client_id,
                one.request_id,
                one.revision,
                again_at,
                at,
                result,
                one.event.value,
                one.tries,
            )

    async def disable(self, client_id: str, because: str, *, at: datetime) -> None:
        """Deliver nothing more to a client until its webhook is set again."""
        with translated():
            await self._pool.execute(
                """
                update intake.webhooks set disabled_at = $2, disabled_because = $3
                where client_id = $1 and disabled_at is null
                """,
                client_id,
                at,
                because,
            )

    async def forget(self, *, before: datetime) -> int:
        """Drop what was delivered or given up before a time."""
        with translated():
            done = await self._pool.execute(
                "delete from intake.webhook_deliveries where settled_at < $1", before
            )
        return int(done.split()[-1])


async def tell_of_packages(
    connection: _Connection, request_ids: Sequence[RequestId], *, at: datetime, until: datetime
) -> None:
    """Have clients with a webhook told that these requests' package is ready, in its transaction."""
    await connection.execute(
        """
        insert into intake.webhook_deliveries (client_id, request_id, revision, event, state, outcome,
            changed_at, next_try_at, expires_at)
        select client_id, id, pg_current_xact_id()::text::bigint, $2, state, outcome, $3, $3, $4
        from intake.subject_requests join intake.webhooks using (client_id)
        where id = any($1::uuid[])
        """,
        request_ids,
        Told.PACKAGE_READY.value,
        at,
        until,
    )


async def tell_of_hand_over(
    connection: _Connection,
    request_id: RequestId,
    event: Told,
    details: Mapping[str, object],
    *,
    at: datetime,
) -> None:
    """Have the client of a request told how the hand-over of its package has ended, if it has a webhook."""
    await connection.execute(
        """
        insert into intake.webhook_deliveries (client_id, request_id, revision, event, state, outcome,
            changed_at, next_try_at, details)
        select client_id, id, pg_current_xact_id()::text::bigint, $2, state, outcome, $3, $3, $4
        from intake.subject_requests join intake.webhooks using (client_id) where id = $1
        """,
        request_id,
        event.value,
        at,
        json.dumps(details),
    )


async def healthy(connection: _Connection, client_id: str) -> None:
    """Record that a webhook has taken something."""
    await connection.execute(
        "update intake.webhooks set failing_since = null"
        " where client_id = $1 and failing_since is not null",
        client_id,
    )


async def failing(connection: _Connection, client_id: str, at: datetime) -> None:
    """Record that a webhook has not taken something."""
    await connection.execute(
        "update intake.webhooks set failing_since = $2"
        " where client_id = $1 and failing_since is null",
        client_id,
        at,
    )


async def _audited(connection: _Connection, what: str, *targets: str) -> None:
    """Enter a change of where a client is told, though a program makes it: it opens a way out."""
    await audited(connection, f"webhook.{what}", targets, by=calling())


def webhook_of(row: asyncpg.Record, *, waiting: int = 0) -> Webhook:
    """Return the webhook that a row of its table is."""
    return Webhook(
        client_id=row["client_id"],
        url=row["url"],
        secret_version=row["secret_version"],
        secret_changed_at=row["secret_changed_at"],
        failing_since=row["failing_since"],
        disabled_at=row["disabled_at"],
        disabled_because=row["disabled_because"],
        waiting=waiting,
    )
