"""Calls to addresses that somebody else has named: none to where only we can reach.

The name is resolved once, each of its addresses is looked at, and the call goes to one that was looked
at: a name that answers differently a moment later changes nothing. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from dsr_core.errors import RejectedInput, Unavailable

__all__ = ["Address", "Network", "Outgoing", "Resolve", "Said", "check_url", "resolve"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Gives the addresses of a host."""

_READ_LIMIT = 64 * 1024
"""Bytes of an answer that are read; nothing in them is used."""

_TIMEOUT = httpx.Timeout(10, connect=5)
_SLICE_BYTES = 64 * 1024
"""So much is written at once: the time for writing is for each of these, and not for all."""

_LONGEST_URL = 2000
_LONGEST_NAME, _LONGEST_LABEL = 253, 63
"""Octets of a host name and of each of its labels (RFC 1035, section 2.3.4)."""

_PORTS = range(1, 65536)

# What is not private by IANA's tables, and yet answers inside a cloud or a site alone: Azure's host, the
# metadata of Oracle's cloud, and the site-local addresses of before RFC 3879.
_INSIDE: tuple[Network, ...] = (
    ipaddress.IPv4Network("168.63.129.16/32"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv6Network("fec0::/10"),
)

# Addresses inside which another one is written, and from which bit on: RFC 6052, RFC 3056, RFC 4291, RFC 2765.
_CARRIERS = (
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    (ipaddress.IPv6Network("64:ff9b:1::/48"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
)


@dataclass(frozen=True, slots=True)
class Said:
    """What was answered."""

    status: int
    retry_after: str | None = None


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a host, as the machine resolves them.

    Raises:
        Unavailable: There are none.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # of a name that IDNA cannot encode
        raise _refused("names a host that can be") from error
    except OSError as error:
        raise Unavailable("the host has no address") from error
    return list(dict.fromkeys(ipaddress.ip_address(info[4][0]) for info in found))


def check_url(url: str, *, allowed: Sequence[Network] = ()) -> httpx.URL:
    """Return a URL that may be called, as far as it says itself.

    Args:
        url: The URL.
        allowed: Networks that may be reached though they are our own; only to these without TLS.

    Raises:
        RejectedInput: It is none, or names an address that is not to be reached.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise _refused("is not a URL") from error
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise _refused(f"has at most {_LONGEST_URL} characters of ASCII, and no space")
    if parsed.scheme not in ({"https", "http"} if allowed else {"https"}) or not parsed.host:
        raise _refused("begins with https:// and names a host")
    if not _is_name(parsed.host) or (parsed.port is not None and parsed.port not in _PORTS):
        raise _refused("names a host and a port that can be")
    if parsed.userinfo or parsed.fragment:
        raise _refused("holds neither a user nor a fragment")
    literal = _literal(parsed.host)
    if literal is not None and not _may_be_reached(literal, allowed):
        raise _refused("names an address that is not to be reached")
    return parsed


class Outgoing:
    """Calls with POST, one address a call."""

    def __init__(
        self,
        *,
        allowed: Sequence[Network] = (),
        resolving: Resolve = resolve,
        ca_file: Path | None = None,
    ) -> None:
        """Take what may be called.

        Args:
            allowed: Networks that may be reached though they are our own.
            resolving: Gives the addresses of a host.
            ca_file: Certificates to trust besides the public ones, in PEM.
        """
        self._allowed = tuple(allowed)
        self._resolving = resolving
        trusted = httpx.create_ssl_context(trust_env=False)
        if ca_file is not None:
            trusted.load_verify_locations(ca_file)
        self._http = httpx.AsyncClient(
            verify=trusted,
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            # Connections are pooled by address here, and an address may have several hosts.
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._http.aclose()

    async def post(self, url: str, content: bytes, headers: Mapping[str, str]) -> Said:
        """Return what was answered; a redirect is an answer like any other.

        Raises:
            RejectedInput: The URL is not to be called, or its host has an address that is not to be.
            Unavailable: Nothing was answered.
        """
        parsed = check_url(url, allowed=self._allowed)
        address = await self._address(parsed)
        pinned = parsed.copy_with(host=str(address))
        request = self._http.build_request(
            "POST",
            pinned,
            content=_slices(content),
            headers={
                **headers,
                "host": parsed.netloc.decode("ascii"),
                "content-length": str(len(content)),
            },
            extensions={"sni_hostname": parsed.host},
        )
        try:
            answer = await self._http.send(request, stream=True)
            try:
                await _read(answer)
            finally:
                await answer.aclose()
        except (httpx.HTTPError, OSError) as error:
            raise Unavailable(type(error).__name__) from error
        return Said(answer.status_code, answer.headers.get("retry-after"))

    async def _address(self, url: httpx.URL) -> Address:
        literal = _literal(url.host)
        port = url.port or (443 if url.scheme == "https" else 80)
        found = [literal] if literal is not None else await self._resolving(url.host, port)
        if not all(_may_be_reached(one, self._allowed) for one in found):
            raise _refused("names a host with an address that is not to be reached")
        if url.scheme == "http" and not all(_is_in(one, self._allowed) for one in found):
            raise _refused("begins with https:// and names a host")
        if not found:
            raise Unavailable("the host has no address")
        return found[0]


async def _slices(content: bytes) -> AsyncIterator[bytes]:
    for place in range(0, len(content), _SLICE_BYTES):
        yield content[place : place + _SLICE_BYTES]


async def _read(answer: httpx.Response) -> None:
    size = 0
    async for part in answer.aiter_raw():
        size += len(part)
        if size > _READ_LIMIT:
            return


def _is_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return len(host) <= _LONGEST_NAME and all(0 < len(one) <= _LONGEST_LABEL for one in labels)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    # What a resolver takes for an address as well: 127.1, 0x7f000001, 2130706433, 0177.0.0.1.
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _may_be_reached(address: Address, allowed: Sequence[Network]) -> bool:
    if _is_in(address, allowed):
        return True
    inner = _carried(address)
    return all(
        one.is_global and not one.is_multicast and not _is_in(one, _INSIDE)
        for one in (address, *inner)
    )


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == one.version and address in one for one in networks)


def _carried(address: Address) -> tuple[Address, ...]:
    """Return the IPv4 address that an IPv6 one carries within it."""
    if not isinstance(address, ipaddress.IPv6Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    return tuple(
        ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
        for network, shift in _CARRIERS
        if address in network
    )


def _refused(what: str) -> RejectedInput:
    return RejectedInput("invalid_url", f"a URL that may be called {what}", field="url")
