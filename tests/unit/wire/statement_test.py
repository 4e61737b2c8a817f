"""Statements: one form, and nothing else is read."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from dsr_core.closing import Outcome
from dsr_core.ids import OrganisationId, SystemId
from dsr_core.rights import Right
from dsr_wire.canonical import canonical
from dsr_wire.certificate.fields import MalformedError
from dsr_wire.certificate.statement import StatedAnswer, StatedObligation, Statement
from support.builders import NOW, a_cohort_id, a_request_id, days

STATEMENT = Statement(
    request_id=a_request_id(),
    right=Right.DELETION,
    regime="gdpr",
    home_cohort_id=a_cohort_id(),
    cohort_id=a_cohort_id(),
    registry_digest="ab" * 32,
    rules_digest=None,
    opened_at=NOW,
    due_at=NOW + days(30),
    closed_at=NOW + days(3),
    outcome=Outcome.FULFILLED,
    stopping=None,
    expected=1,
    evidence_digest=b"\x01" * 32,
    opened={SystemId("crm"): OrganisationId("example-group")},
    obligations=(
        StatedObligation(
            system_id=SystemId("crm"),
            organisation_id=OrganisationId("example-group"),
            answers=(StatedAnswer(b"\x02" * 32, NOW + days(2)),),
        ),
    ),
    amendments=(b"\x03" * 32,),
)


def test_a_statement_is_read_as_it_was_written_and_named_by_its_bytes() -> None:
    written = STATEMENT.canonical()
    assert Statement.from_canonical(written) == STATEMENT
    assert hashlib.sha256(written).digest() == STATEMENT.digest
    assert written.startswith(b'{"amendments":["0303')


def test_the_form_of_a_statement_never_changes() -> None:
    golden = "b6bf488710858648c56bfcaa64fa5c135126320976036596dc74cd31ce112f72"
    assert STATEMENT.digest.hex() == golden


def changed(**fields: Any) -> bytes:
    return canonical(STATEMENT.value() | fields)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (changed(v=2), "asked"),
        (changed(v=3), "v"),
        (changed(v=True), "v"),
        (changed(right="forgetting"), "right"),
        (changed(request_id="1"), "request_id"),
        (changed(expected=-1), "expected"),
        (changed(stopping=""), "stopping"),
        (changed(closed_at="2026-03-05T09:30:00Z"), "closed_at"),
        (changed(evidence_digest="AB" * 32), "evidence_digest"),
        (changed(evidence_digest="ab" * 31), "evidence_digest"),
        (changed(amendments=["AB" * 32]), "amendments[0]"),
        (changed(amendments=[1]), "amendments[0]"),
        (changed(amendments=None), "amendments"),
        (changed(more=1), "more"),
        (changed(opened=[{"system_id": "crm"}]), "opened[0].organisation_id"),
        (changed(obligations=[{"system_id": "crm"}]), "obligations[0].answers"),
        (changed(obligations=["crm"]), "obligations[0]"),
        (
            changed(obligations=[{"system_id": "CRM", "organisation_id": "a", "answers": []}]),
            "obligations[0].system_id",
        ),
        (
            changed(obligations=[{"system_id": "crm", "organisation_id": "A", "answers": []}]),
            "obligations[0].organisation_id",
        ),
    ],
)
def test_what_is_no_statement_is_refused_with_its_part(data: bytes, part: str) -> None:
    with pytest.raises(MalformedError) as fault:
        Statement.from_canonical(data)
    assert fault.value.part == part


def test_another_form_of_the_same_statement_is_refused() -> None:
    spaced = json.dumps(STATEMENT.value(), sort_keys=True).encode()
    with pytest.raises(ValueError, match="canonical"):
        Statement.from_canonical(spaced)
