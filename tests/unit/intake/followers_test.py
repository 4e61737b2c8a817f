"""What follows a closed request, and what systems found that were asked to look."""

from __future__ import annotations

from typing import Any

import pytest

from dsr_core.errors import Unavailable
from dsr_core.ids import SystemId
from dsr_intake.application.followers import Follower, Followers, Look
from dsr_intake.model import FollowsWhy, RequestView
from support.builders import NOW, a_request_id
from support.fake_ledger import FakeLedger
from support.intake_fakes import FakeReads, a_request_view

FIRST = a_request_view()


def following(why: FollowsWhy) -> RequestView:
    return a_request_view(request_id=a_request_id(7), follows=FIRST.request_id, follows_why=why)


def said(disposition: str, **changes: Any) -> dict[str, Any]:
    one = {"system_id": "crm", "answered_at": NOW.isoformat(), "records": 2}
    return {**one, "disposition": disposition, **changes}


async def followers(*answers: dict[str, Any], of: RequestView) -> list[Follower]:
    ledger = FakeLedger()
    ledger.answered = list(answers)
    return await Followers(reads=FakeReads(FIRST, of), ledger=ledger).of(FIRST)


async def test_each_look_is_told_in_its_order_and_nothing_else_that_was_answered() -> None:
    [one] = await followers(
        said("present"), said("erased"), said("absent"), of=following(FollowsWhy.VERIFICATION)
    )
    crm = SystemId("crm")
    assert one.looks == (
        Look(crm, NOW, is_back=True, records=2),
        Look(crm, NOW, is_back=False, records=2),
    )


async def test_of_what_asks_for_no_look_the_verifier_is_asked_nothing() -> None:
    [one] = await followers({"system_id": "crm"}, of=following(FollowsWhy.EXEMPTION_REVIEW))
    assert one.looks == ()


async def test_answers_that_cannot_be_read_are_no_answers() -> None:
    with pytest.raises(Unavailable):
        await followers({"system_id": "crm"}, of=following(FollowsWhy.VERIFICATION))


async def test_what_follows_another_request_is_not_told() -> None:
    assert await followers(of=a_request_view(request_id=a_request_id(8))) == []
