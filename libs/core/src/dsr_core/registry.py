"""The registry: which organisations there are, and which systems of theirs hold personal data.

A registry is a value. Its digest names it: what was planned from one version can be checked against
that version for ever. Reading files belongs to the command line, carrying versions to `dsr_wire`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any

from dsr_core.exports import ProtectedField, Protection
from dsr_core.ids import OrganisationId, SystemId, is_slug
from dsr_core.resolving import Confidence, Resolution
from dsr_core.rights import Right

__all__ = [
    "AccessTerms",
    "AutomatedDecisions",
    "Organisation",
    "OrganisationRole",
    "Registry",
    "Sale",
    "System",
]


_PROCESSORS_FIRST = "processors_first"
"""How an organisation's policy is spelt."""


class OrganisationRole(StrEnum):
    """What an organisation is to the group."""

    COMPANY = "company"
    AFFILIATE = "affiliate"
    SUBSIDIARY = "subsidiary"
    SERVICE_PROVIDER = "service_provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """That an organisation was sold, and is no part of the group any more."""

    on: date
    """From the beginning of this day on, in UTC."""

    to: str
    """To whom, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A legal entity that holds personal data."""

    id: OrganisationId
    name: str
    role: OrganisationRole
    country: str
    """ISO 3166-1 alpha-2."""

    region: str
    owner: str
    """The team that answers for it; not a person."""

    contact: str
    parent: OrganisationId | None = None
    sold: Sale | None = None
    """None while it is part of the group."""

    processors_first: bool = False
    """Whether its systems erase after those of service providers, where no system says otherwise."""

    def has_left(self, at: datetime) -> bool:
        """Tell whether it was no part of the group any more at a time."""
        return self.sold is not None and at >= datetime.combine(self.sold.on, time(), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AutomatedDecisions:
    """What the law has told of decisions that are made by automated means alone, for people: GDPR 15(1)(h).

    Without texts it says that none are made.
    """

    logic: str = ""
    """By what they are made."""

    significance: str = ""
    """What they decide."""

    consequences: str = ""
    """What they mean for the person."""

    @property
    def are_made(self) -> bool:
        """Whether there are any."""
        return bool(self.logic)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTerms:
    """What the law has told beside the data that a system hands over: GDPR 15(1)."""

    purpose: str
    """What the data is processed for, for people."""

    source: str
    """Where it comes from, for people."""

    recipients: tuple[str, ...] = ()
    """To whom it is disclosed, for people; sorted."""

    retention: str
    """How long it is kept, or by what that is decided, for people."""

    protected: tuple[ProtectedField, ...] = ()
    """Fields whose values are not handed over as they are, sorted by path."""

    automated: AutomatedDecisions | None = None
    """None where nothing is said of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A store of personal data, owned by one organisation."""

    id: SystemId
    name: str
    organisation_id: OrganisationId
    owner: str
    contact: str
    region: str
    rights: tuple[Right, ...]
    """What it can be asked for, sorted."""

    identifiers: tuple[str, ...]
    """The kinds that it knows a data subject by, sorted; any one of them is enough."""

    categories: tuple[str, ...]
    """Keys of the fideslang taxonomy, sorted."""

    copies_from: tuple[SystemId, ...] = ()
    """The systems that its data comes from, sorted."""

    erase_after: tuple[SystemId, ...] = ()
    """The systems that have to have erased before it does, sorted."""

    resolves: tuple[Resolution, ...] = ()
    """What other identifiers of a person it can find out, sorted."""

    looks_again: bool = False
    """Whether it looks again after it has erased, and has confirmed only once it found nothing."""

    looks_later: bool = False
    """Whether it looks when it is asked long after an erasure, though it confirms without that."""

    retired_on: date | None = None
    """The day on which it was taken out of use; none while it is in use."""

    successor: SystemId | None = None
    """The system that took its data over; only what is retired has one."""

    access: AccessTerms | None = None
    """What is told beside the data that it hands over; only what can be asked for access has it."""

    @property
    def verifies(self) -> bool:
        """Whether it can be asked if what it erased is still gone."""
        return (self.looks_again or self.looks_later) and self.retired_on is None


@dataclass(frozen=True, slots=True)
class Registry:
    """One version of the list of organisations and systems, both sorted by id."""

    organisations: tuple[Organisation, ...]
    systems: tuple[System, ...]
    digest: str = field(init=False)
    """SHA-256 of the canonical form, in hexadecimal: the version's name."""

    def __post_init__(self) -> None:
        """Sort, so that equal content has an equal digest."""
        set_ = object.__setattr__
        set_(self, "organisations", tuple(sorted(self.organisations, key=lambda one: one.id)))
        set_(self, "systems", tuple(sorted(self.systems, key=lambda one: one.id)))
        set_(self, "digest", hashlib.sha256(self.canonical()).hexdigest())

    def canonical(self) -> bytes:
        """Return the canonical form: JSON with sorted keys, no white space, UTF-8."""
        content = {
            "organisations": [_organisation_fields(one) for one in self.organisations],
            "systems": [_system_fields(one) for one in self.systems],
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()

    @classmethod
    def from_canonical(cls, canonical: bytes) -> Registry:
        """Rebuild a registry from its canonical form.

        Raises:
            ValueError: The bytes are not the canonical form of a registry.
        """
        try:
            content = json.loads(canonical)
            registry = cls(
                tuple(_organisation(one) for one in content["organisations"]),
                tuple(_system(one) for one in content["systems"]),
            )
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError("not a registry") from error
        if registry.canonical() != canonical:
            raise ValueError("not the canonical form")
        for things in (registry.organisations, registry.systems):
            if len({one.id for one in things}) != len(things):
                raise ValueError("one id twice")
        return registry

    def system(self, system_id: str) -> System | None:
        """Return a system by id, or none."""
        return next((one for one in self.systems if one.id == system_id), None)

    def organisation(self, organisation_id: str) -> Organisation | None:
        """Return an organisation by id, or none."""
        return next((one for one in self.organisations if one.id == organisation_id), None)

    def has_left(self, system: System, at: datetime) -> bool:
        """Tell whether the organisation that owns a system was no part of the group any more."""
        owner = self.organisation(system.organisation_id)
        return owner is not None and owner.has_left(at)

    def heir(self, system_id: str) -> System | None:
        """Return the system that has a retired one's data now, by way of its successors; else none.

        It may be retired itself, without a successor.
        """
        seen: set[str] = set()
        one = self.system(system_id)
        while one is not None and one.successor is not None and one.id not in seen:
            seen.add(one.id)
            one = self.system(one.successor)
        return one if seen and one is not None and one.id not in seen else None

    def with_heirs(self, system_ids: Iterable[str]) -> frozenset[str]:
        """Return systems, and those that have the data of the retired ones among them now."""
        named = frozenset(system_ids)
        heirs = (self.heir(one) for one in named)
        return named | {one.id for one in heirs if one is not None}

    def systems_of(self, organisation_id: str) -> tuple[System, ...]:
        """Return the systems that an organisation owns, sorted by id."""
        return tuple(one for one in self.systems if one.organisation_id == organisation_id)


def _organisation_fields(one: Organisation) -> dict[str, Any]:
    # What was added later stands only where it is said, so that older versions keep their digests.
    sold = {"sold": {"on": one.sold.on.isoformat(), "to": one.sold.to}} if one.sold else {}
    policy = {"policy": _PROCESSORS_FIRST} if one.processors_first else {}
    return {
        **sold,
        **policy,
        "contact": one.contact,
        "country": one.country,
        "id": one.id,
        "name": one.name,
        "owner": one.owner,
        "parent": one.parent,
        "region": one.region,
        "role": one.role.value,
    }


def _organisation(fields: dict[str, Any]) -> Organisation:
    apart = {"parent", "sold"}
    _check_texts(fields["id"], [text for name, text in fields.items() if name not in apart])
    if fields["parent"] is not None:
        _check_texts(fields["parent"], [])
    sold = fields.get("sold")
    if sold is not None:
        _check_texts(fields["id"], [sold["to"]])
        sold = Sale(**{**sold, "on": date.fromisoformat(sold["on"])})
    policy = fields.pop("policy", None)
    if policy not in {None, _PROCESSORS_FIRST}:
        raise ValueError("not the canonical form")
    return Organisation(
        **{
            **fields,
            "role": OrganisationRole(fields["role"]),
            "sold": sold,
            "processors_first": policy is not None,
        }
    )


def _system_fields(one: System) -> dict[str, Any]:
    added = {
        "retired_on": one.retired_on and one.retired_on.isoformat(),
        "successor": one.successor,
        "looks_again": "yes" if one.looks_again else None,
        "access": one.access and _access_fields(one.access),
        "looks_later": "yes" if one.looks_later else None,
        "erase_after": sorted(one.erase_after) or None,
        "resolves": [_resolution_fields(pair) for pair in sorted(one.resolves)] or None,
    }
    return {
        **{name: value for name, value in added.items() if value is not None},
        "categories": sorted(one.categories),
        "contact": one.contact,
        "copies_from": sorted(one.copies_from),
        "id": one.id,
        "identifiers": sorted(one.identifiers),
        "name": one.name,
        "organisation_id": one.organisation_id,
        "owner": one.owner,
        "region": one.region,
        "rights": sorted(right.value for right in one.rights),
    }


def _access_fields(one: AccessTerms) -> dict[str, Any]:
    added = {} if one.automated is None else {"automated": _automated_fields(one.automated)}
    return added | {
        "protected": {field.path: field.protection.value for field in one.protected},
        "purpose": one.purpose,
        "recipients": sorted(one.recipients),
        "retention": one.retention,
        "source": one.source,
    }


def _automated_fields(one: AutomatedDecisions) -> dict[str, str]:
    """Return the texts; none where no decisions are made so."""
    if not one.are_made:
        return {}
    return {
        "consequences": one.consequences,
        "logic": one.logic,
        "significance": one.significance,
    }


def _automated(fields: dict[str, str]) -> AutomatedDecisions:
    one = AutomatedDecisions(**fields)
    if _automated_fields(one) != fields or not all(fields.values()):
        raise ValueError("not the canonical form")
    _check_texts("automated", [*fields.values()])
    return one


def _access(fields: dict[str, Any]) -> AccessTerms:
    automated = fields.get("automated")
    protected = fields["protected"].items()
    texts = [text for pair in protected for text in pair]
    texts += [*fields["recipients"], fields["purpose"], fields["retention"], fields["source"]]
    _check_texts("access", texts)
    return AccessTerms(
        **{
            **fields,
            "automated": None if automated is None else _automated(automated),
            "recipients": tuple(fields["recipients"]),
            "protected": tuple(
                ProtectedField(path, Protection(how)) for path, how in sorted(protected)
            ),
        }
    )


def _resolution_fields(one: Resolution) -> dict[str, str]:
    return {"confidence": one.confidence.value, "from": one.from_kind, "to": one.to_kind}


def _resolution(fields: dict[str, Any]) -> Resolution:
    _check_texts("resolves", [fields["from"], fields["to"]])
    return Resolution(fields["from"], fields["to"], Confidence(fields["confidence"]))


def _system(fields: dict[str, Any]) -> System:
    access = fields.pop("access", None)
    resolves = fields.pop("resolves", [])
    lists = [value for value in fields.values() if isinstance(value, list)]
    single = [value for value in fields.values() if not isinstance(value, list)]
    _check_texts(fields["id"], [*single, *(text for texts in lists for text in texts)])
    return System(
        **{
            **fields,
            "categories": tuple(fields["categories"]),
            "copies_from": tuple(fields["copies_from"]),
            "erase_after": tuple(fields.get("erase_after", [])),
            "resolves": tuple(_resolution(one) for one in resolves),
            "identifiers": tuple(fields["identifiers"]),
            "rights": tuple(Right(right) for right in fields["rights"]),
            "looks_again": _is_yes(fields.get("looks_again")),
            "looks_later": _is_yes(fields.get("looks_later")),
            "retired_on": _day(fields.get("retired_on")),
            "access": None if access is None else _access(access),
        }
    )


def _is_yes(text: str | None) -> bool:
    if text not in {None, "yes"}:
        raise ValueError("not the canonical form")
    return text is not None


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _check_texts(slug: Any, texts: list[Any]) -> None:
    if not all(isinstance(text, str) for text in (slug, *texts)) or not is_slug(slug):
        raise ValueError("every field is text, and every id a slug")
