"""Where a system stands with a request, in the matrix."""

from __future__ import annotations

import pytest

from dsr_core.errors import Unavailable
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_intake.application.console.cells import (
    Standing,
    columns,
    progress_of,
    standing,
    standings,
)
from dsr_intake.http.console.looks import SIGNS
from dsr_intake.model.console import RequestProgress
from support.builders import a_request_id

CRM, SHOP = SystemId("crm"), SystemId("shop")


def progress(answer: Disposition | None, *marks: str) -> RequestProgress:
    said = {mark: frozenset({CRM}) for mark in marks}
    return RequestProgress(
        request_id=a_request_id(1), is_closed=False, answers={CRM: answer}, **said
    )


@pytest.mark.parametrize(
    ("answer", "marks", "expected"),
    [
        (None, (), Standing.WAITING),
        (None, ("held",), Standing.HELD),
        (Disposition.RECEIVED, (), Standing.COMING),
        (Disposition.IN_PROGRESS, ("held",), Standing.HELD),
        (Disposition.ERASED, ("confirmed",), Standing.CONFIRMED),
        (Disposition.ERASED, (), Standing.COMING),
        (Disposition.ERASED, ("confirmed", "held"), Standing.CONFIRMED),
        (Disposition.NOT_FOUND, ("confirmed",), Standing.NOTHING),
        (Disposition.EXEMPT, ("confirmed",), Standing.KEPT),
        (Disposition.PARTIALLY_EXEMPT, ("confirmed",), Standing.KEPT),
        (Disposition.FAILED, (), Standing.FAILED),
        (Disposition.FAILED, ("held",), Standing.FAILED),
        (Disposition.PRESENT, (), Standing.FAILED),
        (Disposition.UNRESOLVABLE, (), Standing.UNRESOLVABLE),
        (Disposition.ERASED, ("contradicted",), Standing.CONTRADICTED),
        (Disposition.STOPPED, ("confirmed",), Standing.STOPPED),
    ],
)
def test_each_answer_stands_for_one_sign(
    answer: Disposition | None, marks: tuple[str, ...], expected: Standing
) -> None:
    assert standings(progress(answer, *marks)) == {CRM: expected}


def test_a_system_that_was_not_asked_has_no_sign() -> None:
    assert standing(progress(None), SHOP) is None


def test_every_standing_has_a_sign_of_its_own_and_words() -> None:
    assert set(SIGNS) == set(Standing)
    assert len({sign for sign, _ in SIGNS.values()}) == len(SIGNS)
    assert len({words for _, words in SIGNS.values()}) == len(SIGNS)


def test_every_disposition_that_a_system_can_give_has_a_standing() -> None:
    for answer in Disposition:
        assert standing(progress(answer), CRM) in SIGNS
        assert standing(progress(answer, "confirmed"), CRM) in SIGNS


def test_columns_are_those_asked_page_by_page() -> None:
    asked = [
        RequestProgress(
            request_id=a_request_id(1),
            is_closed=False,
            answers={SystemId(f"system-{n}"): None for n in range(7)},
        )
    ]
    first, count = columns(asked, None, limit=5)
    second, _ = columns(asked, None, limit=5, skipped=5)
    assert (len(first), len(second), count) == (5, 2, 7)
    assert {one.system_id for one in first} & {one.system_id for one in second} == set()
    assert [one.is_first for one in first] == [True, False, False, False, False]


def test_what_the_verifier_says_of_one_request_is_read_as_of_many() -> None:
    owed = {"disposition": "erased", "is_confirmed": True, "is_contradicted": False}
    document = {
        "request_id": a_request_id(1),
        "closed_at": None,
        "obligations": [
            {"system_id": "crm", "is_held": False, **owed},
            {"system_id": "shop", "is_held": True, "disposition": None},
        ],
    }
    found = progress_of(document)
    assert standings(found) == {CRM: Standing.CONFIRMED, SHOP: Standing.HELD}
    assert found.missing == (SHOP,)


@pytest.mark.parametrize("document", [{}, {"obligations": [{}]}, {"obligations": 7}])
def test_what_cannot_be_read_is_as_if_nobody_answered(document: dict[str, object]) -> None:
    with pytest.raises(Unavailable):
        progress_of(document)
