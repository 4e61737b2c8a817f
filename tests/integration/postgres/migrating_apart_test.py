"""Migrations by a pod of their own: the services then have no login that could change a table's form."""

from __future__ import annotations

import os
import subprocess
import sys

import asyncpg
import pytest

from dsr_cli.stack import Stack
from dsr_cli.stack.roles import SCHEMAS, login_of, owner_of
from support.parts import as_user, fresh_database


def migrated(service: str, database: str) -> subprocess.CompletedProcess[str]:
    environment = {name: one for name, one in os.environ.items() if not name.startswith("DSR_")}
    environment["DSR_POSTGRES_DSN"] = as_user(database, login_of(service))
    environment["DSR_POSTGRES_MIGRATION_DSN"] = as_user(database, owner_of(service))
    return subprocess.run(
        [sys.executable, "-m", f"dsr_{service}", "migrate"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("service", SCHEMAS)
async def test_the_command_makes_the_schema_and_may_be_repeated(stack: Stack, service: str) -> None:
    with fresh_database(stack) as database:
        for _ in range(2):
            done = migrated(service, database)
            assert done.returncode == 0, done.stderr
        connection = await asyncpg.connect(as_user(database, login_of(service)))
        try:
            assert await connection.fetchval(f"select count(*) from {service}.outbox") == 0
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(f"create table {service}.mine (one integer)")
        finally:
            await connection.close()


@pytest.mark.parametrize("service", SCHEMAS)
async def test_a_service_of_before_leaves_a_later_schema_as_it_is(
    stack: Stack, service: str
) -> None:
    with fresh_database(stack) as database:
        assert migrated(service, database).returncode == 0
        connection = await asyncpg.connect(as_user(database, owner_of(service)))
        try:
            # What a later version of the service has done: it needs to read more.
            await connection.execute(f"update {service}.alembic_version set version_num = '9999'")
            await connection.execute(f"grant truncate on {service}.outbox to {login_of(service)}")
            done = migrated(service, database)
            assert done.returncode == 0, done.stderr
            assert "later version" in done.stderr + done.stdout
            may = "select has_table_privilege($1, $2, 'truncate')"
            assert await connection.fetchval(may, login_of(service), f"{service}.outbox")
            version = f"select version_num from {service}.alembic_version"
            assert await connection.fetchval(version) == "9999"
        finally:
            await connection.close()


def test_a_command_without_a_database_says_what_is_missing() -> None:
    environment = {name: one for name, one in os.environ.items() if not name.startswith("DSR_")}
    done = subprocess.run(
        [sys.executable, "-m", "dsr_intake", "migrate"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 78
    assert "DSR_POSTGRES_DSN" in done.stderr
