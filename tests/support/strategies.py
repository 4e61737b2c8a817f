"""Hypothesis strategies of the domain's values: everything that the types allow, and no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from hypothesis import strategies as st

from dsr_core.acknowledgements import Acknowledgement, Exemption, SettledBy
from dsr_core.closing import Outcome
from dsr_core.exports import FILES_LIMIT, Delivery, ProtectedField, Protection
from dsr_core.identity import Identifier, Identity
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId, uuid7
from dsr_core.law.rules import TierAction
from dsr_core.lifecycle import State
from dsr_core.phases import COHORT_PHASES_LIMIT
from dsr_core.plan import Scope
from dsr_core.registry import Organisation, OrganisationRole, Registry, Sale, System
from dsr_core.resolving import Confidence, Resolution
from dsr_core.rights import ANSWERS, Disposition, Right
from dsr_core.suppressions import SuppressionKind
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.copies import SettledCopy
from dsr_wire.codec.lifecycle import StateChange
from dsr_wire.codec.notices import Notice, SealedIdentity, SystemNotice
from dsr_wire.codec.obligations import OpenedObligations, ToldPhase
from dsr_wire.codec.phases import ConfirmedPhase
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.codec.requests import AcceptedCohort, DatedTier

EXEMPT = frozenset({Disposition.EXEMPT, Disposition.PARTIALLY_EXEMPT})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

rights = st.sampled_from(Right)
slugs = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,4}){0,2}", fullmatch=True)
uuids = st.builds(uuid7, st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
times = st.datetimes(timezones=st.just(UTC)).filter(lambda at: at != EPOCH)
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40
)
counts = st.integers(0, 2**63 - 1)
digests = st.binary(min_size=32, max_size=32)
hex_digests = digests.map(bytes.hex)
categories = st.sampled_from(
    ("user", "user.contact", "user.contact.email", "user.name", "user.payment", "user.device")
)


def sorted_tuples(values: st.SearchStrategy[Any], *, least: int = 0) -> st.SearchStrategy[Any]:
    """Sorted tuples without repeats."""
    found = st.lists(values, min_size=least, max_size=4, unique=True)
    return found.map(lambda one: tuple(sorted(one)))


exemptions = st.builds(
    Exemption,
    ground=texts.filter(str.strip),
    review_at=times,
    categories=sorted_tuples(categories),
    records=counts,
)


@st.composite
def acknowledgements(
    draw: st.DrawFn,
    *,
    right: Right | None = None,
    sequences: st.SearchStrategy[int] = st.integers(1, 2**63 - 1),  # noqa: B008 - a strategy is a value
) -> Acknowledgement:
    """Any answer that its right allows."""
    asked = right or draw(rights)
    disposition = draw(st.sampled_from(sorted(ANSWERS[asked])))
    least = 1 if disposition in EXEMPT else 0
    return Acknowledgement(
        request_id=RequestId(draw(uuids)),
        system_id=SystemId(draw(slugs)),
        right=asked,
        disposition=disposition,
        sequence=draw(sequences),
        answered_at=draw(times),
        records=draw(counts),
        exemptions=tuple(draw(st.lists(exemptions, min_size=least, max_size=2))),
        reason=draw(
            texts.filter(str.strip) if disposition is Disposition.REFUSED else st.just("") | texts
        ),
        retry_at=draw(st.none() | times),
        delivery=draw(st.none() | deliveries) if disposition is Disposition.DELIVERED else None,
    )


deliveries = st.builds(
    Delivery,
    export_id=uuids,
    sealed_key=st.binary(min_size=80, max_size=80),
    size=counts,
    index_size=counts,
    index_digest=st.binary(min_size=32, max_size=32),
    files=st.integers(1, FILES_LIMIT),
)
"""References to exports."""


def _to_one(system_id: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Acknowledgement]:
    return st.builds(
        Acknowledgement,
        request_id=st.just(RequestId(uuid7(1, bytes(10)))),
        system_id=st.just(SystemId(system_id)),
        right=st.just(Right.DELETION),
        disposition=st.sampled_from(sorted(ANSWERS[Right.DELETION])),
        answered_at=st.sampled_from([EPOCH, EPOCH.replace(year=2026), EPOCH.replace(year=2027)]),
        **fields,
    )


@st.composite
def answers_to_one(draw: st.DrawFn, system_id: str = "crm") -> list[Acknowledgement]:
    """Answers to one deletion: few sequences, contents and times, so that they meet and collide."""
    one = _to_one(
        system_id,
        sequence=st.integers(1, 4),
        records=st.integers(0, 1),
        retry_at=st.none() | st.just(EPOCH.replace(year=2028)),
    )
    return draw(st.lists(one, max_size=6))


@st.composite
def answers_by_people(draw: st.DrawFn, system_id: str = "crm") -> list[Acknowledgement]:
    """Answers to the same deletion by two people, each under a revision of its own."""
    by = st.builds(
        SettledBy,
        proposed_by=st.just("operator-a"),
        approved_by=st.just("operator-b"),
        revision=st.integers(1, 3),
    )
    one = _to_one(system_id, sequence=st.just(0), settled_by=by)
    revisions = lambda one: one.settled_by.revision  # noqa: E731 - Hypothesis shows it by name
    return draw(st.lists(one, max_size=2, unique_by=revisions))


scopes = st.builds(
    Scope,
    sorted_tuples(categories),
    sorted_tuples(slugs.map(OrganisationId)),
    sorted_tuples(slugs.map(SystemId)),
    st.none() | st.dates(),
    sorted_tuples(st.sampled_from(SuppressionKind)),
)
_Opens = TypeVar("_Opens", AcceptedCohort, OpenedObligations)
request_ids = st.lists(uuids.map(RequestId), min_size=1, max_size=4, unique=True).map(tuple)


def _coming_after(one: _Opens) -> st.SearchStrategy[_Opens]:
    """Of a cohort of one, now and then: requests that hand data over before."""
    if len(one.request_ids) > 1:
        return st.just(one)
    return (st.just(()) | request_ids).map(lambda after: replace(one, after=after))


cohorts = st.builds(
    AcceptedCohort,
    cohort_id=uuids.map(CohortId),
    right=rights,
    regime=texts,
    jurisdiction=texts,
    scope=scopes,
    identifier_kinds=sorted_tuples(texts),
    registry_digest=hex_digests,
    received_at=times,
    accepted_at=times,
    due_at=times,
    request_ids=request_ids,
    rules_digest=st.just("") | hex_digests,
    tiers=st.lists(st.builds(DatedTier, st.sampled_from(TierAction), times), max_size=4).map(
        lambda one: tuple(sorted(one, key=lambda tier: tier.at))
    ),
    held_before=st.none() | times,
).flatmap(_coming_after)


def _phased(one: OpenedObligations) -> st.SearchStrategy[OpenedObligations]:
    numbers = st.integers(0, COHORT_PHASES_LIMIT - 1)
    return st.fixed_dictionaries({system: numbers for system, _ in one.systems}).map(
        lambda found: replace(one, phases={key: each for key, each in found.items() if each})
    )


opened = (
    st.builds(
        OpenedObligations,
        cohort_id=uuids.map(CohortId),
        right=rights,
        regime=texts,
        registry_digest=hex_digests,
        due_at=times,
        opened_at=times,
        request_ids=request_ids,
        systems=st.dictionaries(slugs, slugs, min_size=1, max_size=4).map(
            lambda owners: tuple(sorted(owners.items()))
        ),
        rules_digest=st.just("") | hex_digests,
    )
    .flatmap(_phased)
    .flatmap(_coming_after)
)
told_phases = st.builds(
    ToldPhase,
    cohort_id=uuids.map(CohortId),
    phase=st.integers(1, COHORT_PHASES_LIMIT - 1),
    told_at=times,
    is_due=st.booleans(),
)
settled_copies = st.builds(SettledCopy, request_id=uuids.map(RequestId), settled_at=times)
confirmed_phases = st.builds(
    ConfirmedPhase,
    cohort_id=uuids.map(CohortId),
    phase=st.integers(0, COHORT_PHASES_LIMIT - 1),
    confirmed_at=times,
)
system_notices = st.builds(
    SystemNotice,
    slugs.map(SystemId),
    st.lists(
        st.builds(SealedIdentity, uuids.map(RequestId), st.binary(max_size=64)), max_size=3
    ).map(tuple),
    texts,
    st.binary(max_size=80),
    st.none() | times,
    st.booleans(),
    st.lists(st.builds(ProtectedField, texts, st.sampled_from(Protection)), max_size=2).map(tuple),
)
notices = st.builds(
    Notice,
    notice_id=texts,
    organisation_id=slugs.map(OrganisationId),
    cohort_id=uuids.map(CohortId),
    right=rights,
    regime=texts,
    registry_digest=hex_digests,
    due_at=times,
    sent_at=times,
    reminder=st.integers(0, 2**32 - 1),
    scope=scopes,
    systems=st.lists(system_notices, min_size=1, max_size=3).map(tuple),
    held_before=st.none() | times,
)


def closures(cohort_id: str) -> st.SearchStrategy[Closure]:
    """Closures within one cohort."""
    return st.builds(
        Closure,
        request_id=uuids.map(RequestId),
        cohort_id=st.just(CohortId(cohort_id)),
        right=rights,
        outcome=st.sampled_from(Outcome),
        closed_at=times,
        obligations=st.integers(1, 2**32 - 1),
        evidence_digest=digests,
        registry_digest=hex_digests,
    )


state_changes = st.builds(
    StateChange, uuids.map(RequestId), st.sampled_from(State), st.just("") | texts, times
)
identities = st.lists(
    st.builds(Identifier, st.sampled_from(("email", "account_id", "phone")), texts), max_size=4
).map(Identity.of)
organisations = st.builds(
    Organisation,
    id=slugs.map(OrganisationId),
    name=texts,
    role=st.sampled_from(OrganisationRole),
    country=texts,
    region=texts,
    owner=texts,
    contact=texts,
    parent=st.none() | slugs.map(OrganisationId),
    sold=st.none() | st.builds(Sale, on=st.dates(), to=texts),
    processors_first=st.booleans(),
)
kinds = st.sampled_from(("account_id", "email", "phone"))
resolutions = st.builds(Resolution, kinds, kinds, st.sampled_from(Confidence))
systems = st.builds(
    System,
    id=slugs.map(SystemId),
    name=texts,
    organisation_id=slugs.map(OrganisationId),
    owner=texts,
    contact=texts,
    region=texts,
    rights=sorted_tuples(rights),
    identifiers=sorted_tuples(kinds),
    categories=sorted_tuples(categories),
    copies_from=sorted_tuples(slugs.map(SystemId)),
    erase_after=sorted_tuples(slugs.map(SystemId)),
    resolves=sorted_tuples(resolutions),
    retired_on=st.none() | st.dates(),
    successor=st.none() | slugs.map(SystemId),
)
registries = st.builds(
    Registry,
    st.lists(organisations, max_size=3, unique_by=lambda one: one.id).map(tuple),
    st.lists(systems, max_size=5, unique_by=lambda one: one.id).map(tuple),
)
published = st.builds(PublishedRegistry, registries, times)
