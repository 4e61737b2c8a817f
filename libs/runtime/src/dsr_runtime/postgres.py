"""PostgreSQL: pools that wait for the server, and migrations that run once."""

from __future__ import annotations

import asyncio
from importlib.resources import files

import asyncpg
import structlog

from dsr_runtime.backoff import Backoff

__all__ = ["TRANSIENT", "connect_pool", "migrate"]

log = structlog.get_logger(__name__)

TRANSIENT = (
    OSError,  # timeouts too
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # Where the server ends a connection between a statement and the reset that follows it.
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,  # the disk is full, or all connections are taken
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,  # it starts, goes down, or has cancelled the statement
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is being promoted
    asyncpg.TransactionRollbackError,  # a deadlock, or a transaction that could not be serialised
)
"""What asyncpg raises where the same call may succeed a little later."""


async def connect_pool(
    dsn: str, *, size: int, server_settings: dict[str, str] | None = None
) -> asyncpg.Pool[asyncpg.Record]:
    """Return a pool of connections, waiting for the server as long as it takes.

    Args:
        dsn: The database.
        size: Connections at most.
        server_settings: Settings of PostgreSQL that each connection begins with.
    """
    backoff = Backoff()
    while True:
        try:
            return await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                command_timeout=30,
                max_inactive_connection_lifetime=60,
                server_settings=server_settings,
            )
        except TRANSIENT as error:
            log.warning("postgresql is away", error=type(error).__name__)
            await backoff.wait()


async def migrate(dsn: str, *, package: str, schema: str) -> None:
    """Bring a service's schema to its newest version.

    Safe to repeat, and safe when several replicas start at once: they take turns by an advisory lock.

    Args:
        dsn: The database.
        package: The package whose `migrations` folder holds the versions.
        schema: Where Alembic keeps its own table.
    """
    # Here and not above: Alembic brings SQLAlchemy, a second of CPU that a process without a database
    # (fanout, which needs TRANSIENT only) must not pay at its start.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(files("dsr_runtime") / "alembic"))
    config.set_main_option("version_locations", str(files(package) / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["dsn"] = dsn
    config.attributes["schema"] = schema
    await asyncio.to_thread(command.upgrade, config, "head")
