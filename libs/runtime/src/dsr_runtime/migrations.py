"""Migrations: a service's schema is brought to its newest version by a process of its own.

Afterwards the service's login is granted what the service declares, if another login migrates.

Alembic brings SQLAlchemy: 29 MB that a service would keep for as long as it runs, and a second of CPU
that its probes would wait for.
"""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.resources import files

import asyncpg
import structlog

from dsr_core.errors import Unavailable
from dsr_runtime.backoff import Backoff
from dsr_runtime.grants import declared, settle
from dsr_runtime.postgres import (
    MIGRATION_LOCK,
    MIGRATION_SETTINGS,
    connect_pool,
    translated,
    user_of,
)
from dsr_runtime.settings import PostgresSettings

_LATER = 3
"""What the process exits with where the schema is of a later version than its own."""

__all__ = ["migrate", "migrate_alone", "migrate_at_start", "newest_version"]

log = structlog.get_logger(__name__)


def newest_version(package: str) -> str:
    """Return the version that a package's migrations lead to."""
    names = (file.name for file in files(package).joinpath("migrations").iterdir())
    return max(one[1:5] for one in names if one.startswith("v"))


async def migrate(dsn: str, *, package: str, schema: str, login: str | None = None) -> None:
    """Bring a service's schema to its newest version, waiting for the server as long as it takes.

    Safe to repeat, and safe when several replicas start at once: they take turns by an advisory lock.
    A server that goes down in the middle has undone the version that it was at.

    A schema that a later version of the service has migrated stays as it is, with what it grants: each
    version leaves the one before it able to work, so a replica of before may start anew beside it.

    Args:
        dsn: The database; handed over by a pipe, since others can read a command line.
        package: The package whose `migrations` folder holds the versions.
        schema: Where Alembic keeps its own table.
        login: Who uses the tables, and is granted what the package's `grants` declares; none where
            the one who migrates does.

    Raises:
        RuntimeError: A version cannot be carried out; the text is the last line of why.
    """
    backoff = Backoff()
    while True:
        status, said = await _in_a_process(dsn, package, schema, login or "")
        if status == os.EX_OK:
            return
        if status == _LATER:
            log.warning("the schema is of a later version, and stays", part=package)
            return
        last = (said.strip().splitlines() or ["nothing was said"])[-1]
        if status != os.EX_TEMPFAIL:
            raise RuntimeError(f"{package} cannot be migrated: {last}")
        log.warning("a migration waits", error=last)
        await backoff.wait()


async def migrate_at_start(
    settings: PostgresSettings,
    pool: asyncpg.Pool[asyncpg.Record],
    *,
    package: str,
    schema: str,
) -> None:
    """Migrate as `migrate` does, unless the settings leave that to `migrate_alone`.

    Args:
        settings: The service's.
        pool: Its connections, as the login that is granted what it needs.
        package: As in `migrate`.
        schema: As in `migrate`.
    """
    if settings.postgres_migrates:
        login = await user_of(pool)
        await migrate(settings.migration_dsn, package=package, schema=schema, login=login)


async def migrate_alone(settings: PostgresSettings, *, package: str, schema: str) -> None:
    """Migrate a service that does not run yet, as the service itself would at its start.

    Safe to repeat, and beside services of this version or the one before that run.

    Raises:
        RuntimeError: A version cannot be carried out; the text is the last line of why.
    """
    pool = await connect_pool(settings.postgres_dsn.get_secret_value(), size=1)
    try:
        login = await user_of(pool)
    finally:
        await pool.close()
    await migrate(settings.migration_dsn, package=package, schema=schema, login=login)


async def _in_a_process(dsn: str, package: str, schema: str, login: str) -> tuple[int | None, str]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "dsr_runtime.migrations",
        package,
        schema,
        login,
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await child.communicate(dsn.encode())
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode, said.decode(errors="replace")


def _upgrade(dsn: str, package: str, schema: str) -> None:
    # Here and not above: whoever only asks for a migration does without them.
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(files("dsr_runtime") / "alembic"))
    config.set_main_option("version_locations", str(files(package) / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["dsn"] = dsn
    config.attributes["schema"] = schema
    config.attributes["newest"] = newest_version(package)
    try:
        command.upgrade(config, "head")
    except DBAPIError as error:
        # SQLAlchemy wraps what asyncpg raised, twice; what that means is told by its own type.
        cause = error.orig.__cause__ if error.orig is not None else None
        raise cause or error from error


async def _settled(dsn: str, package: str, schema: str, login: str) -> bool:
    """Grant what the package declares; false where the schema is of a later version, which did."""
    connection = await asyncpg.connect(dsn, server_settings=MIGRATION_SETTINGS)
    try:
        async with connection.transaction():
            # Replicas take turns here too: two who change the same table's rights at once both fail.
            await connection.execute(f"select pg_advisory_xact_lock({MIGRATION_LOCK})")
            version = await connection.fetchval(
                f"select max(version_num) from {schema}.alembic_version"
            )
            if version > newest_version(package):
                return False
            if login:
                await settle(connection, login, declared(package))
            return True
    finally:
        await connection.close()


def _main() -> int:
    """Migrate as the arguments and standard input say.

    EX_TEMPFAIL where the same may succeed later, `_LATER` where there is nothing to do here.
    """
    package, schema, login = sys.argv[1:]
    dsn = sys.stdin.read()
    try:
        with translated():
            _upgrade(dsn, package, schema)
            is_settled = asyncio.run(_settled(dsn, package, schema, login))
    except Unavailable as error:
        sys.stderr.write(f"{error}\n")
        return os.EX_TEMPFAIL
    return os.EX_OK if is_settled else _LATER


if __name__ == "__main__":
    sys.exit(_main())
