"""Closures that were told of before a restore: the same ones are not told again, others are."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, RequestId
from dsr_core.rights import Right
from dsr_verifier.adapters.told_closures import as_told
from dsr_wire.codec.closures import Closure

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BEFORE = NOW - timedelta(hours=1)


def a_closure() -> Closure:
    request_id = str(uuid4())
    return Closure(
        request_id=RequestId(request_id),
        cohort_id=CohortId(request_id),
        right=Right.DELETION,
        outcome=Outcome.FULFILLED,
        closed_at=NOW,
        obligations=5,
        evidence_digest=hashlib.sha256(request_id.encode()).digest(),
        registry_digest="sha256:00",
    )


def test_what_was_told_by_the_same_evidence_keeps_its_time_and_is_not_told_again() -> None:
    told, other = a_closure(), a_closure()
    closures, news = as_told([told, other], {told.request_id: (BEFORE, told.evidence_digest)})
    assert closures == [replace(told, closed_at=BEFORE), other]
    assert news == [other]


def test_other_evidence_than_was_told_is_news_with_its_own_time() -> None:
    closure = a_closure()
    closures, news = as_told([closure], {closure.request_id: (BEFORE, bytes(32))})
    assert closures == news == [closure]
