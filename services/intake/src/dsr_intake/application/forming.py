"""Cohorts, formed of drafts in the transaction that accepts them, and so never formed anew."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from dsr_core.cohorts import COHORT_LIMIT, CohortKey
from dsr_core.ids import CohortId, uuid7
from dsr_core.law.rules import Tier
from dsr_intake.model import Draft, FormedCohort, RequestView
from dsr_wire.codec.requests import AcceptedCohort, DatedTier, cohort_accepted_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import REQUESTS

__all__ = ["SOURCE", "accepted_record", "alone", "cohorts_of_many", "cohorts_of_one", "dated"]

SOURCE = "intake"
"""What intake calls itself in envelopes."""


def cohorts_of_one(drafts: Iterable[Draft]) -> tuple[FormedCohort, ...]:
    """Give every draft a cohort of its own, which bears the request's id."""
    return tuple(_form((draft,)) for draft in drafts)


def cohorts_of_many(drafts: Sequence[Draft]) -> tuple[FormedCohort, ...]:
    """Group drafts that share plan and dates, each group of `COHORT_LIMIT` members at most.

    A duplicate is in a cohort of one that nobody is told of; what waits for another request is alone, too.
    """
    groups: dict[CohortKey, list[Draft]] = {}
    apart = [one for one in drafts if _is_apart(one)]
    for draft in drafts:
        if not _is_apart(draft):
            groups.setdefault(_key(draft), []).append(draft)
    many = (_form(part) for group in groups.values() for part in _parts(group))
    return (*many, *cohorts_of_one(apart))


def _is_apart(draft: Draft) -> bool:
    return bool(draft.duplicate_of or draft.beginning or draft.after)


def _parts(group: list[Draft]) -> Iterator[tuple[Draft, ...]]:
    for start in range(0, len(group), COHORT_LIMIT):
        yield tuple(group[start : start + COHORT_LIMIT])


def _key(draft: Draft) -> CohortKey:
    submission = draft.submission
    return CohortKey(
        right=submission.right,
        regime=draft.dates.regime,
        jurisdiction=submission.jurisdiction,
        scope=submission.scope,
        identifier_kinds=submission.identity.kinds,
        registry_digest=draft.registry_digest,
        rules_digest=draft.dates.rules_digest,
        received_on=draft.dates.received_on,
        due_at=draft.dates.due_at,
    )


def _form(members: tuple[Draft, ...]) -> FormedCohort:
    first = members[0]
    submission = first.submission
    received_at = min(one.received_at for one in members)
    cohort = AcceptedCohort(
        cohort_id=_cohort_id(members),
        right=submission.right,
        regime=first.dates.regime,
        jurisdiction=submission.jurisdiction,
        scope=submission.scope,
        identifier_kinds=submission.identity.kinds,
        registry_digest=first.registry_digest,
        received_at=received_at,
        accepted_at=first.accepted_at,
        due_at=first.dates.due_at,
        rules_digest=first.dates.rules_digest,
        tiers=dated(first.dates.tiers, received_at, first.dates.due_at),
        verify_identity_by=first.dates.verify_identity_by,
        request_ids=tuple(one.request_id for one in members),
        after=first.after if len(members) == 1 else (),
    )
    if first.duplicate_of is not None or submission.appeal_of is not None:
        return FormedCohort(cohort, members, None)
    return FormedCohort(cohort, members, accepted_record(cohort, traceparent=first.traceparent))


def alone(one: RequestView, tiers: Iterable[Tier], due_at: datetime) -> AcceptedCohort:
    """Return a request as a cohort of one, which bears its id; without tiers nothing becomes due."""
    return AcceptedCohort(
        cohort_id=CohortId(one.request_id),
        right=one.right,
        regime=one.regime,
        jurisdiction=one.jurisdiction,
        scope=one.scope,
        identifier_kinds=one.identifier_kinds,
        registry_digest=one.registry_digest,
        received_at=one.received_at,
        accepted_at=one.accepted_at,
        due_at=due_at,
        rules_digest=one.rules_digest,
        tiers=dated(tiers, one.counted_from, due_at),
        held_before=one.held_before,
        request_ids=(one.request_id,),
        after=one.after,
    )


def accepted_record(cohort: AcceptedCohort, *, traceparent: str | None = None) -> Outgoing:
    """Return what has a cohort orchestrated."""
    return encode(
        cohort_accepted_to_wire(cohort),
        topic=REQUESTS.name,
        key=cohort.cohort_id,
        event_id=cohort.cohort_id,
        source=SOURCE,
        at=cohort.accepted_at,
        traceparent=traceparent,
    )


def dated(tiers: Iterable[Tier], received_at: datetime, due_at: datetime) -> tuple[DatedTier, ...]:
    """Return tiers as moments on the way from receipt to the legal date."""
    whole = due_at - received_at
    return tuple(DatedTier(tier.action, received_at + whole * tier.percent / 100) for tier in tiers)


def _cohort_id(members: tuple[Draft, ...]) -> CohortId:
    first = members[0]
    if len(members) == 1:
        return CohortId(first.request_id)
    return CohortId(uuid7(int(first.accepted_at.timestamp() * 1000), os.urandom(10)))
