"""Alembic's environment, one for every service: the caller passes the database and the schema."""

from __future__ import annotations

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import Connection, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from dsr_runtime.postgres import MIGRATION_LOCK, MIGRATION_PATIENCE, MIGRATION_SETTINGS


def _run(connection: Connection) -> None:
    schema = str(context.config.attributes["schema"])
    # Of the session, since each version has a transaction of its own: what runs meanwhile is held up
    # by the tables of one version at a time.
    connection.execute(text(f"select pg_advisory_lock({MIGRATION_LOCK})"))
    connection.execute(text(f"set lock_timeout = '{MIGRATION_PATIENCE}'"))
    # Asked under the lock: a later version of the service may have migrated just now.
    if _version(connection, schema) > str(context.config.attributes["newest"]):
        return
    connection.execute(text(f"create schema if not exists {schema}"))
    connection.commit()
    context.configure(
        connection=connection, version_table_schema=schema, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


def _version(connection: Connection, schema: str) -> str:
    name = f"{schema}.alembic_version"
    if connection.scalar(text("select to_regclass(:name)::text"), {"name": name}) is None:
        return ""
    newest = text(f"select max(version_num) from {schema}.alembic_version")
    found: str | None = connection.scalar(newest)
    return found or ""


async def _migrate() -> None:
    dsn = str(context.config.attributes["dsn"])
    # asyncpg reads the DSN itself: SQLAlchemy does not know all of its parameters, sslmode for one.
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(dsn, server_settings=MIGRATION_SETTINGS),
        poolclass=pool.NullPool,
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run)
    finally:
        await engine.dispose()


asyncio.run(_migrate())
