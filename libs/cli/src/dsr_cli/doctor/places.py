"""PostgreSQL and the transparency log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping

import asyncpg
import httpx

from dsr_cli.connection import POSTGRES_DSNS
from dsr_cli.doctor.findings import Finding, fault, fine, skipped, warning
from dsr_cli.doctor.services import status, text

__all__ = ["log", "postgres"]

_TIMEOUT_S = 6.0
_CLOCKS_DIFFER_BY_S = 1.0
_CLOSED = ""
"""The version of a schema that the login may not read: an owner reads its own service's alone."""

_WITHOUT = {"3F000": None, "42P01": None, "42501": _CLOSED}
"""What a schema is at where PostgreSQL knows none, knows no table of versions in it, or shows neither."""


def postgres(
    dsn: str,
    urls: Mapping[str, str],
    *,
    part: str = "postgresql",
    variable: str = "DSR_POSTGRES_DSN",
) -> Iterator[Finding]:
    """Yield a database's version and clock, and whether each schema is at its service's version.

    Args:
        dsn: Where it is, and as whom.
        urls: The services whose schemas are in it, and where each answers.
        part: What it is called.
        variable: What names it, beside the variables that name it for every service.
    """
    try:
        version, ahead, found = asyncio.run(_asked(dsn, list(urls)))
    except (OSError, ValueError, asyncpg.PostgresError, TimeoutError) as error:
        seen = f"does not answer, or not us ({type(error).__name__})"
        yield fault(part, seen, f"see whether it runs, and {variable}")
        return
    yield fine(part, f"version {version}")
    if abs(ahead) > _CLOCKS_DIFFER_BY_S:
        todo = "have its machine keep the time (NTP)"
        yield warning(f"{part}: clock", f"{ahead:+.1f} s beside this machine's", todo)
    else:
        yield fine(f"{part}: clock", f"within {_CLOCKS_DIFFER_BY_S:g} s of this machine's")
    for service, url in urls.items():
        yield from _schema(f"{part}: schema {service}", service, url, found[service])


def _schema(part: str, service: str, url: str, at: str | None) -> Iterator[Finding]:
    if at is None:
        todo = (
            f"`dsr-{service} migrate`, or start it; {POSTGRES_DSNS[service]} where it is elsewhere"
        )
        yield fault(part, "is not there", todo)
        return
    if at == _CLOSED:
        names = f"{POSTGRES_DSNS[service]} or DSR_POSTGRES_MIGRATION_DSN"
        yield skipped(part, f"name a login that may read {service}.alembic_version in {names}")
        return
    try:
        newest = status(url)["about"].get("schema")
    except httpx.HTTPError:
        newest = None
    if newest is None:
        yield fine(part, f"at {at}; the service does not say what it needs")
    elif at < newest:
        yield fault(part, f"at {at}, and the service needs {newest}", f"`dsr-{service} migrate`")
    elif at > newest:
        # Each version leaves the one before it able to work, and no older one.
        seen = f"at {at}, of a later version than the service, which knows {newest}"
        yield warning(part, seen, "finish the upgrade; two neighbouring versions work together")
    else:
        yield fine(part, f"at {at}, as the service needs")


async def _asked(dsn: str, schemas: list[str]) -> tuple[str, float, dict[str, str | None]]:
    connection = await asyncpg.connect(dsn, timeout=_TIMEOUT_S, command_timeout=_TIMEOUT_S)
    try:
        version = await connection.fetchval("show server_version")
        before = time.time()
        now = await connection.fetchval("select extract(epoch from clock_timestamp())::float8")
        after = time.time()
        found: dict[str, str | None] = {}
        for schema in schemas:
            try:
                found[schema] = await connection.fetchval(
                    f"select max(version_num) from {schema}.alembic_version"
                )
            except asyncpg.PostgresError as error:
                if error.sqlstate not in _WITHOUT:
                    raise
                found[schema] = _WITHOUT[error.sqlstate]
    finally:
        await connection.close(timeout=_TIMEOUT_S)
    return version, max(now - after, 0.0) - max(before - now, 0.0), found


def log(url: str) -> Iterator[Finding]:
    """Yield how far the transparency log has come."""
    try:
        origin, size, *_ = text(url, "/tlog/checkpoint").splitlines()
    except httpx.HTTPStatusError as error:
        todo = "it is made with the first leaf; `dsr log check`"
        yield warning("log", f"no checkpoint ({error.response.status_code})", todo)
        return
    except httpx.HTTPError:
        return  # the verifier's own line says it
    yield fine("log", f"{origin}: {size} leaves, signed; `dsr log check` proves it")
