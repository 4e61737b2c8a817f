"""Bearer tokens of an identity provider: good ones are let in, and every known attack is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dsr_runtime.http.app import HttpServer
from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.process import Process
from support.decisions import BASE, INTERNAL, submitted
from support.intake import Intake, VerifierDouble, bearer, running_intake
from support.provider import AUDIENCE, Provider, unsigned
from support.services import free_port
from support.submissions import a_submission


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[Provider]:
    port = free_port()
    one = Provider(f"http://127.0.0.1:{port}")
    for key_id, algorithm in (("first", "EdDSA"), ("curve", "ES256"), ("old", "RS256")):
        one.add(key_id, algorithm)
    process = Process()
    server = HttpServer(one.app(), host="127.0.0.1", port=port)
    process.spawn(server.run(), stop=server.stop)
    yield one
    process.stopping.set()
    await process.wait()


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    provider: Provider,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    folder = tmp_path_factory.mktemp("keys")
    settings = {"oidc_issuer": provider.url, "oidc_audience": AUDIENCE}
    async with running_intake(kafka, database, verifier.url, folder, **settings) as running:
        yield running


async def called(intake: Intake, token: str) -> httpx.Response:
    return await intake.http.get(BASE, headers=bearer(token))


@pytest.mark.parametrize("key_id", ["first", "curve", "old"])
async def test_a_good_token_is_let_in(intake: Intake, provider: Provider, key_id: str) -> None:
    answer = await called(intake, provider.token(key_id))
    assert answer.status_code == httpx.codes.OK, answer.text


async def test_a_token_s_client_sees_what_it_submitted(intake: Intake, provider: Provider) -> None:
    mine, other = bearer(provider.token()), bearer(provider.token(sub="shop-18"))
    one = (await intake.http.post(BASE, json=a_submission(), headers=mine)).json()
    path = f"{BASE}/{one['id']}"
    assert (await intake.http.get(path, headers=mine)).status_code == 200
    assert (await intake.http.get(path, headers=other)).status_code == 404


async def test_the_claims_say_what_an_operator_may_do_and_where(
    intake: Intake, provider: Provider
) -> None:
    german = await submitted(intake, jurisdiction="DE")
    british = await submitted(intake, jurisdiction="GB")
    claims: dict[str, Any] = {
        "sub": "staff-7",
        "dsr_role": ["staff", "operator"],
        "scope": ["requests:read", "requests:decide"],
        "dsr_jurisdictions": ["DE"],
    }
    desk = bearer(provider.token(**claims))
    path = f"{INTERNAL}/subject-requests/{{}}/refusal"
    body = {"ground": "GDPR 12(5)(b)", "reason": "the fifth this week"}
    done = await intake.http.post(path.format(german["id"]), headers=desk, json=body)
    assert done.status_code == 200, done.text
    strange = await intake.http.post(path.format(british["id"]), headers=desk, json=body)
    assert strange.status_code == 404
    row = await intake.pool.fetchrow(
        "select decided_by from intake.decisions where request_id = $1 and kind = 'refuse'",
        german["id"],
    )
    assert row["decided_by"] == "oidc:staff-7"
    nowhere = bearer(provider.token(**claims | {"dsr_jurisdictions": None}))
    assert (await intake.http.get(f"{BASE}/{german['id']}", headers=nowhere)).status_code == 404


async def test_a_token_s_scopes_are_bounded_by_its_role(intake: Intake, provider: Provider) -> None:
    wanting = provider.token(scope="requests:read clients:manage services requests:decide")
    for method, path in (
        ("POST", f"{INTERNAL}/clients"),
        ("GET", f"{INTERNAL}/cohorts/01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f"),
    ):
        answer = await intake.http.request(method, path, headers=bearer(wanting), json={})
        assert answer.status_code == 403
        assert "this needs the scope" in answer.json()["detail"]
    nothing = await called(intake, provider.token(scope=None))
    assert (nothing.status_code, "requests:read" in nothing.json()["detail"]) == (403, True)


def _with_secret(provider: Provider, secret: bytes) -> str:
    """A token that is signed as with a shared secret, which everybody can read."""
    token = unsigned({"alg": "HS256", "kid": "old", "typ": "JWT"}, provider.claims())
    signed = token.rpartition(".")[0]
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _public_pem(provider: Provider) -> bytes:
    key, _ = provider.keys["old"]
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def _of_a_stranger(provider: Provider, **header: Any) -> str:
    """A token that is signed well, with a key that the provider has not."""
    stranger = Provider(provider.url)
    stranger.add("first")
    key, _ = stranger.keys["first"]
    return stranger.token() if not header else _headed(stranger, key, header)


def _headed(provider: Provider, key: Any, header: dict[str, Any]) -> str:
    return jwt.encode(provider.claims(), key, "EdDSA", headers={"kid": "first"} | header)


def _own_jwk(provider: Provider) -> str:
    stranger = Provider(provider.url)
    stranger.add("first")
    key, _ = stranger.keys["first"]
    return _headed(stranger, key, {"jwk": stranger.jwk("first")})


def _swapped(provider: Provider) -> str:
    """Another's claims under a good signature."""
    header, _, signature = provider.token().split(".")
    claims = unsigned({}, provider.claims(sub="admin", dsr_role="privacy_officer")).split(".")[1]
    return f"{header}.{claims}.{signature}"


NOW = time.time
ATTACKS: dict[str, Callable[[Provider], str]] = {
    "none": lambda one: unsigned({"alg": "none", "kid": "first"}, one.claims()),
    "None": lambda one: unsigned({"alg": "None", "kid": "first"}, one.claims()),
    "none with a signature": lambda one: unsigned({"alg": "none"}, one.claims(), b"x" * 64),
    "HS256 with the public key as PEM": lambda one: _with_secret(one, _public_pem(one)),
    "HS256 with the public key as JWK": lambda one: _with_secret(one, orjson.dumps(one.jwk("old"))),
    "HS256 with an empty secret": lambda one: _with_secret(one, b""),
    "another algorithm than the key's": lambda one: one.token("old").replace(
        one.token("old").split(".")[0], unsigned({"alg": "PS256", "kid": "old"}, {}).split(".")[0]
    ),
    "another key's id": lambda one: unsigned(
        {"alg": "EdDSA", "kid": "curve"}, one.claims(), b"x" * 64
    ),
    "expired": lambda one: one.token(exp=int(NOW()) - 60),
    "not yet valid": lambda one: one.token(nbf=int(NOW()) + 600),
    "issued in the future": lambda one: one.token(iat=int(NOW()) + 600),
    "without an end": lambda one: one.token(exp=None),
    "without a beginning": lambda one: one.token(iat=None),
    "another audience": lambda one: one.token(aud="dsr-verifier"),
    "no audience": lambda one: one.token(aud=None),
    "another issuer": lambda one: one.token(iss="https://issuer.example.com"),
    "no issuer": lambda one: one.token(iss=None),
    "no subject": lambda one: one.token(sub=None),
    "a subject with a blank": lambda one: one.token(sub="a b"),
    "no role": lambda one: one.token(dsr_role=None),
    "two roles": lambda one: one.token(dsr_role=["client", "operator"]),
    "the role of a service": lambda one: one.token(dsr_role="service"),
    "a stranger's signature": _of_a_stranger,
    "a key of its own in the header": _own_jwk,
    "a place to fetch the key from": lambda one: _of_a_stranger(one, jku="http://127.0.0.1:1/keys"),
    "a certificate's place": lambda one: _of_a_stranger(one, x5u="http://127.0.0.1:1/chain"),
    "a critical extension": lambda one: _headed(
        one, one.keys["first"][0], {"crit": ["exp"], "exp": 1}
    ),
    "claims of another under its signature": _swapped,
    "a key id that is a path": lambda one: _of_a_stranger(one, kid="../../../../dev/null"),
    "a key id that is an address": lambda one: _of_a_stranger(one, kid="http://127.0.0.1:1/k"),
    "a key id with SQL": lambda one: _of_a_stranger(one, kid="x' or '1'='1"),
    "no key id": lambda one: unsigned({"alg": "EdDSA"}, one.claims(), b"x" * 64),
    "a key id that is none": lambda one: unsigned(
        {"alg": "EdDSA", "kid": 7}, one.claims(), b"x" * 64
    ),
    "too long": lambda one: one.token(pad="x" * 9000),
    "no signature": lambda one: one.token().rpartition(".")[0] + ".",
    "no token": lambda _one: "a.b.c",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_refused_and_not_told_why(
    intake: Intake, provider: Provider, attack: str
) -> None:
    answer = await called(intake, ATTACKS[attack](provider))
    assert answer.status_code == 401, answer.text
    known = await called(intake, "dsr_0123456789abcdef_" + "0" * 43)
    assert answer.json() == known.json()


async def test_keys_are_rotated_and_one_that_is_taken_back_is_refused(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    provider: Provider,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    provider.add("second")
    before = provider.token("second")
    folder = tmp_path_factory.mktemp("keys")
    settings = {
        "oidc_issuer": provider.url,
        "oidc_audience": AUDIENCE,
        "oidc_jwks_url": f"{provider.url}/keys",
        "oidc_algorithms": ("EdDSA",),
    }
    async with running_intake(kafka, database, verifier.url, folder, **settings) as running:
        assert (await called(running, before)).status_code == 200
        assert (await called(running, provider.token("curve"))).status_code == 401
    del provider.keys["second"]
    async with running_intake(kafka, database, verifier.url, folder, **settings) as running:
        assert (await called(running, before)).status_code == 401


async def test_while_the_provider_is_away_known_keys_go_on_and_unknown_ones_are_not_taken(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    provider: Provider,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    settings = {"oidc_issuer": provider.url, "oidc_audience": AUDIENCE}
    async with running_intake(kafka, database, verifier.url, folder, **settings) as running:
        assert (await called(running, provider.token())).status_code == 200
        provider.is_away = True
        try:
            assert (await called(running, provider.token())).status_code == 200
        finally:
            provider.is_away = False
    provider.is_away = True
    try:
        async with running_intake(kafka, database, verifier.url, folder, **settings) as running:
            answer = await called(running, provider.token())
            assert answer.status_code == 503
            assert "identity provider" in answer.json()["detail"]
            keys_still_work = await running.http.get(BASE)
            assert keys_still_work.status_code == 200
    finally:
        provider.is_away = False


async def test_a_flood_of_unknown_keys_does_not_reach_the_provider(
    intake: Intake, provider: Provider
) -> None:
    before = provider.reads
    for number in range(30):
        token = _of_a_stranger(provider, kid=f"unknown-{number}")
        assert (await called(intake, token)).status_code == 401
    assert provider.reads - before <= 1
