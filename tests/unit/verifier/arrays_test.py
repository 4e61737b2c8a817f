"""Columns as one text: what PostgreSQL's array syntax makes of them; the ledger's tests read it back."""

from __future__ import annotations

from dsr_verifier.adapters.arrays import bare, flags, some, words


def test_numbers_and_ids_need_no_quotes() -> None:
    assert bare([1, 2, 3]) == "{1,2,3}"
    assert bare([]) == "{}"


def test_a_word_that_reads_like_nothing_stays_a_word() -> None:
    assert words(["null", None, "crm"]) == '{"null",NULL,"crm"}'


def test_truth_is_a_letter() -> None:
    assert flags([True, False]) == "{t,f}"


def test_a_column_of_nothing_is_left_out() -> None:
    assert some([None, None]) == ()
    assert some([None, "why"]) == [None, "why"]
