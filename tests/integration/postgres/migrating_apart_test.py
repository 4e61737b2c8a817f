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


def test_a_command_without_a_database_says_what_is_missing() -> None:
    environment = {name: one for name, one in os.environ.items() if not name.startswith("DSR_")}
    done = subprocess.run(
        [sys.executable, "-m", "dsr_intake", "migrate"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 78
    assert "DSR_POSTGRES_DSN" in done.stderr
