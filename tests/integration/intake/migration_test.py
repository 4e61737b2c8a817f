from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from dsr_cli.stack import Stack
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from support import parts
from support.intake import Intake
from support.wire import Wire


async def test_a_database_whose_dsn_has_an_sslmode_is_migrated(
    intake: Intake, database: str
) -> None:
    del intake  # it has migrated before: the versions are the newest
    dsn = database + ("&" if "?" in database else "?") + "sslmode=disable"
    await migrate(dsn, package="dsr_intake", schema="intake")


async def test_connections_begin_with_the_settings_given(database: str) -> None:
    pool = await connect_pool(database, size=1, server_settings={"application_name": "a test"})
    async with pool:
        assert await pool.fetchval("show application_name") == "a test"


@pytest.mark.parametrize("cut_by", [b"pg_advisory_lock", b"create table intake.outbox", b"COMMIT"])
async def test_a_server_that_goes_down_in_a_migration_is_waited_for(
    stack: Stack, cut_by: bytes
) -> None:
    with parts.fresh_database(stack) as dsn:
        address = urlsplit(dsn)
        assert address.hostname is not None
        assert address.port is not None
        async with Wire(address.hostname, address.port, cut_by=cut_by) as wire:
            cut = dsn.replace(f":{address.port}/", f":{wire.port}/")
            migrating = asyncio.create_task(migrate(cut, package="dsr_intake", schema="intake"))
            await asyncio.wait_for(wire.has_been_cut.wait(), 30)
            wire.mend()
            await asyncio.wait_for(migrating, 30)
        pool = await connect_pool(dsn, size=1)
        async with pool:
            assert await pool.fetchval("select count(*) from intake.subject_requests") == 0


async def test_a_version_that_cannot_be_carried_out_is_said_in_one_line(stack: Stack) -> None:
    with parts.fresh_database(stack) as dsn:
        with pytest.raises(RuntimeError) as raised:
            await migrate(dsn, package="dsr_intake", schema="no such schema")
        said = str(raised.value)
    assert said.startswith("dsr_intake cannot be migrated: ")
    assert "\n" not in said
