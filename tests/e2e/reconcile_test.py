"""`dsr reconcile` on a loop that nothing has happened to, and what it refuses."""

from __future__ import annotations

from support.command import dsr
from support.loop import Loop


async def test_nothing_differs_where_nothing_was_restored(loop: Loop) -> None:
    await loop.answered(await loop.submit())
    said = await dsr(loop.stack.settings, "reconcile", "--json")
    assert said.json["differences"] == [], said.out


async def test_nothing_is_mended_while_a_service_reads(loop: Loop) -> None:
    said = await dsr(loop.stack.settings, "reconcile", "--apply", "--reason", "a try")
    assert "stop intake, fanout and the verifier first" in said.fault


async def test_mending_needs_a_reason(loop: Loop) -> None:
    said = await dsr(loop.stack.settings, "reconcile", "--apply")
    assert "--reason" in said.fault
