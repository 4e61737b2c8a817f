from __future__ import annotations

from dsr_runtime.postgres import connect_pool, migrate
from support.intake import Intake


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
