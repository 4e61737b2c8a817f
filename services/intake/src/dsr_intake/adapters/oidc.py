"""Bearer tokens of an OpenID Connect provider: signed, for us, in time, and by a key that it publishes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from dsr_intake.adapters.jwks import KeySet
from dsr_intake.model.principals import (
    ALLOWED,
    EVERYWHERE,
    Authentication,
    Principal,
    PrincipalKind,
    known_scopes,
)

__all__ = ["Claims", "OidcTokens"]

_LONGEST = 8192
_REQUIRED = ("exp", "iat", "iss", "aud", "sub")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,100}")
_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Which claims say who somebody is and what they may do."""

    subject: str = "sub"
    role: str = "dsr_role"
    roles: Mapping[str, PrincipalKind] = field(
        default_factory=lambda: {
            one.value: one for one in PrincipalKind if one is not PrincipalKind.SERVICE
        }
    )
    """What each value of that claim means here."""

    scopes: str = "scope"
    jurisdictions: str = "dsr_jurisdictions"


class OidcTokens:
    """Checks tokens; the port's text says what holds."""

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str,
        algorithms: Sequence[str],
        leeway_s: float,
        claims: Claims,
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._algorithms = tuple(algorithms)
        self._leeway_s = leeway_s
        self._claims = claims

    async def principal_of(self, token: str) -> Principal | None:
        """Return whom a token names, or none.

        What the token says of where its key is (`jku`, `jwk`, `x5u`) is never followed.
        """
        named = self._named(token)
        if named is None:
            return None
        key = await self._keys.key(*named)
        if key is None:
            return None
        try:
            content = jwt.decode(
                token,
                key,
                algorithms=[named[1]],
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway_s,
                options={"require": list(_REQUIRED), "strict_aud": False},
            )
        except jwt.PyJWTError:
            return None
        return self._principal(content)

    def _named(self, token: str) -> tuple[str, str] | None:
        """Return the key and the algorithm that a token names, if this provider may use them."""
        if len(token) > _LONGEST:
            return None
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            return None
        key_id, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(key_id, str) or algorithm not in self._algorithms or "crit" in header:
            return None
        return key_id, algorithm

    def _principal(self, content: Mapping[str, Any]) -> Principal | None:
        claims = self._claims
        subject = content.get(claims.subject)
        kind = self._kind(_texts(content.get(claims.role)))
        if not isinstance(subject, str) or _SUBJECT.fullmatch(subject) is None or kind is None:
            return None
        return Principal(
            id=f"oidc:{subject}",
            kind=kind,
            scopes=known_scopes(_texts(content.get(claims.scopes))) & ALLOWED[kind],
            authentication=Authentication.TOKEN,
            jurisdictions=self._jurisdictions(kind, content),
        )

    def _kind(self, named: Sequence[str]) -> PrincipalKind | None:
        """Return what a token says that somebody is, if that is one thing."""
        kinds = {self._claims.roles[one] for one in named if one in self._claims.roles}
        return kinds.pop() if len(kinds) == 1 else None

    def _jurisdictions(self, kind: PrincipalKind, content: Mapping[str, Any]) -> tuple[str, ...]:
        if kind is not PrincipalKind.OPERATOR:
            return ()
        named = _texts(content.get(self._claims.jurisdictions))
        return tuple(one for one in named if one == EVERYWHERE or _JURISDICTION.fullmatch(one))


def _texts(claim: object) -> list[str]:
    """Return a claim's words: a text with spaces between them (RFC 8693), or a list."""
    if isinstance(claim, str):
        return claim.split()
    return [one for one in claim if isinstance(one, str)] if isinstance(claim, list) else []
