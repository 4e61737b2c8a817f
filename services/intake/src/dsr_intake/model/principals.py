"""Who calls: principals, what each may do, and which requests each sees. Values only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = [
    "ALLOWED",
    "EVERYWHERE",
    "GIVEN",
    "Authentication",
    "ClientRow",
    "Limits",
    "Principal",
    "PrincipalKind",
    "Scope",
    "Sight",
    "StoredKey",
    "known_scopes",
]

EVERYWHERE = "*"
"""Stands for every jurisdiction."""


class PrincipalKind(StrEnum):
    """What somebody is to this service."""

    CLIENT = "client"
    """A program that submits requests, and sees those."""

    OPERATOR = "operator"
    """A person who decides about the requests of some jurisdictions."""

    PRIVACY_OFFICER = "privacy_officer"
    """A person who sees and decides everything, and says who may come in."""

    SERVICE = "service"
    """Another service of this program."""


class Authentication(StrEnum):
    """How somebody showed who they are."""

    API_KEY = "api_key"
    TOKEN = "token"  # noqa: S105 - the name of a way, not a token
    INTERNAL_TOKEN = "internal_token"  # noqa: S105 - as above
    ONE_TIME_CODE = "one_time_code"
    """By a code that was mailed to the address of a request."""

    CALLBACK = "callback"
    """By answering at the address that its webhook names."""

    DATABASE = "database"
    """By having the database itself."""

    SETTINGS = "settings"
    """By having the settings of this service, and its files."""


class Scope(StrEnum):
    """One thing that may be done; each route declares the one that it needs."""

    REQUESTS_SUBMIT = "requests:submit"
    REQUESTS_READ = "requests:read"
    REQUESTS_WITHDRAW = "requests:withdraw"
    REQUESTS_IDENTIFY = "requests:identify"
    """Have a code mailed, and prove by it who asks."""

    SUPPRESSIONS_CHECK = "suppressions:check"
    """Ask whether rows are on the suppression list."""

    SUPPRESSIONS_LIFT = "suppressions:lift"
    """Take off the list who proves to want it."""

    SUPPRESSIONS_READ = "suppressions:read"
    """See how long the list is."""

    WEBHOOKS_MANAGE = "webhooks:manage"
    """Say where one's program is told how its requests go on."""

    REQUESTS_PROVE = "requests:prove"
    """Take it as proven who asks, or that they may."""

    REQUESTS_DECIDE = "requests:decide"
    LETTERS_DECIDE = "letters:decide"
    LETTERS_BOUNCE = "letters:bounce"
    """Hand in what came back to the mailbox that letters are sent from."""

    SETTLEMENTS_DECIDE = "settlements:decide"
    HOLDS_READ = "holds:read"
    HOLDS_DECIDE = "holds:decide"
    BREAKER_READ = "breaker:read"
    BREAKER_DECIDE = "breaker:decide"
    KEYS_READ = "keys:read"
    KEYS_MANAGE = "keys:manage"
    """Rotate and destroy the keys that wrap requests' keys."""

    CLIENTS_READ = "clients:read"
    CLIENTS_MANAGE = "clients:manage"
    AUDIT_READ = "audit:read"
    AUDIT_WRITE = "audit:write"
    """Enter what one is about to change elsewhere."""

    SERVICES = "services"
    """What the services of this program ask of each other."""


_CLIENT = frozenset(
    {
        Scope.REQUESTS_SUBMIT,
        Scope.REQUESTS_READ,
        Scope.REQUESTS_WITHDRAW,
        Scope.REQUESTS_IDENTIFY,
        Scope.WEBHOOKS_MANAGE,
    }
)
_OPERATOR = frozenset(
    {
        Scope.REQUESTS_READ,
        Scope.REQUESTS_PROVE,
        Scope.REQUESTS_DECIDE,
        Scope.LETTERS_DECIDE,
        Scope.SETTLEMENTS_DECIDE,
        Scope.HOLDS_READ,
        Scope.HOLDS_DECIDE,
        Scope.BREAKER_READ,
        Scope.BREAKER_DECIDE,
        Scope.SUPPRESSIONS_CHECK,
        Scope.SUPPRESSIONS_READ,
        Scope.AUDIT_WRITE,
    }
)
_OFFICER = _OPERATOR | {
    Scope.LETTERS_BOUNCE,
    Scope.SUPPRESSIONS_LIFT,
    Scope.KEYS_READ,
    Scope.KEYS_MANAGE,
    Scope.CLIENTS_READ,
    Scope.CLIENTS_MANAGE,
    Scope.AUDIT_READ,
}

ALLOWED: dict[PrincipalKind, frozenset[Scope]] = {
    PrincipalKind.CLIENT: _CLIENT
    | {Scope.LETTERS_BOUNCE, Scope.SUPPRESSIONS_CHECK, Scope.SUPPRESSIONS_LIFT},
    PrincipalKind.OPERATOR: _OPERATOR,
    PrincipalKind.PRIVACY_OFFICER: _OFFICER,
    PrincipalKind.SERVICE: frozenset({Scope.SERVICES}),
}
"""The scopes that a principal of each kind can have at most."""

GIVEN: dict[PrincipalKind, frozenset[Scope]] = {
    **ALLOWED,
    PrincipalKind.CLIENT: _CLIENT,
}
"""The scopes that one of each kind has where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one principal may call at one replica."""

    calls_per_s: int
    """On average, over a few seconds; a line of a batch is a call."""

    calls_at_once: int


@dataclass(frozen=True, slots=True)
class Sight:
    """Which requests somebody sees: a client's, those of jurisdictions, or all where both are none."""

    client_id: str | None = None
    jurisdictions: tuple[str, ...] | None = None

    def covers(self, *, client_id: str, jurisdiction: str) -> bool:
        """Tell whether a request of this client and jurisdiction is seen; US covers US-CA."""
        if self.client_id is not None:
            return client_id == self.client_id
        return self.jurisdictions is None or any(
            jurisdiction == one or jurisdiction.startswith(f"{one}-") for one in self.jurisdictions
        )

    @property
    def is_unbounded(self) -> bool:
        """Whether every request is seen."""
        return self.client_id is None and self.jurisdictions is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who calls, once it is known who that is."""

    id: str
    """Never given twice; what records say who did something by."""

    kind: PrincipalKind
    scopes: frozenset[Scope]
    authentication: Authentication
    jurisdictions: tuple[str, ...] = ()
    """Of an operator; `*` stands for all."""

    limits: Limits | None = None
    """Its own; the service's where there are none."""

    @property
    def sight(self) -> Sight:
        """Which requests it sees; of what the services ask each other, none."""
        match self.kind:
            case PrincipalKind.PRIVACY_OFFICER:
                return Sight()
            case PrincipalKind.OPERATOR:
                return Sight(
                    jurisdictions=None if EVERYWHERE in self.jurisdictions else self.jurisdictions
                )
            case PrincipalKind.CLIENT | PrincipalKind.SERVICE:
                return Sight(client_id=self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """An API key's principal, and the hashes of the secrets that are good for it."""

    principal: Principal
    secrets: tuple[tuple[bytes, datetime | None], ...]
    """Of each the SHA-256, and until when it is good; the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """Who has an API key, as stored."""

    client_id: str
    name: str
    kind: PrincipalKind = PrincipalKind.CLIENT
    scopes: frozenset[Scope] = GIVEN[PrincipalKind.CLIENT]
    jurisdictions: tuple[str, ...] = ()
    limits: Limits | None = None
    created_at: datetime
    expires_at: datetime | None = None
    """Until when its newest key is good; for ever, where there is none."""

    former_expires_at: datetime | None = None
    """Until when the key before that is good."""

    revoked_at: datetime | None = None
    package_recipient: str | None = None
    """What packages for its callback are encrypted to; none where it may have none."""


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return those of the names that are scopes; others are somebody else's."""
    return frozenset(Scope(name) for name in names if name in _NAMES)


_NAMES = frozenset(one.value for one in Scope)
