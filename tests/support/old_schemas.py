"""Databases as an earlier version left them: at a revision of its schema, and filled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config

from dsr_runtime.migrations import newest_version
from support.parts import make_logins

__all__ = ["filled"]


async def filled(
    dsn: str, *, package: str, schema: str, revision: str, rows: Path, values: Mapping[str, str]
) -> None:
    """Bring an empty database to a revision, and write the rows of a file into it.

    The super user does both, as before services had logins of their own; those take it over at the end.

    Args:
        dsn: The database.
        package: The package whose migrations they are.
        schema: Where Alembic keeps its own table.
        revision: The version before the one that rows are to be taken over by.
        rows: SQL; `{name}` stands for a value.
        values: What differs from one group to another.
    """
    await asyncio.to_thread(_to, dsn, package, schema, revision)
    text = await asyncio.to_thread(rows.read_text)
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(text)
    finally:
        await connection.close()
    await asyncio.to_thread(make_logins, dsn)


def _to(dsn: str, package: str, schema: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("dsr_runtime") / "alembic"))
    config.set_main_option("version_locations", str(files(package) / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["dsn"] = dsn
    config.attributes["schema"] = schema
    config.attributes["newest"] = newest_version(package)
    command.upgrade(config, revision)
