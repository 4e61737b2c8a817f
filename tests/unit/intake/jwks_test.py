"""The keys of an identity provider: rotated while intake runs, and whatever it publishes, none is the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from dsr_core.errors import Unavailable
from dsr_intake.adapters.jwks import KeySet, KeySource
from support.provider import Provider

URL = "http://issuer.example.test"


@dataclass
class Published:
    """A provider's keys as intake holds them, and a clock that a test sets."""

    provider: Provider
    http: httpx.AsyncClient
    now: float = 0.0
    keys: KeySet = field(init=False)

    def __post_init__(self) -> None:
        source = KeySource(issuer=URL, url=None, http=self.http)
        self.keys = KeySet(source, algorithms=["EdDSA", "ES256", "RS256"], clock=lambda: self.now)

    async def has(self, key_id: str, algorithm: str = "EdDSA") -> bool:
        return await self.keys.key(key_id, algorithm) is not None


@pytest.fixture
async def published() -> AsyncIterator[Published]:
    provider = Provider(URL)
    provider.add("first")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(provider.app())) as http:
        one = Published(provider, http)
        await one.keys.refresh()
        yield one


async def test_a_new_key_is_found_by_the_first_token_that_names_it(published: Published) -> None:
    published.provider.add("second")
    published.now = 10.0
    assert await published.has("second")
    assert await published.has("first"), "both are good while the provider has both"


async def test_a_key_that_was_taken_back_is_good_until_the_keys_are_read_again(
    published: Published,
) -> None:
    published.provider.add("second")
    del published.provider.keys["first"]
    assert await published.has("first")
    await published.keys.refresh()
    assert not await published.has("first")
    assert await published.has("second")


async def test_a_key_that_is_replaced_under_its_name_is_another(published: Published) -> None:
    before = await published.keys.key("first", "EdDSA")
    published.provider.add("first")
    await published.keys.refresh()
    after = await published.keys.key("first", "EdDSA")
    assert before is not None
    assert after is not None
    assert before.key.public_bytes_raw() != after.key.public_bytes_raw()


async def test_whoever_sends_unknown_names_has_the_keys_read_every_ten_seconds_at_the_most(
    published: Published,
) -> None:
    before = published.provider.reads
    for published.now in (1.0, 9.9, 10.0, 10.1, 19.9, 20.0):
        found = await asyncio.gather(*(published.has(f"unknown-{n}") for n in range(20)))
        assert not any(found)
    assert published.provider.reads - before == 2


async def test_while_the_provider_is_away_known_keys_go_on_and_others_cannot_be_known(
    published: Published,
) -> None:
    published.provider.is_away = True
    await published.keys.refresh()
    assert await published.has("first")
    with pytest.raises(Unavailable):
        await published.has("second")


async def test_a_key_is_for_its_own_algorithm_alone(published: Published) -> None:
    published.provider.add("old", "RS256")
    await published.keys.refresh()
    assert await published.has("old", "RS256")
    for other in ("PS256", "EdDSA", "HS256", "none"):
        assert not await published.has("old", other)


async def test_a_key_that_is_not_for_signing_is_none(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    jwk = published.provider.jwk
    monkeypatch.setattr(published.provider, "jwk", lambda key_id: jwk(key_id) | {"use": "enc"})
    await published.keys.refresh()
    assert not await published.has("first")


OFF_THE_CURVE = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}


@pytest.mark.parametrize(
    "broken",
    [
        OFF_THE_CURVE,
        OFF_THE_CURVE | {"crv": "P-0"},
        {"kty": "EC", "crv": "P-256"},
        {"kty": "RSA", "n": "AQAB", "e": "AA"},
        {"kty": "RSA", "n": "\u00fc", "e": "AQAB"},
        {"kty": "RSA", "n": 7, "e": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "OKP", "crv": "Ed25519", "x": None},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": ["RSA"]},
        {},
    ],
)
async def test_a_key_that_is_none_is_passed_over_and_takes_no_other_along(
    published: Published, broken: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    jwk = published.provider.jwk
    published.provider.add("broken")
    monkeypatch.setattr(
        published.provider,
        "jwk",
        lambda key_id: broken | {"kid": key_id} if key_id == "broken" else jwk(key_id),
    )
    await published.keys.refresh()
    assert await published.has("first")
    for algorithm in ("EdDSA", "ES256", "RS256"):
        assert not await published.has("broken", algorithm)


async def test_where_the_provider_has_its_keys_is_found_each_time() -> None:
    provider = Provider(URL)
    provider.add("first")
    place = "/former"

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == place:
            return httpx.Response(200, json={"keys": [provider.jwk("first")]})
        if request.url.path.startswith("/.well-known/"):
            return httpx.Response(200, json={"issuer": URL, "jwks_uri": URL + place})
        return httpx.Response(404)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        source = KeySource(issuer=URL, url=None, http=http)
        assert len(await source.read()) == 1
        place = "/present"
        assert len(await source.read()) == 1


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b'{"keys": {}}',
        b'{"keys": [1, null]}',
        b"{" * 100_000,
        b" " * 300_000,
        b'{"issuer": "http://issuer.example.test", "jwks_uri": "http://[::1"}',
        b'{"issuer": "http://issuer.example.test", "jwks_uri": "http://a:b:c/"}',
        b'{"issuer": "http://issuer.example.test", "jwks_uri": "\\u0000"}',
        b'{"issuer": "http://other.example.test", "jwks_uri": "http://other.example.test/keys"}',
    ],
)
async def test_whatever_a_provider_answers_is_no_fault_of_intakes(document: bytes) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=document)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        source = KeySource(issuer=URL, url=None, http=http)
        keys = KeySet(source, algorithms=["EdDSA"])
        await keys.refresh()
        with pytest.raises(Unavailable):
            await keys.key("first", "EdDSA")


@pytest.mark.parametrize("host", ["127.0.0.1:99999", "a..b", "a" * 70 + ".example", ".example"])
async def test_an_address_where_nobody_can_be_is_an_absent_provider(host: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        keys = KeySet(
            KeySource(issuer=URL, url=f"http://{host}/keys", http=http), algorithms=["EdDSA"]
        )
        await keys.refresh()
        with pytest.raises(Unavailable):
            await keys.key("first", "EdDSA")
