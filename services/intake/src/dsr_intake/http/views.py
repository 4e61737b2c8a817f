"""What the public API answers with: the documents, and how they are made of the application's values."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import orjson
from fastapi import Response
from pydantic import BaseModel

from dsr_core.closing import Outcome
from dsr_core.law.proofs import Evidence
from dsr_core.lifecycle import State
from dsr_core.rights import Right
from dsr_core.suppressions import SuppressionKind
from dsr_intake.model import Accepted, FollowsWhy, RequestView

__all__ = [
    "BASE",
    "AcceptedDocument",
    "ClosureDocument",
    "ObligationsDocument",
    "RefusalDocument",
    "RequestDocument",
    "RequestListDocument",
    "accepted_document",
    "json_response",
    "no_obligations_document",
    "obligations_document",
    "progress_document",
    "request_document",
]

BASE = "/v1/subject-requests"


class Links(BaseModel):
    """Where more is found."""

    self: str
    obligations: str
    closure: str
    events: str
    timeline: str
    blockers: str
    letters: str


class AcceptedDocument(BaseModel):
    """A subject request as it was accepted."""

    id: str
    state: Literal[
        State.OPEN,
        State.AWAITING_IDENTITY,
        State.AWAITING_AUTHORITY,
        State.AWAITING_DECISION,
        State.ON_HOLD,
        State.CLOSED,
        State.ANSWERED,
    ]
    right: Right
    jurisdiction: str
    regime: str
    cohort_id: str
    registry_digest: str
    rules_digest: str
    received_at: datetime
    accepted_at: datetime
    due_at: datetime
    identity_needed: str | None
    """Why the client's attestation is too little for the data that is asked for, and what is needed;
    null where it suffices, or nothing was attested."""

    links: Links


class ScopeDocument(BaseModel):
    """What part of the data is meant; what is empty limits nothing."""

    categories: list[str]
    organisation_ids: list[str]
    system_ids: list[str]
    """Set where a request follows from what these systems kept; no client asks for it."""

    since: date | None
    uses: list[SuppressionKind]


class EvidenceDocument(BaseModel):
    """A document in the client's own records."""

    kind: Evidence
    reference: str
    given_on: date | None


class RequesterDocument(BaseModel):
    """Who filed the request."""

    role: str
    evidence: EvidenceDocument | None
    """What was sent to show that they may ask for another person."""


class RequestDocument(BaseModel):
    """A subject request as it stands. Its identifiers are never given back, only their kinds."""

    id: str
    state: State
    outcome: Outcome | None
    right: Right
    jurisdiction: str
    regime: str
    regime_why: str
    cohort_id: str
    registry_digest: str
    rules_digest: str
    requester: RequesterDocument
    scope: ScopeDocument
    identifier_kinds: list[str]
    channel: str
    language: str | None
    received_at: datetime
    accepted_at: datetime
    due_at: datetime
    identity_proven_at: datetime | None
    closed_at: datetime | None
    answered_at: datetime | None
    letters: bool
    """Whether the requester is told by letter."""

    is_duplicate: bool
    """Whether it repeats an open request of the same person, and is answered together with that."""

    duplicate_of: str | None
    """That request, where the same client submitted it."""

    related_to: str | None
    """A request of the same person and right that was open, and that it is not answered with; where
    the same client submitted it."""

    follows: str | None
    """The closed request that it follows."""

    follows_why: FollowsWhy | None
    links: Links


class RequestListDocument(BaseModel):
    """Subject requests, newest first."""

    items: list[RequestDocument]
    next_cursor: str | None
    """Gives the next page; none at the end."""


class ExemptionDocument(BaseModel):
    """A legal ground on which a system keeps some data."""

    ground: str
    review_at: datetime
    categories: list[str]
    records: int


class HandedOverDocument(BaseModel):
    """How much a system has handed over."""

    files: int
    size: int
    """In bytes."""


class ObligationDocument(BaseModel):
    """What one system owes, and what it has answered."""

    system_id: str
    organisation_id: str
    is_confirmed: bool
    is_contradicted: bool
    contradicts_closure: bool
    """What the system has said since the closing contradicts it; a closure is never changed."""

    disposition: str | None
    sequence: int | None
    records: int | None
    exemptions: list[ExemptionDocument]
    reason: str | None
    answered_at: datetime | None
    recorded_at: datetime | None
    retry_at: datetime | None
    delivery: HandedOverDocument | None
    """What it has handed over for access; null where it has not, or not through the program."""

    phase: int
    """In which phase of the plan it is asked, from 0 on."""


class PhaseDocument(BaseModel):
    """A part of the systems, which is asked once those of the earlier parts have confirmed."""

    phase: int
    told_at: datetime | None
    """When its systems were told; null while they wait."""

    is_due: bool
    """Whether they were told since a date had come, whatever the earlier ones had answered."""

    confirmed_at: datetime | None
    """When every member of the cohort had confirmed; never said of the last."""


class ObligationsDocument(BaseModel):
    """What is owed for a subject request; `expected` is null while the ledger has not seen it."""

    request_id: str
    cohort_id: str
    right: Right
    regime: str
    registry_digest: str
    due_at: datetime
    opened_at: datetime | None
    expected: int | None
    open: int | None
    closed_at: datetime | None
    obligations: list[ObligationDocument]
    phases: list[PhaseDocument]
    """Empty where all systems are asked at once."""


class ClosureDocument(BaseModel):
    """The verifier's record that a subject request is closed."""

    request_id: str
    cohort_id: str
    right: Right
    outcome: Outcome
    closed_at: datetime
    obligations: int
    evidence_digest: str | None
    """None of a duplicate of what another client submitted: the evidence is that request's."""

    registry_digest: str


def json_response(
    content: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return a JSON answer; times are in UTC."""
    return Response(
        orjson.dumps(content, option=orjson.OPT_UTC_Z),
        status_code=status,
        media_type="application/json",
        headers=headers,
    )


class RefusalDocument(RequestDocument):
    """A subject request that was refused."""

    breach: str | None
    """By when the person had to be told of the refusal, where it came later; null where it is in time."""


def accepted_document(one: Accepted, *, lacks: str | None = None) -> dict[str, Any]:
    """Return what a client is told when its request is accepted, the same each time.

    Args:
        one: The request.
        lacks: Why the client's attestation is too little; none where it suffices.
    """
    return {
        "id": one.request_id,
        "state": one.state.value,
        "right": one.right.value,
        "jurisdiction": one.jurisdiction,
        "regime": one.regime,
        "cohort_id": one.cohort_id,
        "registry_digest": one.registry_digest,
        "rules_digest": one.rules_digest,
        "received_at": one.received_at,
        "accepted_at": one.accepted_at,
        "due_at": one.due_at,
        "identity_needed": lacks,
        "links": _links(one.request_id),
    }


def request_document(one: RequestView, *, for_client: bool = True) -> dict[str, Any]:
    """Return a subject request as it stands.

    Args:
        one: The request.
        for_client: Whether it is shown to its client, who learns nothing of what others have submitted.
    """
    names = not (for_client and one.names_strangers)
    return {
        "id": one.request_id,
        "state": one.state.value,
        "outcome": one.outcome,
        "right": one.right.value,
        "jurisdiction": one.jurisdiction,
        "regime": one.regime,
        "regime_why": one.regime_why,
        "cohort_id": one.cohort_id,
        "registry_digest": one.registry_digest,
        "rules_digest": one.rules_digest,
        "requester": {
            "role": one.requester_role,
            "evidence": one.evidence._asdict() if one.evidence else None,
        },
        "scope": {
            "categories": one.scope.categories,
            "organisation_ids": one.scope.organisation_ids,
            "system_ids": one.scope.system_ids,
            "since": one.scope.since,
            "uses": one.scope.uses,
        },
        "identifier_kinds": one.identifier_kinds,
        "channel": one.channel,
        "language": one.language,
        "received_at": one.received_at,
        "accepted_at": one.accepted_at,
        "due_at": one.due_at,
        "identity_proven_at": one.identity_proven_at,
        "closed_at": one.closed_at,
        "answered_at": one.answered_at,
        "letters": one.letters,
        "is_duplicate": one.duplicate_of is not None,
        "duplicate_of": one.duplicate_of if names else None,
        # Who has not proven who they are learns nothing of what others have asked.
        "related_to": one.related_to if names and one.identity_proven_at else None,
        "follows": one.follows,
        "follows_why": one.follows_why and one.follows_why.value,
        "links": _links(one.request_id),
    }


def progress_document(found: dict[str, Any], one: RequestView) -> dict[str, Any]:
    """Return what the ledger says of the request that one is answered with, as its client sees it.

    Of what another client submitted that is how far it is, and nothing that names it.
    """
    if one.duplicate_of is None or not one.names_strangers:
        return found
    own = {"request_id": one.request_id, "cohort_id": one.cohort_id, "evidence_digest": None}
    return found | {name: value for name, value in own.items() if name in found}


def obligations_document(found: dict[str, Any], one: RequestView) -> dict[str, Any]:
    """Return what is owed, and of what systems have handed over, how much it is."""
    if "obligations" in found:
        found = found | {"obligations": [_without_keys(each) for each in found["obligations"]]}
    return progress_document(found, one)


def _without_keys(obligation: dict[str, Any]) -> dict[str, Any]:
    delivery = obligation.get("delivery")
    if delivery is None:
        return obligation
    return obligation | {"delivery": {name: delivery[name] for name in ("files", "size")}}


def no_obligations_document(one: RequestView) -> dict[str, Any]:
    """Return what is known of the obligations of a request that the ledger has not seen."""
    return {
        "request_id": one.request_id,
        "cohort_id": one.cohort_id,
        "right": one.right.value,
        "regime": one.regime,
        "registry_digest": one.registry_digest,
        "due_at": one.due_at,
        "opened_at": None,
        "expected": None,
        "open": None,
        "closed_at": None,
        "obligations": [],
        "phases": [],
    }


def _links(request_id: str) -> dict[str, str]:
    own = f"{BASE}/{request_id}"
    return {
        "self": own,
        "obligations": f"{own}/obligations",
        "closure": f"{own}/closure",
        "events": f"{own}/events",
        "timeline": f"{own}/timeline",
        "blockers": f"{own}/blockers",
        "letters": f"{own}/letters",
    }
