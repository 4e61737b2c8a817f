"""What a caller sends that two readers could take in two ways: one of them is a proxy before the service."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest
from fastapi import Request
from prometheus_client import CollectorRegistry

from dsr_runtime.health import Health
from dsr_runtime.http.app import HttpServer, new_app

SECOND = b"POST /v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer officer\r\nContent-Length: 0\r\n\r\n"
"""The request that would be hidden in another's body."""


class Door:
    """A service with one route, on a port, which keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None, bytes]] = []
        app = new_app(title="E", description="E", health=Health(), metrics=CollectorRegistry())

        @app.post("/v1/things")
        async def things(request: Request) -> dict[str, str]:
            who = request.headers.get("authorization", "")
            host = request.client.host if request.client else None
            self.calls.append((who, host, await request.body()))
            return {"scheme": request.url.scheme}

        self.server = HttpServer(app, host="127.0.0.1", port=0)
        self.port: int = self.server._socket.getsockname()[1]

    async def told(self, sent: bytes) -> bytes:
        """Send bytes as they are; return all that comes back until the connection ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(), 10)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    one = Door()
    running = asyncio.create_task(one.server.run())
    yield one
    one.server.stop()
    await running


def a_call(*headers: bytes, body: bytes = b"") -> bytes:
    head = b"\r\n".join([b"POST /v1/things HTTP/1.1", b"Host: x", *headers])
    return head + b"\r\n\r\n" + body


async def test_a_call_that_is_plain_is_taken(door: Door) -> None:
    answer = await door.told(a_call(b"Content-Length: 2", b"Connection: close", body=b"{}"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert door.calls == [("", "127.0.0.1", b"{}")]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([b"Content-Length: 5", b"Transfer-Encoding: chunked"], id="length and chunks"),
        pytest.param([b"Transfer-Encoding: chunked", b"Content-Length: 5"], id="chunks and length"),
        pytest.param([b"Content-Length: 5", b"Content-Length: 6"], id="two lengths"),
        pytest.param([b"Content-Length: +5"], id="length with a sign"),
        pytest.param([b"Content-Length: 5, 6"], id="two lengths in one"),
        pytest.param([b"Content-Length: -1"], id="length below nothing"),
        pytest.param([b"Transfer-Encoding: chunked, identity"], id="chunks not last"),
        pytest.param([b"Transfer-Encoding : chunked"], id="space before the colon"),
        pytest.param([b"Transfer-Encoding: xchunked"], id="no encoding of chunks"),
    ],
)
async def test_no_second_request_hides_in_a_body_of_doubtful_length(
    door: Door, headers: list[bytes]
) -> None:
    await door.told(a_call(*headers, body=b"0\r\n\r\n" + SECOND))
    assert [one for one in door.calls if "officer" in one[0]] == []


async def test_a_second_request_behind_a_body_of_plain_length_would_be_seen(door: Door) -> None:
    await door.told(a_call(b"Content-Length: 5", body=b"0\r\n\r\n" + SECOND))
    assert [who for who, _, _ in door.calls] == ["", "Bearer officer"]


async def test_no_header_says_where_a_caller_comes_from_or_that_the_way_is_safe(door: Door) -> None:
    answer = await door.told(
        a_call(
            b"X-Forwarded-For: 10.0.0.1",
            b"Forwarded: for=10.0.0.1;proto=https",
            b"X-Forwarded-Host: internal",
            b"Content-Length: 0",
            b"Connection: close",
        )
    )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert [host for _, host, _ in door.calls] == ["127.0.0.1"]


async def test_a_packed_body_is_not_unpacked(door: Door) -> None:
    packed = gzip.compress(b"\x00" * 10_000_000)
    length = b"Content-Length: %d" % len(packed)
    await door.told(a_call(length, b"Content-Encoding: gzip", b"Connection: close", body=packed))
    [(_, _, body)] = door.calls
    assert body == packed
    assert len(body) < 20_000
