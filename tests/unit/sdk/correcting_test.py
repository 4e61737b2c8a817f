"""Corrections as a system's handlers see them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from unit.sdk.running import a_subscriber

from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    AlreadyRight,
    Answer,
    Corrected,
    Correction,
    CorrectionRequest,
    Rectification,
    Refused,
    Scope,
)
from dsr_sdk.testing import SubscriberHarness

PERSON = {"email": "a@example.com"}
WANTED = Rectification((Correction("user.name", "Jane Doe", "Jon Doe"),), "It was always so.")


async def test_a_handler_is_told_what_is_right_and_in_the_persons_words() -> None:
    subscriber = a_subscriber()
    asked: list[CorrectionRequest] = []

    @subscriber.correction
    async def correct(request: CorrectionRequest) -> Answer:
        asked.append(request)
        return Corrected(1)

    # Its scope says what categories are meant; no handler can overlook that in a correction.
    (answer,) = await SubscriberHarness(subscriber).deliver(
        PERSON, right=Right.CORRECTION, rectification=WANTED, scope=Scope(("user.name",))
    )
    assert (answer.disposition, answer.records, answer.confirms) == (Disposition.CORRECTED, 1, True)
    [one] = asked
    assert (one.corrections, one.statement) == (WANTED.corrections, WANTED.statement)
    assert "Jane" not in repr(one)
    assert "always" not in repr(one)


@pytest.mark.parametrize(
    ("answer", "disposition", "reason"),
    [
        (AlreadyRight(), Disposition.ALREADY_RIGHT, ""),
        (Refused("a contract says so (GDPR 5(1)(d))"), Disposition.REFUSED, "a contract says so (GDPR 5(1)(d))"),
    ],
)  # fmt: skip
async def test_what_is_not_corrected_is_told_with_its_ground(
    answer: Answer, disposition: Disposition, reason: str
) -> None:
    subscriber = a_subscriber()

    @subscriber.correction_batch
    def correct(requests: Sequence[CorrectionRequest]) -> Sequence[Answer]:
        return [answer for _ in requests]

    (told,) = await SubscriberHarness(subscriber).deliver(
        PERSON, right=Right.CORRECTION, rectification=WANTED
    )
    assert (told.disposition, told.reason, told.confirms) == (disposition, reason, True)


@pytest.mark.parametrize("ground", ["", "  "])
def test_a_refusal_needs_its_ground(ground: str) -> None:
    with pytest.raises(ValueError, match="ground"):
        Refused(ground)
