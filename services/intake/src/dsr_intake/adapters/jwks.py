"""The keys of an identity provider (RFC 7517): read over HTTP, kept, and read again when due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import orjson
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from dsr_core.errors import Unavailable

__all__ = ["KeySet", "KeySource"]

log = structlog.get_logger(__name__)

_TIMEOUT_S = 5.0
_SIZE_LIMIT = 262_144
_KEYS_LIMIT = 100
_PAUSE_S = 10.0
"""At most so often are keys read since a token names one that is not known."""

_PORTS = {None, *range(1, 65_536)}
"""Of an address; none is the scheme's own."""

_SHORTEST_RSA = 2048

_ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "OKP": ("EdDSA",),
    "EC": ("ES256",),
    "RSA": ("RS256", "PS256"),
}
"""What keys of each type sign with. A shared secret (`oct`) is no key of a provider."""


class KeySource:
    """Where a provider's keys are: named outright, or found each time by its discovery document."""

    def __init__(self, *, issuer: str, url: str | None, http: httpx.AsyncClient) -> None:
        self._issuer = issuer
        self._url = url
        self._http = http

    async def read(self) -> list[Mapping[str, Any]]:
        """Return what the provider publishes.

        Raises:
            Unavailable: It does not answer, or with something else.
        """
        try:
            url = self._url or await self._discovered()
            keys = (await self._document(url)).get("keys")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(
                f"the identity provider does not answer ({type(error).__name__})"
            ) from error
        if not isinstance(keys, list) or len(keys) > _KEYS_LIMIT:
            raise Unavailable("the identity provider publishes no set of keys that can be read")
        return [one for one in keys if isinstance(one, dict)]

    async def _discovered(self) -> str:
        """Return where the keys are (OpenID Connect Discovery 1.0, section 4)."""
        path = "/.well-known/openid-configuration"
        document = await self._document(self._issuer.rstrip("/") + path)
        url = document.get("jwks_uri")
        if document.get("issuer") != self._issuer or not isinstance(url, str):
            raise Unavailable("the discovery document is not this issuer's")
        return url

    async def _document(self, url: str) -> Mapping[str, Any]:
        if httpx.URL(url).port not in _PORTS:
            raise Unavailable("the identity provider is at a port that there cannot be")
        async with self._http.stream("GET", url, timeout=_TIMEOUT_S) as response:
            response.raise_for_status()
            content = b""
            async for part in response.aiter_bytes():
                content += part
                if len(content) > _SIZE_LIMIT:
                    raise Unavailable("what the identity provider publishes is too large")
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise Unavailable("the identity provider answers without JSON") from error
        if not isinstance(document, dict):
            raise Unavailable("the identity provider answers with something else")
        return document


class KeySet:
    """The keys by their id, each with what it may sign with.

    While the provider is away those that are known go on. One that is not known has the set read
    again, at most every ten seconds, whoever sends tokens.
    """

    def __init__(
        self,
        source: KeySource,
        *,
        algorithms: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._algorithms = frozenset(algorithms)
        self._clock = clock
        self._keys: Mapping[str, Mapping[str, PyJWK]] = {}
        self._fault: Unavailable | None = None
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def key(self, key_id: str, algorithm: str) -> PyJWK | None:
        """Return a key for what it may sign with; none where the provider has none such.

        Raises:
            Unavailable: It is not known, and the provider does not answer.
        """
        if key_id not in self._keys:
            async with self._reading:
                if key_id not in self._keys and self._may_read():
                    await self.refresh()
        found = self._keys.get(key_id)
        if found is None and self._fault is not None:
            raise self._fault
        return found.get(algorithm) if found else None

    async def refresh(self) -> None:
        """Read the keys again; where that fails, those that are known stay."""
        self._read_at = self._clock()
        try:
            published = await self._source.read()
        except Unavailable as fault:
            log.warning("the identity provider's keys are read later", error=str(fault))
            self._fault = fault
            return
        self._keys = _by_id(published, self._algorithms)
        self._fault = None

    def _may_read(self) -> bool:
        return self._read_at is None or self._clock() - self._read_at >= _PAUSE_S


def _by_id(
    published: Sequence[Mapping[str, Any]], allowed: frozenset[str]
) -> dict[str, dict[str, PyJWK]]:
    found: dict[str, dict[str, PyJWK]] = {}
    for one in published:
        key_id = one.get("kid")
        if isinstance(key_id, str) and one.get("use", "sig") == "sig":
            keys = {name: key for name in _signs_with(one) & allowed if (key := _key(one, name))}
            if keys:
                found[key_id] = keys
    return found


def _signs_with(one: Mapping[str, Any]) -> frozenset[str]:
    algorithms = frozenset(_ALGORITHMS.get(str(one.get("kty")), ()))
    declared = one.get("alg")
    return algorithms if declared is None else algorithms & {str(declared)}


def _key(one: Mapping[str, Any], algorithm: str) -> PyJWK | None:
    try:
        key = PyJWK(dict(one), algorithm)
    except PyJWTError:
        return None
    return key if getattr(key.key, "key_size", _SHORTEST_RSA) >= _least(algorithm) else None


def _least(algorithm: str) -> int:
    return _SHORTEST_RSA if algorithm in _ALGORITHMS["RSA"] else 0
