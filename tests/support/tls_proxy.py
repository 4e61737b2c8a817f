"""TLS-terminating proxies before servers that speak none, as a load balancer would be."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Self

__all__ = ["PostgresTlsProxy", "TlsProxy"]


class TlsProxy:
    """Lets in who has a certificate of the authority, and says who came; without one, anybody."""

    def __init__(
        self, target: str, *, certificate: Path, ca_file: Path | None = None, alpn: str = "http/1.1"
    ) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca_file)
        self._context.load_cert_chain(certificate)
        if ca_file is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.set_alpn_protocols([alpn])
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self.callers: list[str] = []
        """The common names of those who were let in."""

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0, ssl=self._context)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for one in self._carrying:
            one.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            if self._context.verify_mode is ssl.CERT_REQUIRED:
                self.callers.append(_common_name(writer.get_extra_info("peercert")))
            inner_reader, inner_writer = await asyncio.open_connection(*self._target)
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        finally:
            self._carrying.discard(task)


class PostgresTlsProxy:
    """Speaks TLS as PostgreSQL does: once it is asked to, on a connection that began without."""

    def __init__(self, target: str, *, certificate: Path) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self.let_in, self.broken_off = 0, 0
        """How many callers went on once they had seen its certificate, and how many did not."""

    @property
    def port(self) -> int:
        """Where it listens, on the loopback."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for one in self._carrying:
            one.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            assert await reader.readexactly(8) == _SSL_REQUEST, "a caller asks for no TLS"
            writer.write(b"S")
            await writer.start_tls(self._context)
            first = await reader.read(65_536)
            if not first:
                raise ConnectionError
            self.let_in += 1
            inner_reader, inner_writer = await asyncio.open_connection(*self._target)
            inner_writer.write(first)
            await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        except OSError:
            self.broken_off += 1
            writer.close()
        except asyncio.CancelledError:
            writer.close()
        finally:
            self._carrying.discard(task)


_SSL_REQUEST = bytes.fromhex("00000008 04d2162f")
"""PostgreSQL's protocol 3.0, SSLRequest: its length, and the code 80877103."""


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the other end has gone
    finally:
        writer.close()


def _common_name(certificate: dict[str, tuple[tuple[tuple[str, str], ...], ...]]) -> str:
    subject = dict(pair for part in certificate["subject"] for pair in part)
    return subject["commonName"]
