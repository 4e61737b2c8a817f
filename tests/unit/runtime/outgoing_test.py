"""Calls to addresses that somebody else has named go nowhere that only we can reach."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from dsr_core.errors import RejectedInput, Unavailable
from dsr_runtime.http.outgoing import Address, Outgoing, check_url

LOOPBACK = (ipaddress.IPv4Network("127.0.0.0/8"),)

INSIDE = (
    "127.0.0.1",
    "0.0.0.0",  # noqa: S104 - an address to be refused
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[fec0::1]",
    "168.63.129.16",
    "192.0.0.192",
)


@dataclass
class Server:
    """An HTTP server that gives one answer, and remembers what it was sent."""

    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    port: int = 0
    heard: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heard.append(head)
        length = re.search(rb"content-length: ([1-9][0-9]*)", head.lower())
        if length:
            self.heard.append(await reader.readexactly(int(length[1])))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    one = Server()
    listening = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield one


@pytest.mark.parametrize("host", [*INSIDE, "127.1", "0x7f000001", "2130706433", "0177.0.0.1"])
def test_an_address_of_our_own_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(RejectedInput):
        check_url(f"https://{host}/hook")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https:///nothing",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://example.com/ a",
        "https://example.com/\r\nHost: other",
        "https://exämple.com/",
        "https://a..b/hook",
        "https://.example.com/hook",
        "https://" + "a" * 64 + ".example.com/hook",
        "https://" + "a." * 130 + "com/hook",
        "https://example.com:0/hook",
        "https://example.com:70000/hook",
        "https://example.com/" + "a" * 2000,
        "not a url",
        "",
    ],
)
def test_what_is_no_plain_https_url_is_refused(url: str) -> None:
    with pytest.raises(RejectedInput) as caught:
        check_url(url)
    assert (caught.value.reason, caught.value.field) == ("invalid_url", "url")


def test_a_public_host_is_taken() -> None:
    assert check_url("https://example.com:8443/a?b=c").host == "example.com"
    assert check_url("https://93.184.216.34/").host == "93.184.216.34"


@pytest.mark.parametrize("host", INSIDE)
async def test_a_name_that_leads_to_an_address_of_our_own_is_refused(host: str) -> None:
    async def resolving(_host: str, _port: int) -> Sequence[Address]:
        return [ipaddress.ip_address(one) for one in ("93.184.216.34", host.strip("[]"))]

    outgoing = Outgoing(resolving=resolving)
    with pytest.raises(RejectedInput, match="address that is not to be reached"):
        await outgoing.post("https://rebinding.example/", b"", {})
    await outgoing.close()


async def test_the_name_is_resolved_once_and_the_call_goes_to_what_was_looked_at(
    server: Server,
) -> None:
    asked = 0

    async def resolving(_host: str, _port: int) -> Sequence[Address]:
        nonlocal asked
        asked += 1
        return [ipaddress.ip_address("127.0.0.1" if asked == 1 else "10.0.0.1")]

    outgoing = Outgoing(allowed=LOOPBACK, resolving=resolving)
    said = await outgoing.post(f"http://hooks.example:{server.port}/in", b"{}", {"x-a": "b"})
    await outgoing.close()
    assert (said.status, asked) == (204, 1)
    head = server.heard[0].decode().lower()
    assert head.startswith("post /in http/1.1")
    assert f"host: hooks.example:{server.port}" in head
    assert "x-a: b" in head


async def test_a_redirect_is_not_followed(server: Server) -> None:
    server.answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
    outgoing = Outgoing(allowed=LOOPBACK)
    assert (await outgoing.post(f"http://127.0.0.1:{server.port}/", b"", {})).status == 302
    await outgoing.close()
    assert len(server.heard) == 1


async def test_an_answer_without_an_end_is_not_read_to_it(server: Server) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000
    outgoing = Outgoing(allowed=LOOPBACK)
    assert (await outgoing.post(f"http://127.0.0.1:{server.port}/", b"", {})).status == 200
    await outgoing.close()


async def test_without_tls_only_what_is_allowed_is_called() -> None:
    async def resolving(_host: str, _port: int) -> Sequence[Address]:
        return [ipaddress.ip_address("93.184.216.34")]

    outgoing = Outgoing(allowed=LOOPBACK, resolving=resolving)
    with pytest.raises(RejectedInput, match="https"):
        await outgoing.post("http://example.com/", b"", {})
    await outgoing.close()


async def test_nobody_there_is_told_as_such(unused_tcp_port: int) -> None:
    outgoing = Outgoing(allowed=LOOPBACK)
    with pytest.raises(Unavailable):
        await outgoing.post(f"http://127.0.0.1:{unused_tcp_port}/", b"", {})
    await outgoing.close()


async def test_a_long_body_is_written_a_little_at_a_time_and_its_length_is_said(
    server: Server,
) -> None:
    outgoing = Outgoing(allowed=LOOPBACK)
    content = bytes(range(256)) * 1200
    await outgoing.post(f"http://127.0.0.1:{server.port}/", content, {})
    await outgoing.close()
    head, body = server.heard
    assert b"content-length: 307200" in head.lower()
    assert b"transfer-encoding" not in head.lower()
    assert body == content
