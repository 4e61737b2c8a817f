"""PostgreSQL: packages on their way to the callbacks of API clients."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import asyncpg

from dsr_core.closing import FOLLOWED
from dsr_core.ids import RequestId
from dsr_intake.adapters.audit import audited
from dsr_intake.adapters.webhooks import failing, healthy, tell_of_hand_over, webhook_of
from dsr_intake.model.audit import by_callback
from dsr_intake.model.hand_overs import HandOver, HandOverEnd, HandOverView, Receiver, Settled
from dsr_intake.model.webhooks import Told
from dsr_runtime.postgres import translated

__all__ = ["PostgresHandOvers", "want_hand_overs"]

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

_TOGETHER = 100
_FOLLOWED = sorted(FOLLOWED)

_ALL = """
    intake.hand_overs h join intake.subject_requests r on r.id = h.request_id
    left join intake.packages p on p.request_id = h.package_id and p.number = h.number
    left join intake.api_clients c on c.client_id = h.client_id
    left join intake.webhooks w on w.client_id = h.client_id
"""

# Null where it may be sent. $1 is now, $2 the outcomes of what was followed.
_WHY = """
    case
        when h.revoked_at is not null then 'revoked'
        when p.request_id is null or p.state <> 'ready' or p.expires_at <= $1 then 'expired'
        when r.state = 'stopping' or r.outcome <> all($2::text[]) then 'request_ended'
        when exists (
            select from intake.subject_requests o
            where o.id in (r.duplicate_of, r.related_to) and o.client_id <> r.client_id
        ) then 'of_another_client'
        when c.client_id is null or c.revoked_at is not null or c.package_recipient is null
            then 'not_allowed'
        when w.client_id is null then 'no_webhook'
    end
"""

_CLAIM = f"""
    update intake.hand_overs h set claim_id = $4, next_try_at = $3
    from (
        select h.request_id, h.number, coalesce(r.age_key, c.package_recipient) as recipient_now,
            r.age_key is not null as is_requesters
        from {_ALL}
        where h.settled_at is null and h.next_try_at <= $1 and w.disabled_at is null
            and ({_WHY}) is null and not exists (
                select from intake.hand_overs o where o.client_id = h.client_id
                    and o.settled_at is null and o.claim_id is not null and o.next_try_at > $1
            )
        order by h.next_try_at limit 1 for update of h skip locked
    ) due, intake.webhooks w
    where (h.request_id, h.number) = (due.request_id, due.number) and w.client_id = h.client_id
    returning h.request_id, h.number, h.package_id, h.recipient, h.parts_confirmed, h.tries,
        h.claim_id, due.recipient_now, due.is_requesters, w.*
"""

_OVER = f"""
    select h.request_id, h.number, h.client_id, h.parts_confirmed, {_WHY} as why
    from {_ALL}
    where h.settled_at is null and ({_WHY}) is not null
    limit 1 for update of h skip locked
"""

_SETTLE = """
    update intake.hand_overs
    set settled_at = $3, result = $4, next_try_at = null, claim_id = null
    where request_id = $1 and number = $2 and settled_at is null
        and ($5::uuid is null or claim_id = $5)
    returning client_id
"""

_MINE = "where request_id = $1 and number = $2 and claim_id = $3 and settled_at is null"


class PostgresHandOvers:
    """Keeps hand-overs; the port's text says what holds."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    async def receiver(self, client_id: str) -> Receiver:
        """Return whether an API client can have packages."""
        with translated():
            row = await self._pool.fetchrow(
                """
                select c.package_recipient, w.client_id is not null as has_webhook
                from intake.api_clients c left join intake.webhooks w
                    on w.client_id = c.client_id and w.disabled_at is null
                where c.client_id = $1
                """,
                client_id,
            )
        if row is None:  # of somebody who comes with a token
            return Receiver(None, has_webhook=False)
        return Receiver(row["package_recipient"], has_webhook=row["has_webhook"])

    async def end(self, *, at: datetime) -> Sequence[HandOverEnd]:
        """End some of what may not be sent any more, each in a transaction of its own.

        A client is told by the revision of the transaction: two of one request need two.
        """
        ended: list[HandOverEnd] = []
        with translated():
            async with self._pool.acquire() as connection:
                while len(ended) < _TOGETHER:
                    async with connection.transaction():
                        row = await connection.fetchrow(_OVER, at, _FOLLOWED)
                        if row is None:
                            break
                        ended.append(await _ended(connection, row, at))
        return ended

    async def claim(self, *, at: datetime, lease: timedelta, claim_id: str) -> HandOver | None:
        """Give the caller one that is due and may be sent."""
        with translated():
            row = await self._pool.fetchrow(_CLAIM, at, _FOLLOWED, at + lease, claim_id)
        if row is None:
            return None
        return HandOver(
            request_id=RequestId(str(row["request_id"])),
            number=row["number"],
            package_id=RequestId(str(row["package_id"])),
            webhook=webhook_of(row),
            recipient=row["recipient_now"],
            is_requesters=row["is_requesters"],
            begun_for=row["recipient"],
            parts_confirmed=row["parts_confirmed"],
            tries=row["tries"],
            claim_id=str(row["claim_id"]),
        )

    async def hold(self, one: HandOver, *, until: datetime) -> None:
        """Have the claim last for longer."""
        with translated():
            await self._pool.execute(
                f"update intake.hand_overs set next_try_at = $4 {_MINE}", *_named(one), until
            )

    async def begin(self, one: HandOver, *, size: int, at: datetime, said: str) -> None:
        """Record for whom the file is and how long, and enter it."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                is_mine = await connection.fetchval(
                    f"""
                    update intake.hand_overs
                    set recipient = $4, size = $5, begun_at = $6, parts_confirmed = 0, tries = 0
                    {_MINE}
                    returning true
                    """,
                    *_named(one),
                    one.recipient,
                    size,
                    at,
                )
                if is_mine:
                    await _enter(
                        connection, one.webhook.client_id, "hand_over_begun", one.request_id, said
                    )

    async def confirm(self, one: HandOver, *, parts: int, at: datetime) -> None:
        """Record that so many parts are confirmed, and give it back."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await healthy(connection, one.webhook.client_id)
                await connection.execute(
                    f"""
                    update intake.hand_overs
                    set parts_confirmed = $4, tries = 0, next_try_at = $5, claim_id = null {_MINE}
                    """,
                    *_named(one),
                    parts,
                    at,
                )

    async def settle(self, one: HandOver, how: Settled, *, at: datetime) -> bool:
        """End it, enter it and tell its client."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                if how.end is HandOverEnd.GIVEN_UP:
                    await failing(connection, one.webhook.client_id, at)
                return await _settle(
                    connection, one.request_id, one.number, how, at, claim_id=one.claim_id
                )

    async def failed(self, one: HandOver, *, at: datetime, again_at: datetime) -> None:
        """Record that a part was not taken, and give it back."""
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await failing(connection, one.webhook.client_id, at)
                await connection.execute(
                    f"""
                    update intake.hand_overs
                    set tries = tries + 1, next_try_at = $4, claim_id = null {_MINE}
                    """,
                    *_named(one),
                    again_at,
                )

    async def postpone(self, one: HandOver, *, until: datetime) -> None:
        """Give it back, since something of ours was away."""
        with translated():
            await self._pool.execute(
                f"update intake.hand_overs set next_try_at = $4, claim_id = null {_MINE}",
                *_named(one),
                until,
            )

    async def of(self, request_id: RequestId) -> Sequence[HandOverView]:
        """Return how those of a request stand."""
        with translated():
            rows = await self._pool.fetch(
                """
                select number, wanted_at, begun_at, size, parts_confirmed, tries, next_try_at,
                    settled_at, result
                from intake.hand_overs where request_id = $1 order by number desc
                """,
                request_id,
            )
        return [HandOverView(**row) for row in rows]

    async def forget(self, *, before: datetime) -> int:
        """Drop what ended before a time, but of packages that might be wanted again."""
        with translated():
            done = await self._pool.execute(
                """
                delete from intake.hand_overs h where settled_at < $1 and not exists (
                    select from intake.packages p
                    where p.request_id = h.package_id and p.number = h.number and p.state = 'ready'
                )
                """,
                before,
            )
        return int(done.split()[-1])


async def want_hand_overs(
    connection: _Connection, request_ids: Sequence[RequestId], *, at: datetime
) -> None:
    """Have what is ready for these requests sent to the callbacks of those that want it, once each.

    In the transaction that makes a package ready, or closes the requests: one that was found to repeat
    another may come after a package that is ready by then.
    """
    await connection.execute(
        """
        insert into intake.hand_overs
            (request_id, number, package_id, client_id, wanted_at, next_try_at)
        select r.id, p.number, p.request_id, r.client_id, $2, $2
        from intake.subject_requests r
        join intake.packages p on p.request_id = coalesce(r.duplicate_of, r.id)
        where r.id = any($1::uuid[]) and r.hand_over and p.state = 'ready' and p.expires_at > $2
        on conflict do nothing
        """,
        request_ids,
        at,
    )


async def _ended(connection: _Connection, row: asyncpg.Record, at: datetime) -> HandOverEnd:
    end, number = HandOverEnd(row["why"]), row["number"]
    told = {"number": number, "reason": end.value, "parts_confirmed": row["parts_confirmed"]}
    await _settle(connection, RequestId(str(row["request_id"])), number, Settled(end, told), at)
    return end


async def _settle(
    connection: _Connection,
    request_id: RequestId,
    number: int,
    how: Settled,
    at: datetime,
    *,
    claim_id: str | None = None,
) -> bool:
    client_id = await connection.fetchval(_SETTLE, request_id, number, at, how.end.value, claim_id)
    if client_id is None:
        return False
    is_done = how.end is HandOverEnd.HANDED_OVER
    action = "handed_over" if is_done else "hand_over_ended"
    await _enter(connection, client_id, action, request_id, how.said or how.end.value)
    event = Told.HANDED_OVER if is_done else Told.HAND_OVER_ENDED
    await tell_of_hand_over(connection, request_id, event, how.details, at=at)
    return True


async def _enter(
    connection: _Connection, client_id: str, action: str, request_id: RequestId, said: str
) -> None:
    by = by_callback(client_id)
    await audited(connection, f"package.{action}", [request_id], said, by=by)


def _named(one: HandOver) -> tuple[object, ...]:
    return (one.request_id, one.number, one.claim_id)
