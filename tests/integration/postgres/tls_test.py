"""PostgreSQL behind TLS: with verify-full nothing is said to a server that does not prove who it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from structlog.testing import capture_logs

from dsr_cli.stack.certificates import CertificateFolder, ensure_server
from dsr_runtime.postgres import connect_pool
from support.tls_proxy import PostgresTlsProxy
from support.waiting import eventually


@pytest.fixture
def place(tmp_path: Path) -> CertificateFolder:
    return CertificateFolder(tmp_path / "ours")


@asynccontextmanager
async def served(
    database: str, place: CertificateFolder, host: str = "127.0.0.1"
) -> AsyncIterator[PostgresTlsProxy]:
    """Have a server say that it is a host, by a certificate of an authority."""
    certificate = ensure_server(place, "postgresql", host, now=datetime.now(UTC))
    target = f"127.0.0.1:{urlsplit(database).port}"
    async with PostgresTlsProxy(target, certificate=certificate) as running:
        yield running


def by_tls(database: str, port: int, ca_file: Path) -> str:
    server = urlsplit(database)
    return urlunsplit(
        server._replace(
            netloc=f"{server.username}:{server.password}@127.0.0.1:{port}",
            query=f"sslmode=verify-full&sslrootcert={ca_file}",
        )
    )


async def test_a_server_that_proves_who_it_is_is_spoken_to(
    database: str, place: CertificateFolder
) -> None:
    async with served(database, place) as proxy:
        pool = await connect_pool(by_tls(database, proxy.port, place.ca_file), size=2)
        assert await pool.fetchval("select 2") == 2
        await pool.close()
    assert proxy.let_in > 0
    assert proxy.broken_off == 0


@pytest.mark.parametrize("wrong", ["authority", "name"])
async def test_one_that_does_not_is_told_nothing_and_waited_for(
    database: str, place: CertificateFolder, tmp_path: Path, wrong: str
) -> None:
    trusted, host = place, "127.0.0.9"
    if wrong == "authority":
        trusted, host = CertificateFolder(tmp_path / "others"), "127.0.0.1"
        ensure_server(trusted, "postgresql", host, now=datetime.now(UTC))
    async with served(database, place, host) as proxy:
        with capture_logs() as logs:
            dsn = by_tls(database, proxy.port, trusted.ca_file)
            connecting = asyncio.create_task(connect_pool(dsn, size=1))
            await eventually(lambda: proxy.broken_off, what="a connection that is broken off")
            await eventually(lambda: logs, what="a word about it")
            assert not connecting.done()
            connecting.cancel()
            with suppress(asyncio.CancelledError):
                await connecting
    assert proxy.let_in == 0, "neither a name nor a password was said"
    assert "SSLCertVerificationError" in str(logs[0])


async def test_one_that_speaks_no_tls_is_told_nothing(
    database: str, place: CertificateFolder
) -> None:
    ensure_server(place, "postgresql", "127.0.0.1", now=datetime.now(UTC))
    server = urlsplit(database)
    dsn = urlunsplit(server._replace(query=f"sslmode=verify-full&sslrootcert={place.ca_file}"))
    with pytest.raises((asyncpg.PostgresError, ConnectionError), match="SSL"):
        await asyncpg.connect(dsn)
