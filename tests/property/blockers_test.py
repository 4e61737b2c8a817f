"""Blockers are minimal: without them a request ends, and while one is left it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.blockers import BlockerKind, Decided, Hold, Proposed, Unlinked, Untold
from dsr_core.ids import SystemId
from dsr_core.lifecycle import State
from dsr_core.rights import Disposition, Right
from support.builders import NOW, a_request_id
from support.simulator import Simulated
from support.strategies import answers_to_one

Answers = Sequence[Acknowledgement]

CRM = SystemId("crm")
NAMES = tuple(SystemId(one) for one in ("billing", "crm", "mailer", "search"))
HOLDS = st.lists(
    st.builds(
        Hold,
        hold_id=st.sampled_from(["hold-1", "hold-2", "hold-3"]),
        authority=st.just("a court"),
        since=st.just(NOW),
        system_ids=st.frozensets(st.sampled_from([*NAMES, SystemId("elsewhere")])),
    ),
    max_size=3,
    unique_by=lambda one: one.hold_id,
)
PROPOSALS = st.lists(
    st.builds(
        Proposed, system_id=st.sampled_from(NAMES), by=st.just("an operator"), since=st.just(NOW)
    ),
    max_size=2,
)
UNTOLD = st.none() | st.builds(
    Untold,
    since=st.just(NOW),
    system_ids=st.frozensets(st.sampled_from([*NAMES, SystemId("elsewhere")])),
)
UNLINKED = st.none() | st.builds(
    Unlinked,
    since=st.just(NOW),
    system_ids=st.frozensets(st.sampled_from([*NAMES, SystemId("elsewhere")])),
    links=st.just(1),
)
UNASKED = (State.AWAITING_AUTHORITY, State.AWAITING_IDENTITY, State.AWAITING_DECISION)


def an_answer(disposition: Disposition, sequence: int = 1) -> Acknowledgement:
    return Acknowledgement(
        request_id=a_request_id(),
        system_id=CRM,
        right=Right.DELETION,
        disposition=disposition,
        sequence=sequence,
        answered_at=NOW,
    )


@st.composite
def simulated(draw: st.DrawFn) -> Simulated:
    """A request in any state after it is received, with what systems said and people decided."""
    state = draw(st.sampled_from([one for one in State if one is not State.RECEIVED]))
    is_over = state in {State.CLOSED, State.ANSWERED}
    is_opened = is_over or (state not in UNASKED and draw(st.booleans()))
    answers = draw(st.fixed_dictionaries({name: answers_to_one(name) for name in NAMES}))
    is_asked = state is State.AWAITING_CLARIFICATION
    return Simulated(
        state=state,
        answers=answers if is_opened else {name: [] for name in NAMES},
        is_opened=is_opened,
        decided=Decided(
            # On hold it stands wherever a hold has taken effect; before, one may cover it already.
            holds=tuple(draw(HOLDS)),
            untold=draw(UNTOLD),
            unlinked=draw(UNLINKED),
            clarification_since=NOW if is_asked else None,
            appealed_since=NOW if state is State.AWAITING_DECISION else None,
            stopping_since=NOW if state is State.STOPPING else None,
            proposals=tuple(draw(PROPOSALS)) if is_opened else (),
        ),
        bounced_at=draw(st.sampled_from([None, NOW])) if state is State.CLOSED else None,
        waits_for=draw(st.sampled_from([{}, {NAMES[1]: (NAMES[0],)}])),
    )


def one(state: State = State.OPEN, given: Answers = (), **changes: Any) -> Simulated:
    """A request of one system, `crm`, that has answered so far."""
    return Simulated(state=state, answers={CRM: given}, **changes)


EACH = {
    BlockerKind.AUTHORITY_NOT_PROVEN: one(State.AWAITING_AUTHORITY, is_opened=False),
    BlockerKind.IDENTITY_NOT_PROVEN: one(State.AWAITING_IDENTITY, is_opened=False),
    BlockerKind.APPEAL_UNDECIDED: one(
        State.AWAITING_DECISION, is_opened=False, decided=Decided(appealed_since=NOW)
    ),
    BlockerKind.NOT_OPENED: one(is_opened=False),
    BlockerKind.UNANSWERED: one(),
    BlockerKind.WAITING: one(waits_for={CRM: ()}),
    BlockerKind.IN_PROGRESS: one(given=[an_answer(Disposition.IN_PROGRESS)]),
    BlockerKind.FAILED: one(given=[an_answer(Disposition.FAILED)]),
    BlockerKind.UNRESOLVABLE: one(given=[an_answer(Disposition.UNRESOLVABLE)]),
    BlockerKind.CONTRADICTED: one(
        given=[an_answer(Disposition.ERASED), an_answer(Disposition.FAILED, sequence=2)]
    ),
    BlockerKind.UNVERIFIED: one(
        given=[an_answer(Disposition.ERASED), an_answer(Disposition.PRESENT, sequence=2)]
    ),
    BlockerKind.NOT_SIGNED: one(
        decided=Decided(proposals=(Proposed(system_id=CRM, by="an operator", since=NOW),))
    ),
    BlockerKind.CLARIFICATION_AWAITED: one(
        State.AWAITING_CLARIFICATION, decided=Decided(clarification_since=NOW)
    ),
    BlockerKind.LEGAL_HOLD: one(
        State.ON_HOLD, decided=Decided(holds=(Hold(hold_id="1", authority="a court", since=NOW),))
    ),
    BlockerKind.BREAKER: one(
        decided=Decided(untold=Untold(since=NOW, system_ids=frozenset({CRM})))
    ),
    BlockerKind.LINKS_UNDECIDED: one(
        given=[an_answer(Disposition.UNRESOLVABLE)],
        decided=Decided(unlinked=Unlinked(since=NOW, system_ids=frozenset({CRM}), links=2)),
    ),
    BlockerKind.STOPPING: one(State.STOPPING, decided=Decided(stopping_since=NOW)),
    BlockerKind.NOT_ANSWERED: one(State.CLOSED, [an_answer(Disposition.ERASED)]),
    BlockerKind.LETTER_BOUNCED: one(State.CLOSED, [an_answer(Disposition.ERASED)], bounced_at=NOW),
}
"""A request for each kind of blocker."""


def assert_minimal(request: Simulated) -> None:
    found = request.blockers()
    assert request.ends(without=found)
    assert bool(found) is (request.state is not State.ANSWERED)
    for left in found:
        assert not request.ends(without=[one for one in found if one is not left]), left


@pytest.mark.parametrize("kind", BlockerKind)
def test_each_kind_of_blocker_keeps_a_request_open_and_nothing_else_does(kind: BlockerKind) -> None:
    assert kind in {found.kind for found in EACH[kind].blockers()}
    assert_minimal(EACH[kind])


@given(simulated())
def test_without_its_blockers_a_request_ends_and_with_one_of_them_it_does_not(
    request: Simulated,
) -> None:
    assert_minimal(request)
