"""The audit log: what people change, one entry each, and where programs are told.

Values only; without personal data.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from dsr_intake.model.principals import Authentication, Principal, PrincipalKind
from dsr_wire.codec.audit import digest_of_entry

__all__ = [
    "ANNOUNCED",
    "DONE",
    "ITSELF",
    "REQUESTER",
    "AuditEntry",
    "AuditFilter",
    "act_as",
    "acting",
    "by_callback",
    "calling",
]

DONE = "done"
"""The outcome of a change that is written together with its entry."""

ANNOUNCED = "announced"
"""The outcome of a change that comes after its entry, elsewhere: it may have failed."""

_PEOPLE = (PrincipalKind.OPERATOR, PrincipalKind.PRIVACY_OFFICER)

ITSELF = Principal(
    id="intake",
    kind=PrincipalKind.SERVICE,
    scopes=frozenset(),
    authentication=Authentication.SETTINGS,
)
"""Who finds that its settings have changed, by whoever can change them."""

REQUESTER = Principal(
    id="the requester",
    kind=PrincipalKind.SERVICE,
    scopes=frozenset(),
    authentication=Authentication.ONE_TIME_CODE,
)
"""Whoever fetches a package by its link, or tries to."""


def by_callback(client_id: str) -> Principal:
    """Return an API client as who takes a package at its callback."""
    return Principal(
        id=client_id,
        kind=PrincipalKind.CLIENT,
        scopes=frozenset(),
        authentication=Authentication.CALLBACK,
    )


_calling: ContextVar[Principal | None] = ContextVar("calling", default=None)
_acting: ContextVar[Principal | None] = ContextVar("acting", default=None)


def act_as(who: Principal) -> None:
    """Have what is changed from here on, within this call, be entered as that person's.

    What programs and services do is not entered: it follows from what people decide. What opens a way
    out is, whoever it is (`calling`).
    """
    _calling.set(who)
    _acting.set(who if who.kind in _PEOPLE else None)


def acting() -> Principal | None:
    """Return the person whose call this is; none in what the service does by itself."""
    return _acting.get()


def calling() -> Principal | None:
    """Return whose call this is, a program's too; none in what the service does by itself."""
    return _calling.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A change that somebody made, or is about to make."""

    entry_id: str
    at: datetime
    principal: str
    kind: PrincipalKind
    authentication: Authentication
    action: str
    """What was done, such as `hold.place`."""

    targets: tuple[str, ...]
    """What it was done to: ids."""

    reason: str
    outcome: str

    @property
    def digest(self) -> bytes:
        """SHA-256 over the one form of the entry, which the evidence log holds."""
        return digest_of_entry(
            entry_id=self.entry_id,
            at=self.at,
            principal=self.principal,
            kind=self.kind.value,
            authentication=self.authentication.value,
            action=self.action,
            targets=self.targets,
            reason=self.reason,
            outcome=self.outcome,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted; none means all."""

    principal: str | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    before: str | None = None
    """Entries that are older than the one of this id."""
