"""What amendments make of a request, whatever the order in which they come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.rights import CONFIRMING, STOPPING, Disposition, Right
from dsr_verifier.application.settling import move
from dsr_verifier.application.terms import amended, breaches, held
from dsr_verifier.model import holds, key_of
from dsr_verifier.ports import LedgerRequest, Settlement
from dsr_wire.codec.amendments import (
    Amendment,
    Change,
    DueDateMoved,
    LeftCohort,
    PlanChanged,
    Succession,
)
from dsr_wire.codec.decisions import ENDINGS, HoldLifted, HoldPlaced, ObligationSettled, Stopped
from dsr_wire.terms import in_order
from support.builders import NOW, a_cohort_id, a_request_id, an_amendment, an_id, days
from support.strategies import answers_to_one

OWNER = OrganisationId("example-group")
ALWAYS = SystemId("crm")
"""A system that no change of plan removes, so that none leaves nobody."""

OTHERS = [SystemId(name) for name in ("billing", "mailer")]
REQUEST = LedgerRequest(
    request_id=a_request_id(),
    cohort_id=a_cohort_id(),
    right=Right.DELETION,
    registry_digest="the first",
    systems={ALWAYS: OWNER, OTHERS[0]: OWNER},
    open_count=2,
    closed_at=None,
    due_at=NOW + days(30),
    opened_at=NOW,
    home_cohort_id=a_cohort_id(),
)

times = st.integers(0, 3).map(lambda number: NOW + days(number))
hold_ids = st.sampled_from([an_id(501), an_id(502)])


@st.composite
def plans(draw: st.DrawFn) -> PlanChanged:
    """A plan that takes one of the others in or out, or none."""
    added = draw(st.sets(st.sampled_from(OTHERS)))
    removed = draw(st.sets(st.sampled_from(OTHERS))) - added
    digest = draw(st.sampled_from(["the second", "the third"]))
    successions = tuple(
        Succession(one, draw(st.sampled_from([ALWAYS, *OTHERS])), OWNER, draw(times))
        for one in sorted(draw(st.sets(st.sampled_from(OTHERS), max_size=1)))
    )
    return PlanChanged(
        digest,
        tuple((one, OWNER) for one in sorted(added)),
        tuple(sorted(removed)),
        tuple(one for one in successions if one.retired != one.successor),
    )


changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(LeftCohort, st.integers(1, 2).map(lambda one: CohortId(an_id(700 + one)))),
    st.builds(DueDateMoved, times),
    st.builds(Stopped, st.sampled_from(sorted(ENDINGS))),
    st.builds(HoldPlaced, hold_ids, st.sampled_from([(), (ALWAYS,)])),
    st.builds(HoldLifted, hold_ids),
    st.builds(
        ObligationSettled,
        system_id=st.just(ALWAYS),
        disposition=st.sampled_from(sorted(CONFIRMING[Right.DELETION] | STOPPING)),
        proposed_by=st.just("operator-a"),
        approved_by=st.just("operator-b"),
        reason=st.just("gone"),
    ),
    plans(),
)
amendments = st.lists(
    st.builds(
        lambda change, revision, at: an_amendment(change, revision=revision, effective_at=at),
        changes,
        st.integers(1, 4),
        times,
    ),
    max_size=6,
    unique_by=key_of,
)


def with_all(known: Iterable[Amendment]) -> LedgerRequest:
    """The request after these amendments, one after another."""
    request = REQUEST
    for one in known:
        after = amended(request, one)
        assert after is not None
        request = after
    return request


@given(st.data(), amendments)
def test_the_order_of_arrival_does_not_change_what_amendments_make_of_a_request(
    data: st.DataObject, known: list[Amendment]
) -> None:
    first, second = with_all(known), with_all(data.draw(st.permutations(known)))
    assert second == first
    assert list(second.systems) == list(first.systems)
    assert held(second) == held(first)


@given(amendments)
def test_the_last_of_its_kind_counts_and_the_first_ending(known: list[Amendment]) -> None:
    request = with_all(known)
    in_turn = [one.change for one in sorted(known, key=in_order)]
    endings = [one.outcome for one in in_turn if isinstance(one, Stopped)]
    dates = [one.due_at for one in in_turn if isinstance(one, DueDateMoved)]
    plans_of = [one for one in in_turn if isinstance(one, PlanChanged)]
    assert request.stopping is (endings[0] if endings else None)
    assert request.due_at == (dates[-1] if dates else REQUEST.due_at)
    systems = set(REQUEST.systems)
    for one in plans_of:
        systems = systems - set(one.removed) | set(dict(one.added))
        for each in one.successions:
            if each.retired in systems:
                systems = systems - {each.retired} | {each.successor}
    assert set(request.systems) == systems
    assert request.registry_digest == (plans_of[-1].registry_digest if plans_of else "the first")


def standing_after(
    request: LedgerRequest, answers: list[Acknowledgement], known: list[Amendment]
) -> Settlement:
    """What the ledger changes when it is told of answers and amendments together."""
    for one in known:
        after = amended(request, one)
        assert after is not None
        request = after
    pair = (request.request_id, ALWAYS)
    return move({request.request_id: request}, {}, {pair: answers})


@given(answers_to_one(), amendments)
def test_answers_before_amendments_and_after_them_stand_alike(
    answers: list[Acknowledgement], known: list[Amendment]
) -> None:
    together = standing_after(REQUEST, answers, known)
    request, pair = with_all(known), (REQUEST.request_id, ALWAYS)
    requests: dict[RequestId, LedgerRequest] = {REQUEST.request_id: REQUEST}
    early = move(requests, {}, {pair: answers})
    before = {(one.request_id, one.system_id): one.standing for one in early.obligations}
    requests[REQUEST.request_id] = replace(
        request, open_count=early.open_counts.get(REQUEST.request_id, REQUEST.open_count)
    )
    late = move(requests, before, {pair: answers})
    stood = late.obligations or early.obligations
    assert [one.standing for one in stood] == [one.standing for one in together.obligations]
    counts = [one.open_counts.get(REQUEST.request_id) for one in (late, early) if one.open_counts]
    told = together.open_counts.get(REQUEST.request_id, REQUEST.open_count)
    assert (counts[0] if counts else REQUEST.open_count) == told


@given(answers_to_one(), amendments)
def test_a_breach_is_an_erasure_by_a_system_that_was_held_then(
    answers: list[Acknowledgement], known: list[Amendment]
) -> None:
    request = with_all(known)
    known_holds = holds(request.amendments)
    erased = {Disposition.ERASED, Disposition.PARTIALLY_EXEMPT}
    for one in breaches(request, {(request.request_id, ALWAYS): answers}):
        assert any(
            hold.hold_id == one.hold_id
            and hold.covers(one.system_id)
            and one.answered_at >= hold.placed_at
            and (hold.lifted_at is None or one.answered_at < hold.lifted_at)
            for hold in known_holds
        )
        assert any(
            (given_.sequence, given_.answered_at) == (one.sequence, one.answered_at)
            and given_.disposition in erased
            for given_ in answers
        )
