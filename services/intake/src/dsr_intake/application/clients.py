"""API keys: whose each is, told apart by a secret that is shown once."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dsr_core.errors import RejectedInput, RuleViolation
from dsr_intake.application.clock import Clock
from dsr_intake.application.packages.age_file import checked_age_key
from dsr_intake.model.principals import (
    ALLOWED,
    GIVEN,
    ClientRow,
    Limits,
    Principal,
    PrincipalKind,
    Scope,
    StoredKey,
)
from dsr_intake.ports import ApiClientStore

__all__ = ["ApiClients", "NewClient", "NewKey", "secret_hash"]

_KEY = re.compile(r"dsr_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,100}")
_CACHED_S = 30.0
_CACHE_LIMIT = 10_000
_LONGEST_OVERLAP = timedelta(days=90)
_NOBODYS = hashlib.sha256(b"").digest()
"""What a key is compared with whose client is unknown: no secret is the empty text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """What a client is to be."""

    name: str
    kind: PrincipalKind = PrincipalKind.CLIENT
    scopes: frozenset[Scope] | None = None
    """Those of its kind, where none are named."""

    jurisdictions: tuple[str, ...] = ()
    expires_at: datetime | None = None
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that has just been made."""

    client: ClientRow
    api_key: str = field(repr=False)
    """The whole key; only the hash of its secret part is kept."""


class ApiClients:
    """Makes, knows and revokes keys.

    A key that was found good is believed for 30 seconds, so that the hot path asks no database; a
    revocation reaches other replicas in that time, and this one at once.
    """

    def __init__(self, store: ApiClientStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._good: dict[bytes, tuple[Principal, float]] = {}

    async def principal_of(self, api_key: str) -> Principal | None:
        """Return whose key it is; none where it is no key, wrong, over or revoked.

        What is not found costs the same whether or not there is such a client: one look-up, and two
        comparisons in constant time.
        """
        digest = hashlib.sha256(api_key.encode()).digest()
        known = self._good.get(digest)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        matched = _KEY.fullmatch(api_key)
        if matched is None:
            return None
        client_id, secret = matched.groups()
        stored = await self._store.stored(client_id)
        until = _good_until(stored, hashlib.sha256(secret.encode()).digest(), self._clock())
        if stored is None or until is None:
            self._good.pop(digest, None)
            return None
        if len(self._good) >= _CACHE_LIMIT:
            self._good.clear()
        self._good[digest] = (stored.principal, time.monotonic() + until)
        return stored.principal

    async def stored(self, client_id: str) -> StoredKey | None:
        """Return a client as it is kept, with those of its secrets that are good now; or none."""
        kept = await self._store.stored(client_id)
        if kept is None:
            return None
        now = self._clock()
        good = tuple(one for one in kept.secrets if one[1] is None or one[1] > now)
        return StoredKey(principal=kept.principal, secrets=good)

    async def add(self, asked: NewClient, *, by: Principal | None, reason: str) -> NewKey:
        """Make a client, and its first key.

        Args:
            asked: What it is to be.
            by: Who makes it; none where it is whoever has the database.
            reason: Why; kept in the audit log.

        Raises:
            RejectedInput: The name, the scopes, the jurisdictions or the end is none that it can have.
            RuleViolation: Who makes it may not do what it could.
        """
        now = self._clock()
        client = ClientRow(
            client_id=secrets.token_hex(8),
            name=_name(asked.name),
            kind=asked.kind,
            scopes=_scopes(asked),
            jurisdictions=_jurisdictions(asked),
            limits=asked.limits,
            created_at=now,
            expires_at=_end(asked.expires_at, now),
        )
        _check_grant(client, by)
        secret, hashed = _new_secret()
        await self._store.add(client, hashed, reason=reason)
        return NewKey(client, f"dsr_{client.client_id}_{secret}")

    async def rotate(
        self,
        client_id: str,
        *,
        overlap: timedelta,
        expires_at: datetime | None,
        reason: str,
    ) -> NewKey | None:
        """Give a program another key, while the one before it runs out; none where there is no such.

        Raises:
            RejectedInput: The overlap is longer than 90 days, or the end is over.
            RuleViolation: It is a person's: with a key in their name somebody else would be them.
        """
        kept = await self._store.stored(client_id)
        if kept is not None and kept.principal.kind is not PrincipalKind.CLIENT:
            detail = (
                "a person makes the next key of their own alone, since two people are told apart by"
                " theirs; one that is lost is revoked, and its owner made anew"
            )
            raise RuleViolation("key_of_a_person", detail)
        return await self._another(client_id, overlap, _end(expires_at, self._clock()), reason)

    async def rotate_own(self, by: Principal, *, overlap: timedelta, reason: str) -> NewKey | None:
        """Give a person another key of their own; none where they have none.

        It can do what the former one could, for as long as that could.

        Raises:
            RejectedInput: The overlap is longer than 90 days.
            RuleViolation: It is a program's.
        """
        if by.kind is PrincipalKind.CLIENT:
            detail = "a privacy officer rotates the keys of programs"
            raise RuleViolation("key_of_a_program", detail)
        kept = await self._store.stored(by.id)
        if kept is None:
            return None
        return await self._another(by.id, overlap, kept.secrets[0][1], reason)

    async def receive(
        self, client_id: str, recipient: str | None, *, reason: str
    ) -> ClientRow | None:
        """Allow a program to have packages at its callback, encrypted to a key of age; or none any more.

        What is on its way to it begins anew for another key, and ends where it may have none. None where
        there is no such program.

        Raises:
            RejectedInput: It is no public key of age.
        """
        key = None if recipient is None else checked_age_key(recipient, field="recipient")
        return await self._store.receive(client_id, key, reason=reason)

    async def _another(
        self, client_id: str, overlap: timedelta, expires_at: datetime | None, reason: str
    ) -> NewKey | None:
        """Make another key; one that was running out before ends now: two are good at the most."""
        if not timedelta() <= overlap <= _LONGEST_OVERLAP:
            raise RejectedInput("invalid_overlap", "0 seconds to 90 days", field="overlap_s")
        secret, hashed = _new_secret()
        client = await self._store.rotate(
            client_id,
            hashed,
            expires_at=expires_at,
            former_until=self._clock() + overlap,
            reason=reason,
        )
        self._forget(client_id)
        return NewKey(client, f"dsr_{client_id}_{secret}") if client else None

    async def all(self) -> Sequence[ClientRow]:
        """Return every client, the oldest first."""
        return await self._store.all()

    async def revoke(self, client_id: str, *, reason: str) -> bool:
        """Revoke a client; false where there is none. Safe to repeat."""
        found = await self._store.revoke(client_id, at=self._clock(), reason=reason)
        self._forget(client_id)
        return found

    def _forget(self, client_id: str) -> None:
        self._good = {
            digest: known for digest, known in self._good.items() if known[0].id != client_id
        }


def secret_hash(api_key: str) -> bytes:
    """Return what is kept of a key's secret part."""
    matched = _KEY.fullmatch(api_key)
    return hashlib.sha256(matched.group(2).encode()).digest() if matched else _NOBODYS


def _new_secret() -> tuple[str, bytes]:
    secret = secrets.token_urlsafe(32)
    return secret, hashlib.sha256(secret.encode()).digest()


def _good_until(stored: StoredKey | None, given: bytes, now: datetime) -> float | None:
    """Return for how many seconds a secret is believed, or none where it is not good."""
    kept = stored.secrets if stored else ()
    found: float | None = None
    for expected, until in (*kept, (_NOBODYS, None), (_NOBODYS, None))[:2]:
        is_same = hmac.compare_digest(expected, given)
        left = _CACHED_S if until is None else min(_CACHED_S, (until - now).total_seconds())
        if is_same and left > 0 and stored is not None:
            found = left
    return found


def _name(given: str) -> str:
    name = given.strip()
    if _NAME.fullmatch(name) is None:
        detail = "1 to 100 characters, none of them a control character"
        raise RejectedInput("invalid_name", detail, field="name")
    return name


def _scopes(asked: NewClient) -> frozenset[Scope]:
    scopes = GIVEN[asked.kind] if asked.scopes is None else asked.scopes
    beyond = scopes - ALLOWED[asked.kind]
    if beyond or not scopes:
        can = ", ".join(sorted(ALLOWED[asked.kind]))
        detail = f"a principal of the kind {asked.kind} has some of {can}"
        raise RejectedInput("invalid_scopes", detail, field="scopes")
    return scopes


def _jurisdictions(asked: NewClient) -> tuple[str, ...]:
    has_some, needs_some = bool(asked.jurisdictions), asked.kind is PrincipalKind.OPERATOR
    if has_some != needs_some:
        detail = "an operator has jurisdictions, or * for all, and nobody else has any"
        raise RejectedInput("invalid_jurisdictions", detail, field="jurisdictions")
    return tuple(sorted(set(asked.jurisdictions)))


def _end(expires_at: datetime | None, now: datetime) -> datetime | None:
    if expires_at is not None and expires_at <= now:
        raise RejectedInput("invalid_end", "a key ends later than now", field="expires_at")
    return expires_at


def _check_grant(client: ClientRow, by: Principal | None) -> None:
    """Return where whoever makes a client could do all that it can: clients alone can do other things."""
    if by is None or client.kind is PrincipalKind.CLIENT:
        return
    beyond = client.scopes - by.scopes
    if beyond:
        detail = f"nobody gives what they do not have: {', '.join(sorted(beyond))}"
        raise RuleViolation("scope_not_held", detail)
