"""What is missing, counted by PostgreSQL: by system, and by index alone."""

from __future__ import annotations

import asyncpg
from unit.verifier.world import World, a_new_request_id, answer, answers_of_all, batch

from dsr_verifier.adapters.debts import _OWED, PostgresDebts
from support.builders import NOW, days


async def test_a_system_owes_what_it_has_not_confirmed_of_what_is_open(
    pool: asyncpg.Pool[asyncpg.Record], world: World
) -> None:
    nothing, one_answered, closed = (a_new_request_id() for _ in range(3))
    await world.open(nothing, one_answered, closed)
    await world.record([batch(answer(one_answered, "crm"))])
    await world.record(answers_of_all(closed))
    owed = {one.system_id: one for one in await PostgresDebts(pool).owed()}
    assert {name: one.obligations for name, one in owed.items()} == {"crm": 1, "mailer": 2}
    assert {one.oldest for one in owed.values()} == {NOW}
    assert {one.due for one in owed.values()} == {NOW + days(30)}
    await world.record(answers_of_all(nothing))
    await world.record(answers_of_all(one_answered))
    assert await PostgresDebts(pool).owed() == []


async def test_what_was_closed_is_not_read(pool: asyncpg.Pool[asyncpg.Record]) -> None:
    plan = await pool.fetch(f"explain {_OWED}")
    told = "\n".join(row[0] for row in plan)
    assert "requests_open" in told
    assert "Seq Scan on requests" not in told
    assert "Seq Scan on obligations" not in told
