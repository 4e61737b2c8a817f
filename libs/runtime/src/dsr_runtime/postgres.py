"""PostgreSQL: pools that wait for the server, and what its faults mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import structlog

from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.metrics import Metric
from dsr_runtime.backoff import Backoff
from dsr_runtime.metrics import Instruments
from dsr_runtime.postgres_types import Connection
from dsr_runtime.process import StartFault

__all__ = [
    "MIGRATION_LOCK",
    "MIGRATION_PATIENCE",
    "MIGRATION_SETTINGS",
    "PoolGauges",
    "connect_pool",
    "translated",
    "user_of",
]

log = structlog.get_logger(__name__)

_PATIENCE_S = 10.0
"""A caller that waits longer for a connection is told so; those behind it would wait longer still."""

_COMMAND_S = 30

_SERVER_SETTINGS = {
    # A client that is gone cannot cancel what it began.
    "statement_timeout": f"{_COMMAND_S}s",
    "lock_timeout": "20s",
    # Longer than the relay of an outbox has a transaction open while it publishes.
    "idle_in_transaction_session_timeout": "120s",
}
"""What the connections of a pool begin with, besides what the caller asks for."""

MIGRATION_SETTINGS = {
    # For whoever migrates before it; for tables it has less patience.
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "120s",
}
"""What a migration's connection begins with. Its statements may take as long as they take."""

MIGRATION_PATIENCE = "500ms"
"""How long a migration waits for a table. Everybody behind it waits as well, so it lets go and tries again;
and before `deadlock_timeout` has passed, a second, so that of two who wait for each other it is the migration
that gives way, and not somebody's request."""

MIGRATION_LOCK = 7_305_114
"""An advisory lock of this project: replicas migrate one after another."""

_UNSTORABLE = (
    asyncpg.DataError,  # by the server, and by asyncpg where it cannot encode a value
    asyncpg.ProgramLimitExceededError,
)

_PASSING = (
    OSError,  # timeouts too
    asyncpg.PostgresConnectionError,
    # Where the server ends a connection while it is given back.
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,  # the disk is full, or all connections are taken
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,  # it starts, goes down, or has cancelled the statement
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is being promoted
    asyncpg.TransactionRollbackError,  # a deadlock, or a transaction that could not be serialised
)
"""What is raised where the same call may succeed a little later."""


@contextmanager
def translated(*passing: type[Exception]) -> Iterator[None]:
    """Raise the store's faults as this project's errors; what is left is a fault of the code.

    Every use of a pool stands within one, so that nothing above an adapter knows the store's faults.

    Args:
        passing: More that passes by itself, where the caller knows why.

    Raises:
        RejectedInput: The values cannot be stored, now or later.
        Unavailable: The store is away, or busy with what will have ended soon.
    """
    passes: tuple[type[Exception], ...] = (*_PASSING, *passing)
    try:
        yield
    except _UNSTORABLE as error:
        raise RejectedInput("unstorable", "the values cannot be stored") from error
    except passes as error:
        raise Unavailable(f"postgresql: {type(error).__name__}") from error
    except asyncpg.InterfaceError as error:
        # A connection that is closed, or a pool; what derives from it is a mistake for ever.
        if type(error) is not asyncpg.InterfaceError:
            raise
        raise Unavailable(f"postgresql: {type(error).__name__}") from error


async def _nothing_to_undo(connection: object) -> None:
    """Give a connection back as it is, without asyncpg's call to the server for each use.

    Nothing of ours changes a session: settings are made for a transaction alone, locks are those of
    a transaction, and nobody listens; `tests/architecture/sessions_test.py` holds the code to it. A
    transaction that is still open is rolled back by asyncpg before this.
    """


class _Pool(asyncpg.Pool):
    """A pool that waits a bounded time for a connection, also where asyncpg asks itself for one."""

    def __init__(self, dsn: str, *, patience_s: float, **arguments: Any) -> None:
        super().__init__(
            dsn,
            max_queries=50_000,
            loop=None,
            connection_class=Connection,
            record_class=asyncpg.Record,
            reset=_nothing_to_undo,
            **arguments,
        )
        self._patience_s = patience_s

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Return a connection once one is free; a TimeoutError says that none was in time."""
        return super().acquire(timeout=self._patience_s if timeout is None else timeout)


async def connect_pool(
    dsn: str,
    *,
    size: int,
    server_settings: dict[str, str] | None = None,
    patience_s: float = _PATIENCE_S,
) -> asyncpg.Pool[asyncpg.Record]:
    """Return a pool of connections, waiting for the server as long as it takes.

    Args:
        dsn: The database.
        size: Connections at most.
        server_settings: Settings of PostgreSQL that each connection begins with.
        patience_s: How long a caller waits for one of the connections to be free.

    Raises:
        StartFault: The address is none.
    """
    backoff = Backoff()
    while True:
        try:
            with translated():
                return await _Pool(
                    dsn,
                    patience_s=patience_s,
                    min_size=1,
                    max_size=size,
                    command_timeout=_COMMAND_S,
                    max_inactive_connection_lifetime=60,
                    server_settings={**_SERVER_SETTINGS, **(server_settings or {})},
                )
        except Unavailable as error:
            log.warning("postgresql is away", error=str(error))
            await backoff.wait()
        except asyncpg.ClientConfigurationError as error:
            raise StartFault(
                "DSR_POSTGRES_DSN is not like postgresql://user:password@host:port/name"
            ) from error


class PoolGauges:
    """What a pool shows of itself, which is looked at whenever metrics are read, and never else."""

    def __init__(self, made: Instruments, connections: Metric, waiting: Metric) -> None:
        """Show nothing but zeros yet."""
        self._connections = made.gauges(connections)
        self._waiting = made.gauge(waiting)

    def show(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        """Show this pool from now on."""
        looks = {
            "in_use": lambda: pool.get_size() - pool.get_idle_size(),
            "idle": pool.get_idle_size,
            "unopened": lambda: pool.get_max_size() - pool.get_size(),
        }
        for state, look in looks.items():
            self._connections.labels(state).set_function(look)
        untyped: Any = pool  # asyncpg has no other way to tell who waits
        self._waiting.set_function(lambda: len(untyped._queue._getters))  # noqa: SLF001 - as above


async def user_of(pool: asyncpg.Pool[asyncpg.Record]) -> str:
    """Return as whom the connections of a pool act, waiting for the server as long as it takes."""
    backoff = Backoff()
    while True:
        try:
            with translated():
                return str(await pool.fetchval("select current_user"))
        except Unavailable as error:
            log.warning("postgresql is away", error=str(error))
            await backoff.wait()
