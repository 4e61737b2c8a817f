"""ObligationsOpened and PhaseTold: what fanout tells the verifier is owed, before any notice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dsr_contracts.v1 import obligations_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.phases import COHORT_PHASES_LIMIT
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_wire.codec.fields import (
    after_from_wire,
    right_from_wire,
    right_to_wire,
    scope_from_wire,
    scope_to_wire,
    slug,
    storable,
    text,
    time_from_wire,
    time_to_wire,
    uuid_text,
    uuid_texts,
)

__all__ = [
    "OpenedObligations",
    "ToldPhase",
    "obligations_opened_from_wire",
    "obligations_opened_to_wire",
    "phase_told_from_wire",
    "phase_told_to_wire",
]


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

    phases: Mapping[SystemId, int] = field(default_factory=dict)
    """The phase of each system that is not in the first."""

    after: tuple[RequestId, ...] = ()
    """Requests whose closing confirms the first phase, which is nobody's then."""

    received_at: datetime | None = None
    """When the requests were received; none on records from before it was said."""

    scope: Scope = field(default_factory=Scope)
    """What part of the data is meant; known only where `received_at` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldPhase:
    """That a later phase of a cohort's plan is about to be told."""

    cohort_id: CohortId
    phase: int
    told_at: datetime
    is_due: bool
    """Whether it is told since its date has come, whatever the earlier phases say."""


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
                phase=opened.phases.get(system, 0),
            )
            for system, organisation in opened.systems
        ],
        expected_systems=len(opened.systems),
        rules_digest=opened.rules_digest,
        after_request_ids=opened.after,
        received_at=None if opened.received_at is None else time_to_wire(opened.received_at),
        scope=scope_to_wire(opened.scope),
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
        phases=_phases(message.systems),
        after=after_from_wire(message.after_request_ids, request_ids),
        received_at=time_from_wire(message.received_at, field="received_at")
        if message.HasField("received_at")
        else None,
        scope=scope_from_wire(message.scope),
    )


def phase_told_to_wire(told: ToldPhase) -> obligations_pb2.PhaseTold:
    """Return what is said of a phase as a message."""
    return obligations_pb2.PhaseTold(
        cohort_id=told.cohort_id,
        phase=told.phase,
        told_at=time_to_wire(told.told_at),
        is_due=told.is_due,
    )


def phase_told_from_wire(message: obligations_pb2.PhaseTold) -> ToldPhase:
    """Return what a message says of a phase.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    if not 0 < message.phase < COHORT_PHASES_LIMIT:
        detail = f"phase is not between 1 and {COHORT_PHASES_LIMIT - 1}"
        raise RejectedInput("invalid_field", detail, field="phase")
    return ToldPhase(
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        phase=message.phase,
        told_at=time_from_wire(message.told_at, field="told_at"),
        is_due=message.is_due,
    )


def _phases(systems: Iterable[obligations_pb2.AddressedSystem]) -> dict[SystemId, int]:
    found = {SystemId(one.system_id): one.phase for one in systems if one.phase}
    if any(phase >= COHORT_PHASES_LIMIT for phase in found.values()):
        detail = f"systems has more than {COHORT_PHASES_LIMIT} phases"
        raise RejectedInput("invalid_field", detail, field="systems.phase")
    return dict(sorted(found.items()))
