"""The breaker on the whole loop: no system is told of what is stopped, and all of them once it is released."""

from __future__ import annotations

from typing import Any

from support.command import dsr
from support.loop import Loop
from support.waiting import eventually


async def test_what_is_stopped_reaches_no_system_until_two_people_release_it(loop: Loop) -> None:
    # Tripped by hand: to send more than is usual would take long, and concern every other test.
    await loop.query(
        """
        insert into intake.breaker_scopes (scope, tripped_at) values ('*', now())
        on conflict (scope) do update set tripped_at = excluded.tripped_at
        """
    )
    request_id = await loop.submit(loop.person())

    async def why() -> list[dict[str, Any]]:
        async with loop.client() as client:
            found: list[dict[str, Any]] = (await client.blockers(request_id))["blockers"]
        return found

    async def waits() -> bool:
        # Some would not be told yet in any case: their turn comes after those before the breaker.
        kinds = {one["kind"] for one in await why()}
        return kinds == {"breaker_tripped", "system_waits_its_turn"}

    await eventually(waits, what="the request waits before the breaker")
    assert not await loop.query(
        f"select 1 from verifier.obligations where request_id = '{request_id}'"
    )
    settings = loop.stack.settings
    asked = ("breaker", "release", "*", "--reason", "a test")
    assert "add --yes" in (await dsr(settings, *asked)).out
    proposal = (await dsr(settings, *asked, "--apply")).out.split()[0]
    same = await dsr(settings, "breaker", "approve", proposal, "--apply")
    assert (same.code, "another person approves" in same.err) == (1, True)
    other = ("--as", "operator-2", "--apply")
    released = await dsr(settings, "breaker", "approve", proposal, *other)
    assert released.code == 0, released.err
    await loop.answered(request_id)
