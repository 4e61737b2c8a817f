"""The lean verifier: what was asked and what was answered, in; what is complete, out."""

import asyncio
import json
from collections import Counter

import asyncpg
from wiring import TOLD, batches, consumer, producer, say_ready, send

_ASKED = """
insert into lean.requests (request_id, cohort_id, expected)
select request_id, cohort_id, $3 from unnest($1::text[], $2::text[]) as t (request_id, cohort_id)
on conflict do nothing
"""
_ANSWERED = """
insert into lean.answers (request_id, system)
select request_id, system from unnest($1::text[], $2::integer[]) as t (request_id, system)
on conflict do nothing
"""
_CLOSE = """
update lean.requests as r set closed_at = now()
 where r.request_id = any($1::text[]) and r.closed_at is null
   and r.expected = (select count(*) from lean.answers a where a.request_id = r.request_id)
returning r.cohort_id
"""


async def main() -> None:
    ledger = await asyncpg.connect(TOLD["database"])
    out = await producer(linger_ms=2)
    source = await consumer("lean.obligations", "lean.acknowledgements")
    open_members: dict[str, int] = {}
    say_ready()
    async for messages in batches(source, limit=3000, wait_ms=100):
        asked: list[tuple[str, str]] = []
        answered: list[tuple[str, int]] = []
        for one in messages:
            value = json.loads(one.value)
            if one.topic == "lean.obligations":
                cohort = one.key.decode()
                open_members.setdefault(cohort, len(value))
                asked += [(member, cohort) for member in value]
            else:
                answered += [(member, value["system"]) for member in value["members"]]
        async with ledger.transaction():
            if asked:
                await ledger.execute(_ASKED, *_columns(asked), TOLD["systems"])
            if answered:
                await ledger.execute(_ANSWERED, *_columns(answered))
            touched = {member for member, _ in (*asked, *answered)}
            closed = Counter(row[0] for row in await ledger.fetch(_CLOSE, list(touched)))
        for cohort, members in closed.items():
            open_members[cohort] -= members
        over = [cohort for cohort in closed if open_members[cohort] == 0]
        await send(out, [("lean.closures", cohort, {}) for cohort in over])


def _columns(rows: list[tuple[str, str]] | list[tuple[str, int]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


if __name__ == "__main__":
    asyncio.run(main())
