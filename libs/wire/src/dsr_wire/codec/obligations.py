"""ObligationsOpened: what fanout tells the verifier is owed, before any notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import obligations_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.rights import Right
from dsr_wire.codec.fields import (
    right_from_wire,
    right_to_wire,
    slug,
    storable,
    text,
    time_from_wire,
    time_to_wire,
    uuid_text,
    uuid_texts,
)

__all__ = ["OpenedObligations", "obligations_opened_from_wire", "obligations_opened_to_wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedObligations:
    """Every obligation of a cohort: its requests times the addressed systems."""

    cohort_id: CohortId
    right: Right
    regime: str
    registry_digest: str
    due_at: datetime
    opened_at: datetime
    request_ids: tuple[RequestId, ...]
    systems: tuple[tuple[SystemId, OrganisationId], ...]
    """Each system with its owner, sorted by system; at least one."""

    rules_digest: str = ""
    """Empty on records from before it was said."""

    looks_again: frozenset[SystemId] = frozenset()
    """Those that have confirmed an erasure only once they looked again, and found nothing."""


def obligations_opened_to_wire(opened: OpenedObligations) -> obligations_pb2.ObligationsOpened:
    """Return obligations as a message."""
    return obligations_pb2.ObligationsOpened(
        cohort_id=opened.cohort_id,
        right=right_to_wire(opened.right),
        regime=opened.regime,
        registry_digest=opened.registry_digest,
        due_at=time_to_wire(opened.due_at),
        opened_at=time_to_wire(opened.opened_at),
        request_ids=opened.request_ids,
        systems=[
            obligations_pb2.AddressedSystem(
                system_id=system,
                organisation_id=organisation,
                looks_again=system in opened.looks_again,
            )
            for system, organisation in opened.systems
        ],
        expected_systems=len(opened.systems),
        rules_digest=opened.rules_digest,
    )


def obligations_opened_from_wire(message: obligations_pb2.ObligationsOpened) -> OpenedObligations:
    """Return the obligations that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong, or the number of systems is not the expected one.
    """
    systems = tuple(
        sorted(
            (
                SystemId(slug(one.system_id, field="systems.system_id")),
                OrganisationId(slug(one.organisation_id, field="systems.organisation_id")),
            )
            for one in message.systems
        )
    )
    named = {system for system, _ in systems}
    if not systems or not len(systems) == len(named) == message.expected_systems:
        detail = "systems must hold expected_systems different systems, at least one"
        raise RejectedInput("invalid_field", detail, field="systems")
    request_ids = uuid_texts(message.request_ids, field="request_ids")
    return OpenedObligations(
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        right=right_from_wire(message.right),
        regime=text(message.regime, field="regime"),
        registry_digest=text(message.registry_digest, field="registry_digest"),
        due_at=time_from_wire(message.due_at, field="due_at"),
        opened_at=time_from_wire(message.opened_at, field="opened_at"),
        request_ids=tuple(RequestId(one) for one in request_ids),
        systems=systems,
        rules_digest=storable(message.rules_digest, field="rules_digest"),
        looks_again=frozenset(
            SystemId(one.system_id) for one in message.systems if one.looks_again
        ),
    )
