"""Restriction, objection and portability as a system's handlers see them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from unit.sdk.running import a_subscriber

from dsr_core.rights import RIGHTS, Disposition, Right
from dsr_sdk import (
    Answer,
    ConfigurationError,
    Erased,
    File,
    Heeded,
    NotFound,
    ObjectionRequest,
    PortabilityRequest,
    Refused,
    Restricted,
    RestrictionRequest,
    Row,
    Subscriber,
    SystemRequest,
)
from dsr_sdk.testing import SubscriberHarness

PERSON = {"email": "a@example.com"}


@pytest.mark.parametrize(
    ("answer", "disposition"),
    [
        (Restricted(2), Disposition.RESTRICTED),
        (NotFound(), Disposition.NOT_FOUND),
        (Refused("legal claims (GDPR article 18(2))"), Disposition.REFUSED),
    ],
)
async def test_a_restriction_is_restricted_not_held_or_refused_with_its_ground(
    answer: Answer, disposition: Disposition
) -> None:
    subscriber = a_subscriber()
    asked: list[RestrictionRequest] = []

    @subscriber.restriction
    async def restrict(request: RestrictionRequest) -> Answer:
        asked.append(request)
        return answer

    (told,) = await SubscriberHarness(subscriber).deliver(PERSON, right=Right.RESTRICTION)
    assert (told.disposition, told.confirms) == (disposition, True)
    assert [type(one) for one in asked] == [RestrictionRequest]


@pytest.mark.parametrize(
    ("answer", "disposition"),
    [
        (Heeded(2), Disposition.HEEDED),
        (Refused("compelling grounds (GDPR article 21(1))"), Disposition.REFUSED),
    ],
)
async def test_an_objection_is_heeded_or_refused_with_compelling_grounds(
    answer: Answer, disposition: Disposition
) -> None:
    subscriber = a_subscriber()

    @subscriber.objection_batch
    def stop(requests: Sequence[ObjectionRequest]) -> Sequence[Answer]:
        return [answer for _ in requests]

    (told,) = await SubscriberHarness(subscriber).deliver(PERSON, right=Right.OBJECTION)
    assert (told.disposition, told.confirms) == (disposition, True)


async def test_a_portability_hands_over_what_the_person_provided() -> None:
    subscriber = a_subscriber()

    @subscriber.portability
    async def carry(request: PortabilityRequest) -> AsyncIterator[Row | File]:
        yield Row("profile", {"of": request.identity.first("email")})
        yield File("photo.jpg", b"jpeg")

    harness = SubscriberHarness(subscriber)
    (told,) = await harness.deliver(PERSON, right=Right.PORTABILITY)
    assert (told.disposition, told.confirms) == (Disposition.DELIVERED, True)
    assert sorted(harness.handed_over(told).files) == ["photo.jpg", "profile.jsonl"]


@pytest.mark.parametrize("name", ["all.pdf", "letters/All.PDF", "page.html"])
async def test_what_no_machine_reads_is_not_handed_over_for_machines(name: str) -> None:
    subscriber = a_subscriber()

    @subscriber.portability
    async def carry(_request: PortabilityRequest) -> AsyncIterator[Row | File]:
        yield Row("profile", {"id": 1})
        yield File(name, b"for people")

    harness = SubscriberHarness(subscriber)
    (told,) = await harness.deliver(PERSON, right=Right.PORTABILITY)
    assert (told.disposition, told.delivery) == (Disposition.FAILED, None)
    assert told.reason == "a file is made for reading, and no machine takes it"


@pytest.mark.parametrize("right", [Right.RESTRICTION, Right.OBJECTION, Right.PORTABILITY])
async def test_none_of_them_is_answered_with_an_erasure(right: Right) -> None:
    subscriber = a_subscriber()

    @subscriber.right(right)
    def erase(_request: SystemRequest) -> Answer:
        return Erased(1)

    (told,) = await SubscriberHarness(subscriber).deliver(PERSON, right=right)
    assert told.disposition is Disposition.FAILED


@pytest.mark.parametrize("right", Right)
async def test_any_right_has_its_handler_by_its_name(right: Right) -> None:
    one, many = a_subscriber(), a_subscriber()

    @one.right(right)
    async def single(request: SystemRequest) -> Answer:
        return NotFound() if request.right is right else Erased(1)

    @many.right_batch(right)
    def batch(requests: Sequence[SystemRequest]) -> Sequence[Answer]:
        return [NotFound() for _ in requests]

    for subscriber in (one, many):
        (told,) = await SubscriberHarness(subscriber).deliver(PERSON, right=right)
        assert told.disposition is Disposition.NOT_FOUND


@pytest.mark.parametrize("right", [one for one in Right if not RIGHTS[one].hands_over])
def test_only_what_hands_over_yields(right: Right) -> None:
    subscriber: Subscriber = a_subscriber()

    async def rows(_request: SystemRequest) -> AsyncIterator[Row]:
        yield Row("profile", {"id": 1})

    with pytest.raises(ConfigurationError, match="hands over"):
        subscriber.right(right)(rows)  # type: ignore[type-var]  # no answer, as it says
