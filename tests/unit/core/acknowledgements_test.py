"""What a set of answers says of one obligation: each rule of the decided cases is a test."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.core.standings import stands

from dsr_core.acknowledgements import (
    EXEMPTIONS_LIMIT,
    TEXT_LIMIT,
    Acknowledgement,
    Exemption,
    Standing,
    check,
    standing,
)
from dsr_core.errors import RejectedInput
from dsr_core.rights import ANSWERS, CONFIRMING, Disposition, Right
from support.builders import NOW, an_acknowledgement, an_exemption, days

D = Disposition


def test_no_answer_confirms_nothing() -> None:
    assert standing([]) == Standing(
        None, is_confirmed=False, is_contradicted=False, contradictions=0
    )


@pytest.mark.parametrize("disposition", sorted(CONFIRMING[Right.DELETION]))
def test_a_confirming_answer_confirms(disposition: Disposition) -> None:
    one = an_acknowledgement(disposition)
    assert stands(one) == Standing(one, is_confirmed=True, is_contradicted=False, contradictions=0)


@pytest.mark.parametrize(
    "disposition", sorted(ANSWERS[Right.DELETION] - CONFIRMING[Right.DELETION])
)
def test_any_other_answer_confirms_nothing(disposition: Disposition) -> None:
    one = an_acknowledgement(disposition)
    assert stands(one) == Standing(one, is_confirmed=False, is_contradicted=False, contradictions=0)


def test_unresolvable_does_not_confirm() -> None:
    assert not stands(an_acknowledgement(D.UNRESOLVABLE)).is_confirmed


def test_the_highest_sequence_counts_in_whatever_order_they_come() -> None:
    last = an_acknowledgement(D.ERASED, sequence=3)
    found = stands(
        an_acknowledgement(D.RECEIVED, sequence=1), an_acknowledgement(D.FAILED, sequence=2), last
    )
    assert found == Standing(last, is_confirmed=True, is_contradicted=False, contradictions=0)


def test_an_answer_given_twice_is_one_answer() -> None:
    one = an_acknowledgement()
    assert standing([one, one, one]) == standing([one])


def test_an_answer_sent_again_later_is_the_same_answer_and_the_first_sending_counts() -> None:
    first = an_acknowledgement(answered_at=NOW, retry_at=None)
    again = replace(first, answered_at=NOW + days(1), retry_at=NOW + days(2))
    found = stands(again, first)
    assert found == Standing(first, is_confirmed=True, is_contradicted=False, contradictions=0)


def test_of_two_sendings_at_one_time_the_one_without_a_retry_counts() -> None:
    plain = an_acknowledgement(D.FAILED, retry_at=None)
    retried = replace(plain, retry_at=NOW + days(1))
    assert stands(retried, plain).answer == plain


def test_not_found_after_erased_is_the_same_news_and_the_erasure_stays_the_evidence() -> None:
    erased = an_acknowledgement(D.ERASED, sequence=1)
    found = stands(
        erased,
        an_acknowledgement(D.NOT_FOUND, sequence=2),
        an_acknowledgement(D.NOT_FOUND, sequence=3),
    )
    assert found == Standing(erased, is_confirmed=True, is_contradicted=False, contradictions=0)


def test_not_found_and_erased_under_one_sequence_are_the_same_news() -> None:
    erased = an_acknowledgement(D.ERASED)
    found = stands(erased, an_acknowledgement(D.NOT_FOUND))
    assert found == Standing(erased, is_confirmed=True, is_contradicted=False, contradictions=0)


def test_erased_after_not_found_is_news() -> None:
    erased = an_acknowledgement(D.ERASED, sequence=2)
    found = stands(an_acknowledgement(D.NOT_FOUND, sequence=1), erased)
    assert found == Standing(erased, is_confirmed=True, is_contradicted=False, contradictions=0)


def test_exempt_after_erased_is_the_later_confirmation() -> None:
    exempt = an_acknowledgement(D.EXEMPT, sequence=2)
    assert stands(an_acknowledgement(D.ERASED, sequence=1), exempt).answer == exempt


@pytest.mark.parametrize("disposition", [D.FAILED, D.IN_PROGRESS, D.RECEIVED, D.UNRESOLVABLE])
def test_a_lower_rank_after_a_confirming_answer_is_a_contradiction(
    disposition: Disposition,
) -> None:
    later = an_acknowledgement(disposition, sequence=2)
    found = stands(an_acknowledgement(D.ERASED, sequence=1), later)
    assert found == Standing(later, is_confirmed=False, is_contradicted=True, contradictions=1)


def test_two_different_confirming_answers_under_one_sequence_are_a_contradiction() -> None:
    found = stands(an_acknowledgement(D.ERASED), an_acknowledgement(D.EXEMPT))
    assert (found.is_confirmed, found.is_contradicted, found.contradictions) == (False, True, 1)


def test_two_counts_of_records_under_one_sequence_are_a_contradiction() -> None:
    found = stands(an_acknowledgement(records=7), an_acknowledgement(records=8))
    assert (found.is_confirmed, found.is_contradicted, found.contradictions) == (False, True, 1)


def test_two_erasures_and_a_not_found_under_one_sequence_are_a_contradiction() -> None:
    found = stands(
        an_acknowledgement(records=7),
        an_acknowledgement(records=8),
        an_acknowledgement(D.NOT_FOUND),
    )
    assert (found.is_confirmed, found.is_contradicted, found.contradictions) == (False, True, 1)


def test_a_contradiction_is_settled_by_a_later_confirming_answer_and_stays_counted() -> None:
    settled = an_acknowledgement(D.ERASED, sequence=3)
    found = stands(
        an_acknowledgement(D.ERASED, sequence=1), an_acknowledgement(D.FAILED, sequence=2), settled
    )
    assert found == Standing(settled, is_confirmed=True, is_contradicted=False, contradictions=1)


def test_not_found_settles_a_contradiction_as_news_of_its_own() -> None:
    settled = an_acknowledgement(D.NOT_FOUND, sequence=3)
    found = stands(
        an_acknowledgement(D.ERASED, sequence=1), an_acknowledgement(D.FAILED, sequence=2), settled
    )
    assert found == Standing(settled, is_confirmed=True, is_contradicted=False, contradictions=1)


def test_a_contradiction_is_not_settled_by_an_answer_that_does_not_confirm() -> None:
    last = an_acknowledgement(D.IN_PROGRESS, sequence=3)
    found = stands(
        an_acknowledgement(D.ERASED, sequence=1), an_acknowledgement(D.FAILED, sequence=2), last
    )
    assert found == Standing(last, is_confirmed=False, is_contradicted=True, contradictions=1)


def test_every_contradiction_is_counted() -> None:
    found = stands(
        an_acknowledgement(D.ERASED, sequence=1),
        an_acknowledgement(D.FAILED, sequence=2),
        an_acknowledgement(D.ERASED, sequence=3),
        an_acknowledgement(D.FAILED, sequence=4),
    )
    assert (found.is_confirmed, found.contradictions) == (False, 2)


def test_a_late_answer_with_a_lower_sequence_changes_nothing() -> None:
    erased = an_acknowledgement(D.ERASED, sequence=5)
    late = an_acknowledgement(D.FAILED, sequence=4)
    assert standing([erased, late]).answer == erased
    assert standing([erased, late]).is_confirmed


@pytest.mark.parametrize("right", Right)
def test_every_answer_that_its_right_allows_is_accepted(right: Right) -> None:
    for disposition in ANSWERS[right]:
        check(an_acknowledgement(disposition, right=right))


@pytest.mark.parametrize("right", Right)
def test_every_answer_that_its_right_does_not_allow_is_refused(right: Right) -> None:
    for disposition in set(Disposition) - ANSWERS[right]:
        with pytest.raises(RejectedInput, match="disposition_not_allowed") as caught:
            check(an_acknowledgement(disposition, right=right))
        assert caught.value.field == "disposition"


def test_sequences_count_from_one() -> None:
    with pytest.raises(RejectedInput, match="invalid_sequence"):
        check(an_acknowledgement(sequence=0))


@pytest.mark.parametrize("disposition", [D.EXEMPT, D.PARTIALLY_EXEMPT])
def test_an_exemption_without_its_ground_is_refused(disposition: Disposition) -> None:
    with pytest.raises(RejectedInput, match="missing_exemption"):
        check(an_acknowledgement(disposition, exemptions=()))
    with pytest.raises(RejectedInput, match="missing_ground"):
        check(an_acknowledgement(disposition, exemptions=(an_exemption(ground="  "),)))


def of_all_of_it(*exemptions: Exemption) -> Acknowledgement:
    return an_acknowledgement(D.EXEMPT, exemptions=exemptions)


def test_an_answer_of_the_largest_size_is_accepted() -> None:
    check(of_all_of_it(*[an_exemption()] * EXEMPTIONS_LIMIT))
    check(of_all_of_it(an_exemption(ground="x" * (TEXT_LIMIT - 1), categories=("y",))))


@pytest.mark.parametrize(
    "exemptions",
    [
        [an_exemption()] * (EXEMPTIONS_LIMIT + 1),
        [an_exemption(ground="x" * TEXT_LIMIT, categories=("y",))],
        [an_exemption(ground="x"), an_exemption(categories=("y",) * TEXT_LIMIT)],
    ],
    ids=["many", "a long ground", "many categories"],
)
def test_an_answer_too_large_for_any_record_is_refused(exemptions: list[Exemption]) -> None:
    with pytest.raises(RejectedInput, match=r"^too_large") as caught:
        check(of_all_of_it(*exemptions))
    assert caught.value.field == "exemptions"


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
def test_a_text_that_no_store_takes_is_refused_and_not_shown(text: str) -> None:
    wrong = [
        (an_acknowledgement(D.FAILED, reason=text), "reason"),
        (of_all_of_it(an_exemption(ground=text)), "exemptions.ground"),
        (of_all_of_it(an_exemption(categories=(text,))), "exemptions.categories"),
        (of_all_of_it(an_exemption(categories=("",))), "exemptions.categories"),
    ]
    for answer, field in wrong:
        with pytest.raises(RejectedInput, match=r"^invalid_field") as caught:
            check(answer)
        assert caught.value.field == field
        assert text not in str(caught.value)


@pytest.mark.parametrize("records", [-1, 2**63])
def test_a_number_that_no_store_takes_is_refused(records: int) -> None:
    for answer in (
        an_acknowledgement(records=records),
        of_all_of_it(an_exemption(records=records)),
        an_acknowledgement(sequence=2**63),
    ):
        with pytest.raises(RejectedInput, match="out of range"):
            check(answer)
