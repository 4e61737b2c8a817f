"""CohortAccepted: what intake tells fanout of a new cohort."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dsr_contracts.v1 import requests_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import CohortId, RequestId
from dsr_core.law.rules import TierAction
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_wire.codec.fields import (
    after_from_wire,
    right_from_wire,
    right_to_wire,
    scope_from_wire,
    scope_to_wire,
    short,
    storable,
    texts,
    time_from_wire,
    time_to_wire,
    uuid_text,
    uuid_texts,
)

__all__ = [
    "AcceptedCohort",
    "DatedTier",
    "action_from_wire",
    "action_to_wire",
    "cohort_accepted_from_wire",
    "cohort_accepted_to_wire",
    "tiers_from_wire",
    "tiers_to_wire",
]

_ACTION_TO_WIRE: dict[TierAction, requests_pb2.TierAction] = {
    action: getattr(requests_pb2, f"TIER_ACTION_{action.name}") for action in TierAction
}
_ACTION_FROM_WIRE: dict[int, TierAction] = {
    number: action for action, number in _ACTION_TO_WIRE.items()
}


@dataclass(frozen=True, slots=True)
class DatedTier:
    """What is to be done while members are open, and when."""

    action: TierAction
    at: datetime


_MEMBERS_LIMIT = 10_000
"""Requests of one cohort; far more than one is formed of, and few enough for one workflow's input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedCohort:
    """A cohort as it was accepted."""

    cohort_id: CohortId
    right: Right
    regime: str
    jurisdiction: str
    scope: Scope
    identifier_kinds: tuple[str, ...]
    registry_digest: str
    received_at: datetime
    accepted_at: datetime
    due_at: datetime
    request_ids: tuple[RequestId, ...]
    rules_digest: str = ""
    """Empty on records from before there were rules."""

    tiers: tuple[DatedTier, ...] = ()
    """In order of time."""

    verify_identity_by: datetime | None = None
    """By when it must be proven who asks; none where it is."""

    held_before: datetime | None = None
    """Set where systems are only asked to look: what they held before then is meant."""

    after: tuple[RequestId, ...] = ()
    """Requests that hand the person's data over, and are to be closed before any system is told."""


def cohort_accepted_to_wire(cohort: AcceptedCohort) -> requests_pb2.CohortAccepted:
    """Return a cohort as a message."""
    return requests_pb2.CohortAccepted(
        cohort_id=cohort.cohort_id,
        right=right_to_wire(cohort.right),
        regime=cohort.regime,
        jurisdiction=cohort.jurisdiction,
        scope=scope_to_wire(cohort.scope),
        identifier_kinds=cohort.identifier_kinds,
        registry_digest=cohort.registry_digest,
        received_at=time_to_wire(cohort.received_at),
        accepted_at=time_to_wire(cohort.accepted_at),
        due_at=time_to_wire(cohort.due_at),
        request_ids=cohort.request_ids,
        rules_digest=cohort.rules_digest,
        tiers=tiers_to_wire(cohort.tiers),
        verify_identity_by=cohort.verify_identity_by and time_to_wire(cohort.verify_identity_by),
        held_before=cohort.held_before and time_to_wire(cohort.held_before),
        after_request_ids=cohort.after,
    )


def cohort_accepted_from_wire(message: requests_pb2.CohortAccepted) -> AcceptedCohort:
    """Return the cohort that a message holds, in a size that every part downstream can hold.

    Raises:
        RejectedInput: A field is missing, wrong or too long; the detail names it.
    """
    if len(message.request_ids) > _MEMBERS_LIMIT:
        detail = f"request_ids has more than {_MEMBERS_LIMIT:,}"
        raise RejectedInput("invalid_field", detail, field="request_ids")
    request_ids = uuid_texts(message.request_ids, field="request_ids")
    return AcceptedCohort(
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        right=right_from_wire(message.right),
        regime=short(message.regime, field="regime"),
        jurisdiction=short(message.jurisdiction, field="jurisdiction"),
        scope=scope_from_wire(message.scope),
        identifier_kinds=texts(message.identifier_kinds, field="identifier_kinds"),
        registry_digest=short(message.registry_digest, field="registry_digest"),
        received_at=time_from_wire(message.received_at, field="received_at"),
        accepted_at=time_from_wire(message.accepted_at, field="accepted_at"),
        due_at=time_from_wire(message.due_at, field="due_at"),
        request_ids=tuple(RequestId(one) for one in request_ids),
        rules_digest=storable(message.rules_digest, field="rules_digest"),
        tiers=tiers_from_wire(message.tiers),
        verify_identity_by=(
            time_from_wire(message.verify_identity_by, field="verify_identity_by")
            if message.HasField("verify_identity_by")
            else None
        ),
        held_before=(
            time_from_wire(message.held_before, field="held_before")
            if message.HasField("held_before")
            else None
        ),
        after=after_from_wire(message.after_request_ids, request_ids),
    )


def action_to_wire(action: TierAction) -> requests_pb2.TierAction:
    """Return the number that stands for an action."""
    return _ACTION_TO_WIRE[action]


def action_from_wire(number: int) -> TierAction:
    """Return the action that a number stands for, or refuse it."""
    action = _ACTION_FROM_WIRE.get(number)
    if action is None:
        raise RejectedInput("invalid_field", "action is unspecified or unknown", field="action")
    return action


def tiers_to_wire(tiers: Iterable[DatedTier]) -> list[requests_pb2.Tier]:
    """Return tiers as messages."""
    return [
        requests_pb2.Tier(action=action_to_wire(one.action), at=time_to_wire(one.at))
        for one in tiers
    ]


def tiers_from_wire(messages: Iterable[requests_pb2.Tier]) -> tuple[DatedTier, ...]:
    """Return the tiers that messages hold, in order of time."""
    return tuple(sorted(map(_tier, messages), key=lambda one: one.at))


def _tier(message: requests_pb2.Tier) -> DatedTier:
    return DatedTier(action_from_wire(message.action), time_from_wire(message.at, field="tiers.at"))
