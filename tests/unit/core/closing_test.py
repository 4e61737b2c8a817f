"""The closing rule: every expected obligation is present and confirmed, or the request is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from itertools import permutations

import pytest

from dsr_core.acknowledgements import Standing, standing
from dsr_core.closing import Closed, Obligation, Open, Outcome, closing, evidence_digest
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from support.builders import an_acknowledgement, an_answer_by_people, an_exemption

D = Disposition


def an_obligation(system_id: str, disposition: Disposition | None = D.ERASED) -> Obligation:
    """An obligation with one answer, or with none."""
    system = SystemId(system_id)
    answers = [an_acknowledgement(disposition, system_id=system)] if disposition else []
    return Obligation(system, standing(answers))


def test_all_confirmed_closes() -> None:
    closed = closing(2, [an_obligation("a"), an_obligation("b", D.NOT_FOUND)])
    assert isinstance(closed, Closed)
    assert closed.outcome is Outcome.FULFILLED


@pytest.mark.parametrize("kept", [D.EXEMPT, D.PARTIALLY_EXEMPT])
def test_what_a_system_keeps_makes_it_partly_fulfilled(kept: Disposition) -> None:
    closed = closing(2, [an_obligation("a"), an_obligation("b", kept)])
    assert isinstance(closed, Closed)
    assert closed.outcome is Outcome.PARTLY_FULFILLED


def test_one_open_obligation_keeps_the_request_open_and_is_named() -> None:
    obligations = [an_obligation("c", None), an_obligation("b"), an_obligation("a", D.FAILED)]
    assert closing(3, obligations) == Open((SystemId("a"), SystemId("c")), 0)


def test_an_obligation_that_is_not_there_keeps_the_request_open() -> None:
    assert closing(3, [an_obligation("a")]) == Open((), 2)


def test_nothing_expected_never_closes() -> None:
    assert closing(0, []) == Open((), 0)


def test_more_obligations_than_expected_never_close() -> None:
    assert closing(1, [an_obligation("a"), an_obligation("b")]) == Open((), 0)


def test_a_contradicted_obligation_keeps_the_request_open() -> None:
    answers = [an_acknowledgement(sequence=1), an_acknowledgement(D.FAILED, sequence=2)]
    assert closing(1, [Obligation(SystemId("crm"), standing(answers))]) == Open(
        (SystemId("crm"),), 0
    )


def test_the_order_of_obligations_does_not_matter() -> None:
    obligations = [an_obligation("a"), an_obligation("b", D.EXEMPT), an_obligation("c")]
    assert len({closing(3, order) for order in permutations(obligations)}) == 1


def test_one_system_twice_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="one obligation a system"):
        closing(2, [an_obligation("a"), an_obligation("a", D.NOT_FOUND)])


def test_confirmed_without_an_answer_is_a_fault_of_the_caller() -> None:
    confirmed = Standing(None, is_confirmed=True, is_contradicted=False, contradictions=0)
    with pytest.raises(ValueError, match="confirmed without an answer"):
        closing(1, [Obligation(SystemId("a"), confirmed)])


GOLDEN_EVIDENCE = "e87265cbabd10b939c8de28f7785ce821f7550f3005e0b038fe2f79d77172e99"
"""Closures hold this digest for ever: what it is made of must not change."""


def test_the_evidence_digest_never_changes() -> None:
    answers = [an_acknowledgement(), an_acknowledgement(D.PARTIALLY_EXEMPT, sequence=2)]
    assert evidence_digest(answers).hex() == GOLDEN_EVIDENCE


@pytest.mark.parametrize(
    "changes",
    [
        {"disposition": D.NOT_FOUND},
        {"records": 8},
        {"sequence": 2},
        {"system_id": SystemId("b")},
        {"exemptions": ()},
        {"exemptions": (an_exemption(ground="GDPR 17(3)(b)"),)},
        {"exemptions": (an_exemption(categories=("user",)),)},
        {"exemptions": (an_exemption(records=4),)},
    ],
)
def test_other_answers_are_other_evidence(changes: dict[str, object]) -> None:
    one = an_acknowledgement(D.PARTIALLY_EXEMPT)
    other = replace(one, **changes)
    assert evidence_digest([one]) != evidence_digest([other])


def test_the_time_zone_in_which_a_date_is_written_is_no_evidence() -> None:
    exemption = an_exemption()
    there = exemption.review_at.astimezone(timezone(timedelta(hours=9)))
    one = an_acknowledgement(D.EXEMPT, exemptions=(exemption,))
    other = an_acknowledgement(D.EXEMPT, exemptions=(replace(exemption, review_at=there),))
    assert one == other
    assert evidence_digest([one]) == evidence_digest([other])
    assert standing([one, other]) == standing([other, one])


@pytest.mark.parametrize("ending", [Outcome.WITHDRAWN, Outcome.REFUSED, Outcome.REFERRED])
def test_a_stopped_request_ends_as_its_ending_says_whatever_was_done(ending: Outcome) -> None:
    obligations = [
        an_obligation("a"),
        an_obligation("b", D.EXEMPT),
        Obligation(SystemId("c"), standing([an_acknowledgement(D.STOPPED)], stopping=True)),
    ]
    closed = closing(3, obligations, stopping=ending)
    assert isinstance(closed, Closed)
    assert closed.outcome is ending
    assert closed.evidence_digest == evidence_digest([one.standing.answer for one in obligations])


def test_a_stopped_request_stays_open_while_a_system_has_not_said_how_far_it_had_come() -> None:
    obligations = [an_obligation("a"), an_obligation("b", None)]
    found = closing(2, obligations, stopping=Outcome.WITHDRAWN)
    assert found == Open((SystemId("b"),), 0)


GOLDEN_SETTLED = "dd319df65a3a6740750e05bddc840228bacdb9609c81a7fbf5e6d9487a6645fb"
"""As above, of an answer by two people."""


def test_the_evidence_of_an_answer_by_two_people_never_changes() -> None:
    assert evidence_digest([an_answer_by_people()]).hex() == GOLDEN_SETTLED


@pytest.mark.parametrize("field", ["proposed_by", "approved_by", "revision"])
def test_who_settled_an_obligation_is_evidence(field: str) -> None:
    one = an_answer_by_people()
    assert one.settled_by is not None
    changed = 2 if field == "revision" else "operator-c"
    other = replace(one, settled_by=replace(one.settled_by, **{field: changed}))
    assert evidence_digest([one]) != evidence_digest([other])


def test_why_two_people_settled_is_evidence_and_why_a_system_failed_is_none() -> None:
    settled, answered = an_answer_by_people(), an_acknowledgement()
    for one, is_evidence in ((settled, True), (answered, False)):
        other = replace(one, reason="another")
        assert (evidence_digest([one]) != evidence_digest([other])) is is_evidence
