"""Telling: what a manifest says of a request and its systems, from what was fixed at the closing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from dsr_core.errors import Unavailable
from dsr_core.exports import Delivery
from dsr_core.ids import SystemId
from dsr_core.registry import Organisation, Registry, System
from dsr_core.rights import Disposition
from dsr_intake.application.packages.assembling import SystemAssembly
from dsr_intake.application.packages.words import Words
from dsr_intake.model import RequestView
from dsr_intake.model.packages import Package
from dsr_intake.ports import RegistryView

__all__ = ["request_told", "systems_told"]

_STATUS = {
    Disposition.NOT_FOUND: "nothing_found",
    Disposition.EXEMPT: "exempt",
    Disposition.DELIVERED: "elsewhere",
    Disposition.PARTIALLY_EXEMPT: "elsewhere",
}
"""How a system stands in a package without an export of it; any other is missing."""


def request_told(one: RequestView, words: Words, language: str) -> dict[str, Any]:
    """Return what the manifest says of the request."""
    if one.closed_at is None:
        raise RuntimeError("a package is made of a closed request")
    return {
        "closed_at": _text(one.closed_at),
        "legal": words.legal(
            language, right=one.right, regime=one.regime, jurisdiction=one.jurisdiction
        ),
        "language": language,
        "request": {
            "id": one.request_id,
            "jurisdiction": one.jurisdiction,
            "received_at": _text(one.received_at),
            "regime": one.regime,
            "registry_digest": one.registry_digest,
            "right": one.right.value,
        },
    }


def systems_told(
    package: Package, registry: Registry, holders: RegistryView, *, bytes_limit: int
) -> list[SystemAssembly]:
    """Return each system that was asked, in the order of their ids.

    Args:
        package: With what the ledger said at the closing, and which exports cannot be used.
        registry: The version that the request pins.
        holders: Finds systems that joined later.
        bytes_limit: How much one system may hand over.

    Raises:
        Unavailable: What the ledger said cannot be read.
    """
    try:
        owed = orjson.loads(package.ledger)["obligations"]
        return sorted(
            (_told(one, package, registry, holders, bytes_limit) for one in owed),
            key=lambda one: one.system_id,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("what the ledger said at the closing cannot be read") from error


def _told(
    one: Mapping[str, Any],
    package: Package,
    registry: Registry,
    holders: RegistryView,
    bytes_limit: int,
) -> SystemAssembly:
    system_id = SystemId(one["system_id"])
    held = registry if registry.system(system_id) else holders.holder(system_id)
    system = held.system(system_id) if held else None
    organisation = held.organisation(one["organisation_id"]) if held else None
    delivery = _delivery(one["delivery"]) if one.get("delivery") else None
    why = package.excluded.get(system_id)
    if delivery is not None and delivery.size > bytes_limit:
        why = "too_large"
    if why is not None:
        delivery = None
    disposition = Disposition(one["disposition"]) if one["disposition"] else None
    told = {
        "disposition": one["disposition"],
        "exemptions": [
            {
                "categories": sorted(each["categories"]),
                "ground": each["ground"],
                "review_at": each["review_at"],
            }
            for each in one["exemptions"]
        ],
        "id": system_id,
        "organisation": _organisation(organisation, one["organisation_id"]),
        "why": why,
        **_terms(system, system_id),
    }
    if delivery is not None:
        told["status"] = "included"
    elif why is not None:
        told["status"] = "missing"
    else:
        told["status"] = _STATUS.get(disposition, "missing") if disposition else "missing"
    return SystemAssembly(
        system_id=system_id,
        told=told,
        delivery=delivery,
        protected=system.access.protected if system and system.access else (),
    )


def _terms(system: System | None, system_id: str) -> dict[str, Any]:
    terms = system.access if system else None
    return {
        "categories": sorted(system.categories) if system else [],
        "name": system.name if system else system_id,
        "purpose": terms.purpose if terms else None,
        "recipients": sorted(terms.recipients) if terms else [],
        "retention": terms.retention if terms else None,
        "source": terms.source if terms else None,
    }


def _organisation(organisation: Organisation | None, organisation_id: str) -> dict[str, Any]:
    return {
        "id": organisation_id,
        "name": organisation.name if organisation else organisation_id,
        "role": organisation.role.value if organisation else None,
    }


def _delivery(fields: Mapping[str, Any]) -> Delivery:
    return Delivery(
        export_id=fields["export_id"],
        sealed_key=bytes.fromhex(fields["sealed_key"]),
        size=fields["size"],
        index_size=fields["index_size"],
        index_digest=bytes.fromhex(fields["index_digest"]),
        files=fields["files"],
    )


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
