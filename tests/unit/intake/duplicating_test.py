"""Which drafts are linked to which open request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from dsr_intake.application.duplicating import linked, repeated
from dsr_intake.application.forming import cohorts_of_many, cohorts_of_one
from dsr_intake.http.submission import parse_single
from dsr_intake.model import Draft, OpenTwin
from support.builders import NOW, a_registry, a_request_id
from support.intake_fakes import a_drafter, a_request_view
from support.submissions import a_submission

DAY = timedelta(days=1)


def a_draft(number: int = 1, *, due_in: timedelta = 30 * DAY, **changes: Any) -> Draft:
    sent = parse_single(orjson.dumps(a_submission(number, **changes)), idempotency_key=None)
    draft = a_drafter(a_registry()).draft(sent, client_id="mine")
    return replace(draft, dates=replace(draft.dates, due_at=NOW + due_in))


def a_twin(draft: Draft, **changes: Any) -> OpenTwin:
    assert draft.person_hash is not None
    twin = OpenTwin(
        may_be_repeated=True,
        person_hash=draft.person_hash,
        request_id=a_request_id(),
        may_be_brought_forward=True,
        jurisdiction="DE",
        regime=draft.dates.regime,
        rules_digest=draft.dates.rules_digest,
        registry_digest=draft.registry_digest,
        due_at=NOW + 20 * DAY,
    )
    return replace(twin, **changes)


def test_a_draft_that_repeats_an_open_request_carries_its_earlier_date() -> None:
    draft = a_draft()
    twin = a_twin(draft)
    (found,) = linked([draft], [twin])
    assert found.duplicate_of == twin.request_id
    assert found.dates.due_at == twin.due_at


@pytest.mark.parametrize(
    "changes",
    [
        {"jurisdiction": "FR"},
        {"rules_digest": "others"},
        {"registry_digest": "another"},
        {"regime": "another"},
        {"due_at": NOW + 31 * DAY, "may_be_brought_forward": False},
        {"due_at": NOW},
    ],
)
def test_another_law_plan_or_date_relates_and_does_not_link(changes: dict[str, Any]) -> None:
    draft = a_draft()
    twin = a_twin(draft, **changes)
    (found,) = linked([draft], [twin])
    assert (found.duplicate_of, found.related_to) == (None, twin.request_id)
    assert found.dates == draft.dates


def test_an_unverified_draft_is_related_and_nobody_is_linked_to_it() -> None:
    draft = a_draft(identity_attested=False)
    twin = a_twin(draft)
    (found,) = linked([draft], [twin])
    assert (found.duplicate_of, found.related_to) == (None, twin.request_id)
    proven = a_draft()
    assert linked([draft, proven], []) == [draft, proven]


def test_of_twins_in_one_transaction_the_earliest_clock_wins_whatever_their_order() -> None:
    late, early, other = a_draft(due_in=30 * DAY), a_draft(due_in=25 * DAY), a_draft(2)
    found = linked([late, other, early], [])
    assert [one.duplicate_of for one in found] == [early.request_id, None, None]
    assert found[0].dates.due_at == NOW + 25 * DAY


def test_who_asks_for_what_is_the_whole_identity_the_right_and_the_scope() -> None:
    one = a_draft()
    turned = a_draft(identity=list(reversed(a_submission()["identity"])))
    less = a_draft(identity=a_submission()["identity"][:1])
    scoped = a_draft(scope={"categories": ["user.contact"], "organisation_ids": []})
    assert one.person_hash == turned.person_hash
    assert len({each.person_hash for each in (one, a_draft(2), less, scoped)}) == 4


def test_nobody_is_told_of_the_cohort_of_a_duplicate() -> None:
    one, two = a_draft(), a_draft()
    for grouping in (cohorts_of_one, cohorts_of_many):
        formed = grouping(linked([one, two], []))
        assert [each.record is None for each in formed] == [False, True]
        assert formed[1].cohort.cohort_id == two.request_id


@pytest.mark.parametrize("may_move", [True, False])
def test_an_earlier_date_that_comes_later_is_linked_unless_the_later_one_was_decided(
    *,
    may_move: bool,
) -> None:
    draft = a_draft(due_in=10 * DAY)
    twin = a_twin(draft, may_be_brought_forward=may_move)
    (found,) = linked([draft], [twin])
    assert found.duplicate_of == (twin.request_id if may_move else None)
    assert found.dates.due_at == NOW + 10 * DAY


def test_whoever_is_proven_later_repeats_what_is_open_under_the_same_law_and_plan() -> None:
    draft = a_draft()
    one = replace(
        a_request_view(),
        jurisdiction="DE",
        regime=draft.dates.regime,
        rules_digest=draft.dates.rules_digest,
        registry_digest=draft.registry_digest,
    )
    twin = a_twin(draft)
    due_at = NOW + 30 * DAY
    assert repeated(one, [twin], due_at=due_at, at=NOW) == twin
    assert repeated(one, [twin], due_at=due_at, at=twin.due_at) is None
    assert repeated(replace(one, rules_digest="others"), [twin], due_at=due_at, at=NOW) is None
