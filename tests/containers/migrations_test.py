"""A migration has enough of what the chart gives its pod: every version, from an empty database."""

from __future__ import annotations

import json

import asyncpg
import pytest
import yaml

from dsr_cli.stack.roles import login_of, owner_of, statements
from support.container_loop import ContainerLoop
from support.helm import CHART

RESOURCES = yaml.safe_load((CHART / "values.yaml").read_text())["migrations"]["resources"]
DATABASE = "anew"
MOST_CPU_S = 4.0
"""Twice what was measured; by docs/scaling.md."""

MIGRATE = """
import json, pathlib, resource, runpy, sys
sys.argv = ["migrate", "migrate"]
runpy.run_module("dsr_{service}", run_name="__main__")
found = pathlib.Path("/sys/fs/cgroup")
[peak] = [*found.glob("memory.peak"), *found.glob("memory/memory.max_usage_in_bytes")]
used = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps([int(peak.read_text()), sum(one.ru_utime + one.ru_stime for one in used)]))
"""
"""Says the most that its container took, in bytes, and its CPU time."""


@pytest.mark.parametrize("service", ["intake", "verifier"])
async def test_a_migration_from_nothing_takes_what_its_pod_asks_for(
    loop: ContainerLoop, service: str
) -> None:
    await empty_database(loop)

    def dsn(login: str) -> str:
        return f"postgresql://{login}:{loop.composed.password()}@postgresql:5432/{DATABASE}"

    said = loop.composed.run(
        service, MIGRATE.format(service=service),
        {
            "DSR_POSTGRES_DSN": dsn(login_of(service)),
            "DSR_POSTGRES_MIGRATION_DSN": dsn(owner_of(service)),
        },
        memory=in_bytes(RESOURCES["limits"]["memory"]),
    )  # fmt: skip
    peak, cpu = json.loads(said.splitlines()[-1])
    assert 0 < peak < in_bytes(RESOURCES["requests"]["memory"])
    assert cpu < MOST_CPU_S
    connection = await asyncpg.connect(loop.dsn(DATABASE))
    try:
        assert await connection.fetchval(f"select version_num from {service}.alembic_version")
    finally:
        await connection.close()


def in_bytes(quantity: str) -> int:
    return int(quantity.removesuffix("Mi")) * 1024 * 1024


async def empty_database(loop: ContainerLoop) -> None:
    """Make it, with the rights that the services' logins have in their own."""
    for database, made in {
        "dsr": [f"drop database if exists {DATABASE}", f"create database {DATABASE}"],
        DATABASE: list(statements(DATABASE)),
    }.items():
        connection = await asyncpg.connect(loop.dsn(database))
        try:
            for statement in made:
                await connection.execute(statement)
        finally:
            await connection.close()
