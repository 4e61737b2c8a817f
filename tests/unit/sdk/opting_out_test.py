"""Opt-outs as a system's handlers see them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from unit.sdk.running import a_subscriber

from dsr_core.plan import Scope
from dsr_core.rights import Disposition, Right
from dsr_core.suppressions import SuppressionKind
from dsr_sdk import Answer, Erased, Heeded, NotFound, OptOutRequest
from dsr_sdk.testing import SubscriberHarness

PERSON = {"email": "a@example.com"}


async def test_a_handler_is_asked_and_its_answer_confirms() -> None:
    subscriber = a_subscriber()
    asked: list[OptOutRequest] = []

    @subscriber.opt_out
    async def opt_out(request: OptOutRequest) -> Answer:
        asked.append(request)
        return Heeded(2)

    (answer,) = await SubscriberHarness(subscriber).deliver(PERSON, right=Right.OPT_OUT)
    assert (answer.disposition, answer.records, answer.confirms) == (Disposition.HEEDED, 2, True)
    assert [type(one) for one in asked] == [OptOutRequest]


@pytest.mark.parametrize(
    ("named", "ends"),
    [
        ((), {SuppressionKind.MARKETING, SuppressionKind.SALE_OR_SHARING}),
        ((SuppressionKind.SALE_OR_SHARING,), {SuppressionKind.SALE_OR_SHARING}),
    ],
)
async def test_a_handler_is_told_what_is_to_end(
    named: tuple[SuppressionKind, ...], ends: set[SuppressionKind]
) -> None:
    subscriber = a_subscriber()
    asked: list[frozenset[SuppressionKind]] = []

    @subscriber.opt_out
    def opt_out(request: OptOutRequest) -> Answer:
        asked.append(request.uses)
        return Heeded(1)

    harness = SubscriberHarness(subscriber)
    await harness.deliver(PERSON, right=Right.OPT_OUT, scope=Scope(uses=named))
    assert asked == [ends]


async def test_a_batch_handler_is_asked_for_many() -> None:
    subscriber = a_subscriber()

    @subscriber.opt_out_batch
    def opt_out(requests: Sequence[OptOutRequest]) -> Sequence[Answer]:
        return [Heeded(1) if one.identity.first("email") else NotFound() for one in requests]

    harness = SubscriberHarness(subscriber)
    answers = await harness.deliver(identities=[PERSON, PERSON], right=Right.OPT_OUT)
    assert [one.disposition for one in answers] == [Disposition.HEEDED] * 2


async def test_whom_the_system_cannot_know_is_not_found_and_nobody_is_asked() -> None:
    subscriber = a_subscriber()

    @subscriber.opt_out
    def unasked(_request: OptOutRequest) -> Answer:
        pytest.fail("asked")

    (answer,) = await SubscriberHarness(subscriber).deliver({}, right=Right.OPT_OUT)
    assert (answer.disposition, answer.confirms) == (Disposition.NOT_FOUND, True)


async def test_an_opt_out_is_not_answered_with_an_erasure() -> None:
    subscriber = a_subscriber()

    @subscriber.opt_out
    def erase(_request: OptOutRequest) -> Answer:
        return Erased(1)

    (answer,) = await SubscriberHarness(subscriber).deliver(PERSON, right=Right.OPT_OUT)
    assert answer.disposition is Disposition.FAILED
