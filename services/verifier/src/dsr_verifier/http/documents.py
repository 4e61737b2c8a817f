"""What the read API answers, for its OpenAPI document. Answers are written from the views as they are."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, RootModel

from dsr_core.closing import Outcome
from dsr_core.rights import Disposition, Right
from dsr_verifier.model import Effect

__all__ = [
    "AcknowledgementsDocument",
    "CertificateDocument",
    "ChangesDocument",
    "ClosureDocument",
    "EvidenceKeysDocument",
    "LinksToldDocument",
    "MissingDocument",
    "ObligationsDocument",
    "ProgressDocument",
    "answers",
]


class CertificateDocument(RootModel[dict[str, Any]]):
    """A certificate; its schema is `docs/certificate.schema.json`, its bytes are canonical."""


class EvidenceKeysDocument(RootModel[dict[str, Any]]):
    """The published keys; their schema is `docs/evidence-keys.schema.json`."""


class ExemptionDocument(BaseModel):
    """A legal ground on which a system keeps some data."""

    ground: str
    review_at: datetime
    categories: list[str]
    records: int


class SettledByDocument(BaseModel):
    """Two people who answered in place of a system, and why."""

    proposed_by: str
    approved_by: str
    revision: int
    reason: str


class DeliveryDocument(BaseModel):
    """A reference to what a system has handed over for access; the key is sealed for intake's eyes."""

    export_id: str
    sealed_key: str
    """In hexadecimal."""

    size: int
    index_size: int
    index_digest: str
    """In hexadecimal."""

    files: int


class HoldDocument(BaseModel):
    """A legal hold; no systems means all of them, and it stands while `lifted_at` is null."""

    hold_id: str
    system_ids: list[str]
    placed_at: datetime
    lifted_at: datetime | None


class BreachDocument(BaseModel):
    """An erasure under a legal hold, by the answer that says so."""

    system_id: str
    hold_id: str
    sequence: int
    answered_at: datetime
    recorded_at: datetime


class AmendmentDocument(BaseModel):
    """A change to what is owed, and what became of it; `effect` is null while it waits."""

    revision: int
    kind: str
    cohort_id: str
    amended_at: datetime
    effective_at: datetime
    recorded_at: datetime
    effect: Effect | None
    effect_at: datetime | None
    change: dict[str, Any]


class SucceededDocument(BaseModel):
    """A retired system, which another answers for since then, and what it had last answered itself."""

    system_id: str
    since: datetime
    disposition: Disposition | None
    answered_at: datetime | None


class PhaseDocument(BaseModel):
    """A part of the systems, which is asked once those of the earlier parts have confirmed."""

    phase: int
    told_at: datetime | None
    """When its systems were told; null while they wait."""

    is_due: bool
    """Whether they were told since a date had come, whatever the earlier ones had answered."""

    confirmed_at: datetime | None
    """When every member of the cohort had confirmed; never said of the last."""


class ObligationDocument(BaseModel):
    """What one system owes, and where that stands; `disposition` is null until it has answered."""

    system_id: str
    organisation_id: str
    phase: int
    """In which phase of the plan it is asked, from 0 on."""

    is_held: bool
    """A legal hold suspends erasure in it."""

    answers_for: list[SucceededDocument]
    """Retired systems whose data it has now: what it answered before it took that over does not count."""

    is_confirmed: bool
    is_contradicted: bool
    contradicts_closure: bool
    """What the system has said since the closing contradicts it; a closure is never changed."""

    disposition: Disposition | None
    sequence: int
    records: int
    exemptions: list[ExemptionDocument]
    reason: str
    answered_at: datetime | None
    recorded_at: datetime | None
    retry_at: datetime | None
    settled_by: SettledByDocument | None
    """Who answered in its place; null where it did."""

    delivery: DeliveryDocument | None
    """What it has handed over through the program; null where it has not."""


class ObligationsDocument(BaseModel):
    """A subject request with all its obligations, and how what is owed was amended."""

    request_id: str
    cohort_id: str
    """The cohort that it belongs to now."""

    home_cohort_id: str
    """The one that it was accepted in."""

    right: Right
    regime: str
    registry_digest: str
    due_at: datetime
    opened_at: datetime
    expected: int
    open: int
    closed_at: datetime | None
    stopping: Outcome | None
    """How it ends where it is being stopped."""

    obligations: list[ObligationDocument]
    phases: list[PhaseDocument]
    """Empty where all systems are asked at once."""

    awaits: list[str]
    """Requests for the same person's data whose copy is to be made before the first system is told."""

    holds: list[HoldDocument]
    breaches: list[BreachDocument]
    amendments: list[AmendmentDocument]


class AcknowledgementDocument(BaseModel):
    """One answer as it was recorded; batch and index say where its signature is."""

    system_id: str
    sequence: int
    disposition: Disposition
    records: int
    exemptions: list[ExemptionDocument]
    reason: str
    delivery: DeliveryDocument | None
    answered_at: datetime
    recorded_at: datetime
    batch_id: str
    index: int
    leaf_hash: str


class AcknowledgementsDocument(BaseModel):
    """Every answer to a subject request, in the order of recording."""

    request_id: str
    acknowledgements: list[AcknowledgementDocument]


class ClosureDocument(BaseModel):
    """The record that a subject request is closed."""

    request_id: str
    cohort_id: str
    right: Right
    outcome: Outcome
    closed_at: datetime
    obligations: int
    evidence_digest: str
    registry_digest: str


class RequestProgress(BaseModel):
    """How far one subject request is: by system what it has answered, or null."""

    request_id: str
    expected: int
    open: int
    closed_at: datetime | None
    systems: dict[str, Disposition | None]
    confirmed: list[str]
    contradicted: list[str]
    """Systems whose answers contradict each other: none of them confirms."""

    held: list[str]
    """Systems in which a legal hold suspends erasure."""


class ProgressDocument(BaseModel):
    """Those of the requests asked for that the ledger knows, in the order asked."""

    requests: list[RequestProgress]


class LinksTold(BaseModel):
    """How many answers with links to one request intake was told of."""

    request_id: str
    told: int
    last_told_at: datetime


class LinksToldDocument(BaseModel):
    """Those of the requests asked for that have any, by id."""

    requests: list[LinksTold]


class MissingDocument(BaseModel):
    """How many requests of a cohort are open, and which of them each system still owes.

    Those of which a legal hold suspends the erasure are under `held`, and nowhere else.
    """

    cohort_id: str
    open_requests: int
    systems: dict[str, list[str]]
    held: dict[str, list[str]]
    phases: list[PhaseDocument]
    """Empty where all systems are asked at once."""


class ChangeDocument(BaseModel):
    """An obligation that stands elsewhere now, or a request where no system is named."""

    cursor: str
    request_id: str
    system_id: str | None
    disposition: Disposition | None
    is_confirmed: bool
    at: datetime


class ChangesDocument(BaseModel):
    """Changes, and the cursor to go on from."""

    changes: list[ChangeDocument]
    cursor: str


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
"""A problem document (RFC 9457). It never echoes a value that was sent."""


def answers(model: type[BaseModel], *problems: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of a route's answers, those of every route included."""
    refusals: dict[int | str, dict[str, Any]] = {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": _PROBLEM}},
        }
        for status in sorted({401, 503, *problems})
    }
    return {200: {"model": model}, **refusals}
