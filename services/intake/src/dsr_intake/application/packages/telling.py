"""Telling: what a manifest says of a request and its systems, from what was fixed when it was wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from dsr_core.errors import Unavailable
from dsr_core.exports import Delivery
from dsr_core.ids import SystemId
from dsr_core.registry import AutomatedDecisions, Organisation, Registry, System
from dsr_core.rights import Disposition
from dsr_intake.application.packages.assembling import SystemAssembly
from dsr_intake.application.packages.wanting import exports_in
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


def request_told(
    one: RequestView,
    words: Words,
    language: str,
    *,
    at: datetime,
    late: Sequence[SystemAssembly] | None = None,
    before: Package | None = None,
) -> dict[str, Any]:
    """Return what the manifest says of the request.

    Args:
        one: The request.
        words: The texts.
        language: Of the texts.
        at: As of when the package is made.
        late: The systems of a partial package whose data is still to come.
        before: The partial package that it supplements.
    """
    told: dict[str, Any] = {}
    if late is not None:
        told["late"] = [each.system_id for each in late]
    if before is not None and before.made_at is not None:
        told["supplements"] = {
            "made_at": _text(before.made_at),
            "manifest_sha256": before.manifest_digest.hex(),
        }
    return told | {
        "as_of": _text(at),
        "closed_at": _text(one.closed_at) if one.closed_at else None,
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
    package: Package,
    registry: Registry,
    holders: RegistryView,
    *,
    before: Package | None = None,
) -> list[SystemAssembly]:
    """Return each system that was asked, in the order of their ids.

    Args:
        package: With what the ledger said at the closing, and which exports cannot be used.
        registry: The version that the request pins.
        holders: Finds systems that joined later.
        before: The partial package that this one supplements: what is in it is not handed over again.

    Raises:
        Unavailable: What the ledger said cannot be read.
    """
    try:
        owed = orjson.loads(package.ledger)["obligations"]
        taken = exports_in(orjson.loads(before.ledger)) if before else frozenset()
        could_not = before.excluded if before else {}
        return sorted(
            (
                _before(told, could_not.get(told.system_id))
                if told.delivery is not None and told.delivery.export_id in taken
                else told
                for told in (_told(one, package, registry, holders) for one in owed)
            ),
            key=lambda one: one.system_id,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("what the ledger said at the closing cannot be read") from error


def _told(
    one: Mapping[str, Any], package: Package, registry: Registry, holders: RegistryView
) -> SystemAssembly:
    system_id = SystemId(one["system_id"])
    held = registry if registry.system(system_id) else holders.holder(system_id)
    system = held.system(system_id) if held else None
    organisation = held.organisation(one["organisation_id"]) if held else None
    delivery = _delivery(one["delivery"]) if one.get("delivery") else None
    why = package.excluded.get(system_id)
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
        late = "late" if package.is_partial else "missing"
        told["status"] = _STATUS.get(disposition, late) if disposition else late
    return SystemAssembly(
        system_id=system_id,
        told=told,
        delivery=delivery,
        protected=system.access.protected if system and system.access else (),
    )


def _before(one: SystemAssembly, why: str | None) -> SystemAssembly:
    """Return a system whose export was in the package before, or could not be used there."""
    told = {**one.told, "status": "missing" if why else "before", "why": why}
    return replace(one, told=told, delivery=None)


def _terms(system: System | None, system_id: str) -> dict[str, Any]:
    terms = system.access if system else None
    return {
        "automated_decisions": _automated(terms.automated) if terms else None,
        "categories": sorted(system.categories) if system else [],
        "name": system.name if system else system_id,
        "purpose": terms.purpose if terms else None,
        "recipients": sorted(terms.recipients) if terms else [],
        "retention": terms.retention if terms else None,
        "source": terms.source if terms else None,
    }


def _automated(one: AutomatedDecisions | None) -> dict[str, Any] | None:
    if one is None:
        return None
    if not one.are_made:
        return {"are_made": False}
    return {
        "are_made": True,
        "logic": one.logic,
        "significance": one.significance,
        "consequences": one.consequences,
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
