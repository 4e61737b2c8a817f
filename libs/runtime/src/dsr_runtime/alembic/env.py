"""Alembic's environment, one for every service: the caller passes the database and the schema."""

from __future__ import annotations

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from dsr_runtime.postgres import MIGRATION_LOCK, MIGRATION_SETTINGS


def _run(connection: Connection) -> None:
    schema = str(context.config.attributes["schema"])
    connection.execute(text(f"select pg_advisory_xact_lock({MIGRATION_LOCK})"))
    connection.execute(text(f"create schema if not exists {schema}"))
    context.configure(connection=connection, version_table_schema=schema)
    with context.begin_transaction():
        context.run_migrations()


async def _migrate() -> None:
    dsn = str(context.config.attributes["dsn"])
    # asyncpg reads the DSN itself: SQLAlchemy does not know all of its parameters, sslmode for one.
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(dsn, server_settings=MIGRATION_SETTINGS),
        poolclass=pool.NullPool,
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


asyncio.run(_migrate())
