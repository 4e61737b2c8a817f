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


async def test_a_database_without_a_service_s_schema_is_said_with_what_names_another(
    loop: Loop,
) -> None:
    elsewhere = {
        "DSR_POSTGRES_DSN": loop.stack.postgres_dsn(),
        "DSR_VERIFIER_POSTGRES_DSN": loop.stack.postgres_dsn("postgres"),
    }
    said = await dsr(loop.stack.settings, "reconcile", variables=elsewhere)
    assert "there is no schema verifier" in said.fault
    assert "DSR_VERIFIER_POSTGRES_DSN" in said.fault


async def test_a_database_that_is_away_is_said_with_what_names_it(loop: Loop) -> None:
    away = {
        "DSR_POSTGRES_DSN": loop.stack.postgres_dsn(),
        "DSR_INTAKE_POSTGRES_DSN": "postgresql://dsr:secret@127.0.0.1:9/dsr",
    }
    said = await dsr(loop.stack.settings, "reconcile", variables=away)
    assert "PostgreSQL of intake" in said.fault
    assert "DSR_INTAKE_POSTGRES_DSN" in said.fault
    assert "secret" not in said.fault
