"""What was asked: all that, with a registry version, says which systems had to answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dsr_core.ids import OrganisationId, SystemId, is_slug
from dsr_core.plan import Scope
from dsr_core.suppressions import SuppressionKind
from dsr_wire.canonical import timestamp
from dsr_wire.certificate.fields import Reader

__all__ = ["Asked", "read_asked", "read_scope", "scope_value", "slug"]

_FIELDS = frozenset({"received_at", "registry_digest", "scope"})
_SCOPE = frozenset({"categories", "organisation_ids", "system_ids", "since", "uses"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the first plan of a request was made from, beside its right."""

    received_at: datetime
    registry_digest: str
    """Of the version of then; amendments may have put later ones in its place."""

    scope: Scope

    def value(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "received_at": timestamp(self.received_at),
            "registry_digest": self.registry_digest,
            "scope": scope_value(self.scope),
        }


def read_asked(value: object, part: str) -> Asked:
    """Read what `Asked.value` wrote; `part` says where it stands.

    Raises:
        MalformedError: A field is missing, unknown or wrong.
    """
    read = Reader(value, part, _FIELDS)
    return Asked(
        received_at=read.time("received_at"),
        registry_digest=read.text("registry_digest"),
        scope=read_scope(read.raw("scope"), read.at("scope")),
    )


def scope_value(scope: Scope) -> dict[str, Any]:
    """Return what part of the data is meant as JSON values."""
    return {
        "categories": list(scope.categories),
        "organisation_ids": list(scope.organisation_ids),
        "system_ids": list(scope.system_ids),
        "since": scope.since and scope.since.isoformat(),
        "uses": [one.value for one in scope.uses],
    }


def read_scope(value: object, part: str) -> Scope:
    """Read what `scope_value` wrote; `part` says where it stands.

    Raises:
        MalformedError: A field is missing, unknown or wrong.
    """
    read = Reader(value, part, _SCOPE)
    organisations = read.each("organisation_ids", slug, "must be a registry id")
    systems = read.each("system_ids", slug, "must be a registry id")
    return Scope(
        categories=read.texts("categories"),
        organisation_ids=tuple(map(OrganisationId, organisations)),
        system_ids=tuple(map(SystemId, systems)),
        since=None if read.raw("since") is None else read.parsed("since", _day, "must be a day"),
        uses=tuple(read.each("uses", SuppressionKind, "is no use of data")),
    )


def slug(text: str) -> str:
    """Return a registry id.

    Raises:
        ValueError: It is none.
    """
    if not is_slug(text):
        raise ValueError("not a registry id")
    return text


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if day.isoformat() != text:
        raise ValueError("a day is written in full")
    return day
