"""Sessions of the console: who is let in, for how long, and what ends it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_intake.application.clients import ApiClients, NewClient
from dsr_intake.application.console.sessions import LOOKING, Sessions, session_keys
from dsr_intake.model.principals import Authentication, Principal, PrincipalKind, Scope
from support.builders import NOW
from support.intake_fakes import FakeApiClients

HOUR = timedelta(hours=1)


def a_token(seconds: int) -> str:
    """A token by its form: who checks it is told what to find."""
    content = json.dumps({"exp": int(NOW.timestamp()) + seconds}).encode()
    return f"head.{base64.urlsafe_b64encode(content).decode().rstrip('=')}.signature"


@dataclass
class Rig:
    """Sessions over clients, and a clock that a test sets."""

    store: FakeApiClients = field(default_factory=FakeApiClients)
    now: datetime = NOW
    token: Principal | None = None

    def __post_init__(self) -> None:
        self.clients = ApiClients(self.store, clock=lambda: self.now)
        self.sessions = self.with_keys(b"k" * 32)

    def with_keys(self, *keys: bytes) -> Sessions:
        return Sessions(
            clients=self.clients,
            tokens=self,
            keys=session_keys(keys),
            lasts=HOUR,
            clock=lambda: self.now,
        )

    async def principal_of(self, token: str) -> Principal | None:
        """Say whom a token names, as a provider's would."""
        return self.token if token.endswith(".signature") else None

    async def key(self, kind: PrincipalKind = PrincipalKind.OPERATOR, *where: str) -> str:
        jurisdictions = where or (("DE",) if kind is PrincipalKind.OPERATOR else ())
        asked = NewClient(name="desk", kind=kind, jurisdictions=jurisdictions)
        return (await self.clients.add(asked, by=None, reason="a test")).api_key

    async def cookie(self) -> str:
        return (await self.sessions.begin(await self.key()))[0]


async def test_an_operator_s_key_begins_a_session_that_looks_and_does_nothing() -> None:
    rig = Rig()
    cookie, lasts = await rig.sessions.begin(await rig.key())
    who = await rig.sessions.whose(cookie)
    assert who is not None
    assert (who.kind, who.sight.jurisdictions, lasts) == (PrincipalKind.OPERATOR, ("DE",), HOUR)
    assert who.scopes == LOOKING


async def test_the_cookie_has_nothing_of_the_key_s_secret() -> None:
    rig = Rig()
    key = await rig.key()
    cookie, _ = await rig.sessions.begin(key)
    written = base64.urlsafe_b64decode(cookie.split(".")[0] + "==").decode()
    assert key.rsplit("_", 1)[1] not in cookie + written


@pytest.mark.parametrize("given", ["", "x", "dsr_0123456789abcdef_" + "a" * 43, "a.b.c", "é"])
async def test_what_is_no_key_begins_nothing(given: str) -> None:
    with pytest.raises(RejectedInput):
        await Rig().sessions.begin(given)


async def test_a_program_is_not_let_in() -> None:
    rig = Rig()
    with pytest.raises(RuleViolation, match="operators"):
        await rig.sessions.begin(await rig.key(PrincipalKind.CLIENT))


async def test_an_operator_who_may_not_read_is_not_let_in() -> None:
    rig = Rig()
    asked = NewClient(
        name="desk",
        kind=PrincipalKind.OPERATOR,
        scopes=frozenset({Scope.BREAKER_READ}),
        jurisdictions=("DE",),
    )
    with pytest.raises(RuleViolation, match="requests:read"):
        await rig.sessions.begin((await rig.clients.add(asked, by=None, reason="a test")).api_key)


async def test_a_session_is_over_after_its_time() -> None:
    rig = Rig()
    cookie = await rig.cookie()
    rig.now += HOUR
    assert await rig.sessions.whose(cookie) is None


async def test_a_revoked_key_ends_its_session_at_once() -> None:
    rig = Rig()
    cookie = await rig.cookie()
    [client] = await rig.clients.all()
    await rig.clients.revoke(client.client_id, reason="a test")
    assert await rig.sessions.whose(cookie) is None


async def test_a_key_that_was_rotated_away_ends_its_session_with_its_overlap() -> None:
    rig = Rig()
    cookie = await rig.cookie()
    [client] = await rig.clients.all()
    overlap = timedelta(minutes=10)
    kept = await rig.clients.stored(client.client_id)
    assert kept is not None
    await rig.clients.rotate_own(kept.principal, overlap=overlap, reason="a test")
    assert await rig.sessions.whose(cookie) is not None
    rig.now += overlap
    assert await rig.sessions.whose(cookie) is None


async def test_a_cookie_that_was_changed_or_made_by_somebody_else_is_nobodys() -> None:
    rig = Rig()
    cookie = await rig.cookie()
    written, mac = cookie.split(".")
    content = json.loads(base64.urlsafe_b64decode(written + "=="))
    later = base64.urlsafe_b64encode(json.dumps(content | {"until": 2**40}).encode()).decode()
    strange, _ = await rig.with_keys(b"x" * 32).begin(await rig.key())
    for one in (f"{later.rstrip('=')}.{mac}", f"{written}.", written, "", "....", "é.é", strange):
        assert await rig.sessions.whose(one) is None


async def test_a_former_key_s_session_goes_on_while_the_key_is_at_hand() -> None:
    rig = Rig()
    cookie = await rig.cookie()
    assert await rig.with_keys(b"n" * 32, b"k" * 32).whose(cookie) is not None


async def test_a_token_s_session_ends_with_the_token() -> None:
    rig = Rig()
    rig.token = Principal(
        id="oidc:staff-7",
        kind=PrincipalKind.OPERATOR,
        scopes=frozenset({Scope.REQUESTS_READ, Scope.REQUESTS_DECIDE}),
        authentication=Authentication.TOKEN,
        jurisdictions=("FR",),
    )
    cookie, lasts = await rig.sessions.begin(a_token(120))
    who = await rig.sessions.whose(cookie)
    assert who is not None
    assert (who.id, who.scopes) == ("oidc:staff-7", {Scope.REQUESTS_READ})
    assert (who.sight.jurisdictions, lasts) == (("FR",), timedelta(seconds=120))
    rig.now += timedelta(seconds=120)
    assert await rig.sessions.whose(cookie) is None
