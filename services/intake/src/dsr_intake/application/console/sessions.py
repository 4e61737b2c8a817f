"""Sessions of the console: a key or a token is traded for a cookie that lets its bearer look, and no more.

Nothing of a session is kept. A cookie says whose it is and until when, under a keyed hash that takes in
the hash of the key's own secret: a key that is revoked, rotated away or over ends its sessions with it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_intake.application.clients import ApiClients, secret_hash
from dsr_intake.application.clock import Clock
from dsr_intake.model.principals import (
    Authentication,
    Principal,
    PrincipalKind,
    Scope,
    known_scopes,
)
from dsr_intake.ports import Tokens

__all__ = ["LOOKING", "Sessions", "session_keys"]

LOOKING = frozenset({Scope.REQUESTS_READ, Scope.BREAKER_READ})
"""What a session can do at most: nothing that changes anything."""

_PEOPLE = (PrincipalKind.OPERATOR, PrincipalKind.PRIVACY_OFFICER)
_LONGEST = 4096


def session_keys(keys: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return the keys of sessions, derived from keys that no other service has."""
    return tuple(hmac.digest(one, b"console-session", "sha256") for one in keys)


class Sessions:
    """Begins sessions, and tells whose they are."""

    def __init__(
        self,
        *,
        clients: ApiClients,
        tokens: Tokens | None,
        keys: Sequence[bytes],
        lasts: timedelta,
        clock: Clock,
    ) -> None:
        self._clients = clients
        self._tokens = tokens
        self._keys = tuple(keys)
        self._lasts = lasts
        self._clock = clock

    async def begin(self, given: str) -> tuple[str, timedelta]:
        """Trade an API key or a token for a session: the cookie, and for how long it is good.

        Raises:
            RejectedInput: It is neither, or not good.
            RuleViolation: Whoever has it is no operator and no privacy officer, or may not read.
            Unavailable: Who it is cannot be found out now.
        """
        now = self._clock()
        until = now + self._lasts
        if self._tokens is not None and given.count(".") == 2:
            who = _let_in(await self._tokens.principal_of(given))
            until = min(until, _end_of(given, until))
            content, bound = _described(who), b""
        else:
            who = _let_in(await self._clients.principal_of(given))
            content, bound = {"key": who.id}, secret_hash(given)
        written = _encoded(json.dumps(content | {"until": int(until.timestamp())}).encode())
        cookie = f"{written}.{_encoded(_mac(self._keys[0], written, bound))}"
        return cookie, max(until - now, timedelta())

    async def whose(self, cookie: str) -> Principal | None:
        """Return whose session it is; none where it is none, is over, or its key is.

        Raises:
            Unavailable: The store is away.
        """
        written, _, mac = cookie[:_LONGEST].partition(".")
        content, given = _decoded(written), _bytes_of(mac)
        if content is None or given is None or content["until"] <= self._clock().timestamp():
            return None
        if "key" not in content:
            return _principal(content) if self._is_ours(given, written, b"") else None
        stored = await self._clients.stored(content["key"])
        if stored is None or not any(
            self._is_ours(given, written, secret) for secret, _ in stored.secrets
        ):
            return None
        return _looking(stored.principal)

    def _is_ours(self, mac: bytes, written: str, bound: bytes) -> bool:
        return any(hmac.compare_digest(mac, _mac(key, written, bound)) for key in self._keys)


def _let_in(who: Principal | None) -> Principal:
    if who is None:
        raise RejectedInput("unknown_credential", "this is no key and no token that is good here")
    if who.kind not in _PEOPLE:
        raise RuleViolation("not_for_programs", "the console is for operators and privacy officers")
    if Scope.REQUESTS_READ not in who.scopes:
        raise RuleViolation("scope_missing", f"this needs the scope {Scope.REQUESTS_READ}")
    return who


def _looking(who: Principal) -> Principal:
    """Return a principal who can look, and do nothing."""
    return Principal(
        id=who.id,
        kind=who.kind,
        scopes=who.scopes & LOOKING,
        authentication=who.authentication,
        jurisdictions=who.jurisdictions,
        limits=who.limits,
    )


def _described(who: Principal) -> dict[str, Any]:
    return {
        "id": who.id,
        "kind": who.kind.value,
        "scopes": sorted(who.scopes & LOOKING),
        "jurisdictions": list(who.jurisdictions),
    }


def _principal(content: dict[str, Any]) -> Principal:
    return Principal(
        id=content["id"],
        kind=PrincipalKind(content["kind"]),
        scopes=known_scopes(content["scopes"]) & LOOKING,
        authentication=Authentication.TOKEN,
        jurisdictions=tuple(content["jurisdictions"]),
    )


def _end_of(token: str, latest: datetime) -> datetime:
    """Return when a token ends whose signature was found good."""
    content = _decoded(token.split(".")[1], "exp")
    return latest if content is None else datetime.fromtimestamp(content["exp"], UTC)


def _mac(key: bytes, written: str, bound: bytes) -> bytes:
    return hmac.digest(key, written.encode() + b"." + bound, "sha256")


def _encoded(given: bytes) -> str:
    return base64.urlsafe_b64encode(given).decode().rstrip("=")


def _bytes_of(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def _decoded(text: str, end: str = "until") -> dict[str, Any] | None:
    """Return what was written, if it is of the form that is written here: believed by its hash alone."""
    try:
        content = json.loads(_bytes_of(text) or b"")
    except ValueError:
        return None
    is_ours = isinstance(content, dict) and isinstance(content.get(end), int | float)
    return content if is_ours and isinstance(content.get("key", ""), str) else None
