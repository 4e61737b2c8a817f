"""A client's callback: an HTTPS server that keeps what it is sent, and answers as a test says."""

from __future__ import annotations

import base64
import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from dsr_cli.stack.certificates import CertificateFolder, ensure_server
from dsr_intake.application.webhook_calls import signature
from dsr_runtime.http.app import HttpServer
from dsr_runtime.process import Process
from support.services import free_port
from support.tls_proxy import TlsProxy

__all__ = ["Callback", "Heard", "callback", "certificates", "secret_in"]

_PART = re.compile(r"(pkg_([0-9a-f-]{36})_[0-9]+_[0-9a-f]{16})_([0-9]+)-([0-9]+)_([0-9]+)")


@dataclass(frozen=True, slots=True)
class Heard:
    """A part of a file, as it came."""

    message_id: str
    file: str
    start: int
    end: int
    """The byte after its last."""

    size: int
    """Of the whole file."""

    body: bytes
    status: int
    """What it was answered with."""


@dataclass
class Callback:
    """What a client keeps of what it is sent. Whatever is not signed as it should be is a fault of the test."""

    url: str = ""
    secret: bytes = b""
    parts: list[Heard] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)
    """What other messages said."""

    status: Callable[[Heard], int] = field(default=lambda _: 204)
    """Says what a part is answered with, by the part as it came."""

    before_it_answers: Callable[[Heard], Awaitable[object]] | None = None

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/hook")
        async def hook(request: Request) -> Response:
            body = await request.body()
            return Response(status_code=await self._take(dict(request.headers), body))

        return app

    async def _take(self, headers: dict[str, str], body: bytes) -> int:
        message_id = headers["webhook-id"]
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        assert headers["webhook-signature"] == signature(self.secret, message_id, at, body)
        part = _PART.fullmatch(message_id)
        if part is None:
            self.told.append(json.loads(body))
            return 204
        start, last, size = (int(one) for one in part.groups()[2:])
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-range"] == f"bytes {start}-{last}/{size}"
        assert headers["dsr-request-id"] == part[2]
        assert len(body) == last + 1 - start
        heard = Heard(message_id, part[1], start, last + 1, size, body, 0)
        if self.before_it_answers is not None:
            await self.before_it_answers(heard)
        status = self.status(heard)
        self.parts.append(Heard(message_id, part[1], start, last + 1, size, body, status))
        return status

    def of(self, request_id: str) -> list[Heard]:
        """Return the parts of a request's packages, in the order in which they came."""
        return [one for one in self.parts if request_id in one.file]

    def taken(self, request_id: str) -> list[int]:
        """Return where the parts of a request's packages begin that were confirmed, in their order."""
        return [one.start for one in self.of(request_id) if one.status < 300]

    def said(self, request_id: str, kind: str) -> list[dict[str, Any]]:
        """Return what was told of a request by messages of a kind."""
        return [
            one["data"]
            for one in self.told
            if one["type"] == kind and one["data"]["id"] == request_id
        ]

    def files(self, request_id: str) -> dict[str, bytes]:
        """Return the files that the confirmed parts make, each part written at its place."""
        found: dict[str, bytearray] = defaultdict(bytearray)
        for one in self.of(request_id):
            if one.status < 300:
                file = found[one.file]
                file.extend(bytes(max(one.size - len(file), 0)))
                file[one.start : one.end] = one.body
        return {name: bytes(content) for name, content in found.items()}


def certificates(folder: Path) -> tuple[Path, Path]:
    """Return a server's certificate with its key, and the authority that it is trusted by."""
    place = CertificateFolder(folder / "authority")
    return ensure_server(place, "callback", "127.0.0.1", now=datetime.now(UTC)), place.ca_file


@asynccontextmanager
async def callback(certificate: Path) -> AsyncIterator[Callback]:
    """Run one."""
    one, port, process = Callback(), free_port(), Process()
    server = HttpServer(one.app(), host="127.0.0.1", port=port)
    process.spawn(server.run(), stop=server.stop)
    async with TlsProxy(f"127.0.0.1:{port}", certificate=certificate) as proxy:
        one.url = f"https://{proxy.address}/hook"
        yield one
    process.stopping.set()
    await process.wait()


def secret_in(document: dict[str, str]) -> bytes:
    """Return the secret that a webhook was given."""
    return base64.b64decode(document["secret"].removeprefix("whsec_"))
