"""The demonstration's proof: what systems say against what they hold, person by person."""

from __future__ import annotations

import pytest

from dsr_cli.demo.holdings import Holding
from dsr_cli.demo.proof import verdict
from dsr_cli.view.board import Board

ASKED = {"request-1": "anna", "request-2": "ben"}
REST = 10


def faults(
    answers: tuple[str, str], before: tuple[int, int], after: tuple[int, int], *, rest: int = REST
) -> list[str]:
    board = Board(["billing"], expected=2)
    for request_id, answer in zip(ASKED, answers, strict=True):
        board.add(request_id, request_id)
        board.answer(request_id, "billing", answer)
        board.move(request_id, "answered")

    def holding(rows: tuple[int, int], others: int) -> dict[str, Holding]:
        by_person = dict(zip(ASKED.values(), rows, strict=True))
        return {"billing": Holding(sum(rows) + others, by_person)}

    return verdict(holding(before, REST), holding(after, rest), board, ASKED)


def test_true_answers_have_no_faults() -> None:
    assert faults(("erased", "not_found"), (3, 0), (0, 0)) == []
    assert faults(("partially_exempt", "exempt"), (3, 2), (1, 2)) == []


def test_one_persons_exemption_excuses_no_row_of_another() -> None:
    told = faults(("erased", "partially_exempt"), (3, 3), (1, 1))
    assert told == ["billing answered erased and still holds rows of anna"]


@pytest.mark.parametrize(
    ("answers", "before", "told"),
    [
        (("not_found", "not_found"), (3, 0), "answered not found and held rows of anna"),
        (("erased", "erased"), (3, 0), "answered erased and held no row of ben"),
        (
            ("erased", "partially_exempt"),
            (3, 0),
            "answered partially exempt and held no row of ben",
        ),
    ],
)
def test_an_answer_that_does_not_fit_what_was_held_is_a_fault(
    answers: tuple[str, str], before: tuple[int, int], told: str
) -> None:
    [fault] = faults(answers, before, (0, 0))
    assert told in fault


def test_rows_of_others_that_went_are_a_fault() -> None:
    [fault] = faults(("erased", "not_found"), (3, 0), (0, 0), rest=REST - 1)
    assert "people who did not ask" in fault


@pytest.mark.parametrize(("answer", "left"), [("stopped", 2), (None, 0)])
def test_what_was_not_followed_and_yet_erased_is_a_fault(answer: str | None, left: int) -> None:
    board = Board(["billing"], expected=1)
    board.add("request-1", "request-1")
    board.answer("request-1", "billing", answer)
    board.move("request-1", "answered", "withdrawn")
    asked = {"request-1": "anna"}

    def told(left: int) -> list[str]:
        before, after = Holding(13, {"anna": 3}), Holding(10 + left, {"anna": left})
        return verdict({"billing": before}, {"billing": after}, board, asked)

    assert told(3) == []
    [fault] = told(left)
    assert fault.endswith("and erased rows of anna")
