"""Packages for access, and their keys, as they are kept. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_core.ids import RequestId
from dsr_intake.model import Code, WrappedKey

__all__ = [
    "Hindrance",
    "MadePackage",
    "Package",
    "PackageKey",
    "PackageLink",
    "PackageState",
    "PackagesStanding",
    "SetAside",
    "Setback",
    "WantedPackage",
    "package_binding",
]


def package_binding(request_id: RequestId) -> RequestId:
    """Return what the key of a package is bound to when it is wrapped.

    Not the request itself, so that a request's own key, put in its place, does not unwrap.
    """
    return RequestId(f"{request_id}/package")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PackageKey:
    """The key pair of one request's package, as it is kept."""

    request_id: RequestId
    public_key: bytes
    """X25519; systems seal the keys of their exports to it."""

    private_key: WrappedKey
    """Bound to `package_binding` of the request."""

    made_at: datetime


class PackageState(StrEnum):
    """How a package stands."""

    WAITING = "waiting"
    """It is to be made."""

    READY = "ready"
    EXPIRED = "expired"
    """Its objects are deleted and its key is destroyed."""


class SetAside(StrEnum):
    """Why a package is tried no more."""

    FAULTS = "faults"
    """It has failed again and again by a fault of its own, or the process that made it died."""

    KEY_GONE = "key_gone"
    """Its key is not there any more, so that nobody can open what systems have handed over."""


class Hindrance(StrEnum):
    """Why a package cannot be accepted as it is."""

    OPEN = "open"
    """Its request is: more may come."""

    NO_PACKAGE = "no_package"
    """None is made of its request."""

    BEING_MADE = "being_made"
    """What it will lack is not known."""

    SETTLED = "settled"
    """No erasure waits for it: it was whole, or accepted before."""


class Setback(StrEnum):
    """How a try ended that made no package."""

    OUTAGE = "outage"
    """Something was away: nothing is held against the package."""

    PART_MISSING = "part_missing"
    """A part of what a system has handed over is not there; it may be late."""

    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WantedPackage:
    """A package that a request is to have once it is closed."""

    ledger: str
    """What the ledger said."""

    number: int
    """The first of a request is 1; 2 supplements a partial one that was made."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Package:
    """A package, as it is kept."""

    request_id: RequestId
    state: PackageState
    ledger: str
    """JSON: what the ledger said of the request when the package was wanted."""

    excluded: dict[str, str]
    """Systems whose export cannot be used, each with a code that says why."""

    wanted_at: datetime
    tries: int
    assembly_id: str | None
    """Who makes it now, or has made it."""

    size: int
    """Of the whole, in the clear; 0 until it is made."""

    files: int
    manifest_digest: bytes
    contact: bytes
    """The address of its letters, encrypted; empty where there are none."""

    made_at: datetime | None
    expires_at: datetime | None
    faults: int = 0
    """Tries in a row that ended by a fault of its own, or with the process; the one in hand is counted."""

    parts_tries: int = 0
    """Tries that ended since a part was not there, since an export was last left out."""

    set_aside_at: datetime | None = None
    """Since when it is not tried any more, until an operator decides so."""

    set_aside_why: SetAside | None = None

    number: int = 1
    """The second of a request supplements the first."""

    is_partial: bool = False
    """Whether it is made while the request is open, of what is there."""

    copy_settled_at: datetime | None = None
    """Since when no erasure waits for it: it was made whole, or somebody accepted what it lacks."""

    traceparent: str | None = None
    """The span that had it made; none where none was recorded."""

    @property
    def folder(self) -> str:
        """Name the folder of its assemblies, below that of the request; the first needs none of its own."""
        return "" if self.number == 1 else str(self.number)

    @property
    def assembly(self) -> str:
        """Name what is written now, or was: it changes with each try, so that no two have one key."""
        name = f"{self.assembly_id}.{len(self.excluded)}"
        return f"{self.folder}/{name}" if self.folder else name


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MadePackage:
    """What is recorded of a package that is made."""

    size: int
    files: int
    manifest_digest: bytes
    contact: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagesStanding:
    """How the packages that are not made yet stand."""

    waiting: int
    oldest: datetime | None
    """Since when the oldest of these is wanted."""

    set_aside: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PackageLink:
    """A link to a package, as it is kept: its token is derived, and only a hash of it is here."""

    request_id: RequestId
    """Whose requester has it."""

    number: int
    package_id: RequestId
    """The request whose package it is: another one where the first repeats it."""

    nonce: bytes
    package_number: int = 1
    token_hash: bytes = b""
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    age_key: str | None = None
    """The key that whoever opened it last has given to have the package under."""

    sessions: int = 0
    """How often it was opened by a code."""

    code: Code | None = None
    """The newest one-time code, if it is not used."""

    code_number: int = 0
    """How many codes there were."""
