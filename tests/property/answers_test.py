"""Any order and any duplication of answers gives the same record, and nothing open ever closes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dsr_core.acknowledgements import Acknowledgement, standing
from dsr_core.closing import Closed, Obligation, Open, Outcome, closing, evidence_digest
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import CONFIRMING, STOPPING, Disposition, Right
from dsr_wire.codec.decisions import ENDINGS
from support.builders import an_answer_by_people
from support.strategies import EPOCH, answers_by_people, answers_to_one


@st.composite
def rearranged(draw: st.DrawFn, answers: list[Acknowledgement]) -> list[Acknowledgement]:
    """The same answers in another order, some of them more than once."""
    again = draw(st.lists(st.sampled_from(answers), max_size=4)) if answers else []
    return draw(st.permutations([*answers, *again]))


@st.composite
def obligations(draw: st.DrawFn) -> list[tuple[SystemId, list[Acknowledgement]]]:
    """Up to four systems with what each has answered."""
    names = draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=4))
    return [(SystemId(name), draw(answers_to_one(name))) for name in names]


@given(st.data(), answers_to_one(), answers_by_people(), st.booleans())
def test_order_and_duplication_do_not_change_where_an_obligation_stands(
    data: st.DataObject,
    answers: list[Acknowledgement],
    by_people: list[Acknowledgement],
    stopping: bool,  # noqa: FBT001 - a drawn value
) -> None:
    given_ = [*answers, *by_people]
    again = data.draw(rearranged(given_))
    assert standing(again, stopping=stopping) == standing(given_, stopping=stopping)


@given(answers_to_one(), answers_by_people())
def test_being_stopped_never_opens_what_is_confirmed(
    answers: list[Acknowledgement], by_people: list[Acknowledgement]
) -> None:
    before, after = (
        standing([*answers, *by_people], stopping=stopping) for stopping in (False, True)
    )
    told_in_between = any(one.disposition is Disposition.STOPPED for one in (*answers, *by_people))
    assert after.is_confirmed or told_in_between or not before.is_confirmed


@given(answers_to_one(), st.booleans())
def test_only_a_stopped_request_ends_with_stopped_or_too_late(
    answers: list[Acknowledgement],
    stopping: bool,  # noqa: FBT001 - a drawn value
) -> None:
    found = standing(answers, stopping=stopping)
    if found.is_confirmed:
        assert found.answer is not None
        assert found.answer.confirms or (stopping and found.answer.disposition in STOPPING)


@given(answers_to_one(), answers_by_people())
def test_an_answer_by_people_after_all_others_settles_the_obligation(
    answers: list[Acknowledgement], by_people: list[Acknowledgement]
) -> None:
    last = an_answer_by_people(revision=9, answered_at=EPOCH.replace(year=2028))
    earlier = [*answers, *by_people]
    found = standing([*earlier, last])
    assert found.is_confirmed
    assert found.contradictions == standing(earlier).contradictions
    assert found.answer == last


@given(answers_to_one(), st.sampled_from(sorted(ENDINGS)))
def test_a_stopped_request_ends_as_its_ending_says(
    answers: list[Acknowledgement], ending: Outcome
) -> None:
    stands = standing(answers, stopping=True)
    found = closing(1, [Obligation(SystemId("crm"), stands)], stopping=ending)
    assert isinstance(found, Closed) == stands.is_confirmed
    assert isinstance(found, Open) or found.outcome is ending


@given(st.data(), obligations())
def test_order_and_duplication_do_not_change_how_a_request_closes(
    data: st.DataObject, owed: list[tuple[SystemId, list[Acknowledgement]]]
) -> None:
    first = [Obligation(system, standing(answers)) for system, answers in owed]
    second = [
        Obligation(system, standing(data.draw(rearranged(answers)))) for system, answers in owed
    ]
    expected = data.draw(st.integers(0, 5))
    assert closing(expected, data.draw(st.permutations(second))) == closing(expected, first)


@given(obligations(), st.integers(-1, 6))
def test_nothing_closes_with_an_unconfirmed_or_absent_obligation(
    owed: list[tuple[SystemId, list[Acknowledgement]]], expected: int
) -> None:
    present = [Obligation(system, standing(answers)) for system, answers in owed]
    found = closing(expected, present)
    confirmed = [one for one in present if one.standing.is_confirmed]
    if isinstance(found, Closed):
        assert len(confirmed) == len(present) == expected >= 1
    else:
        assert set(found.missing) == {one.system_id for one in present} - {
            one.system_id for one in confirmed
        }


@given(answers_to_one())
def test_a_confirmed_obligation_has_a_confirming_answer_of_the_highest_sequence_or_the_same_news_before(
    answers: list[Acknowledgement],
) -> None:
    found = standing(answers)
    if not found.is_confirmed:
        return
    assert found.answer is not None
    assert not found.is_contradicted
    assert found.answer.disposition in CONFIRMING[Right.DELETION]
    highest = max(one.sequence for one in answers)
    if found.answer.sequence < highest:
        later = {one.disposition for one in answers if one.sequence > found.answer.sequence}
        assert later <= {Disposition.NOT_FOUND, Disposition.TOO_LATE}
        gone = {Disposition.ERASED, Disposition.ABSENT}
        assert found.answer.disposition in gone or Disposition.NOT_FOUND not in later


@given(answers_to_one())
def test_the_answer_that_counts_is_one_of_those_given(answers: list[Acknowledgement]) -> None:
    found = standing(answers)
    assert (found.answer is None) == (not answers)
    assert found.answer is None or found.answer in answers
    assert found.contradictions or not found.is_contradicted


@given(answers_to_one())
def test_a_request_is_partly_fulfilled_only_where_something_is_kept(
    answers: list[Acknowledgement],
) -> None:
    found = closing(1, [Obligation(SystemId("crm"), standing(answers))])
    if isinstance(found, Open):
        return
    kept = any("exempt" in one.disposition for one in answers)
    assert found.outcome is Outcome.FULFILLED or kept


@given(st.lists(answers_to_one(), max_size=3), st.text(), st.text())
def test_the_evidence_is_json_as_the_standard_library_writes_it(
    drawn: list[list[Acknowledgement]], request: str, system: str
) -> None:
    answers = [
        replace(one, exemptions=(), request_id=RequestId(request), system_id=SystemId(system))
        for some in drawn
        for one in some
    ]
    content = [
        {
            "disposition": one.disposition.value,
            "exemptions": [],
            "records": one.records,
            "request_id": one.request_id,
            "sequence": one.sequence,
            "system_id": one.system_id,
        }
        for one in answers
    ]
    text = json.dumps(content, sort_keys=True)
    assert evidence_digest(answers) == hashlib.sha256(text.encode()).digest()
