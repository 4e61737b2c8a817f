"""What handlers find out about a person besides, and how it leaves them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
from unit.sdk.running import a_subscriber

from dsr_core.linking import LINKS_LIMIT
from dsr_core.rights import Disposition
from dsr_sdk import (
    Answer,
    Confidence,
    DeletionRequest,
    Erased,
    LinkProof,
    Subscriber,
)
from dsr_sdk.outcomes import Outcome
from dsr_sdk.testing import SubscriberHarness
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from support.builders import MARKER

PERSON = {"email": "a@example.com"}
ACCOUNT = f"A-{MARKER}"


def told(request: DeletionRequest, value: str = ACCOUNT, kind: str = "account_id") -> bool:
    return request.also_known(
        kind,
        value,
        through="email",
        confidence=Confidence.VERIFIED,
        proof=LinkProof.SAME_LOGIN,
    )


def a_resolving(*, raises: bool = False) -> Subscriber:
    """A subscriber whose handler finds an account."""
    subscriber = a_subscriber()

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        assert told(request)
        assert told(request)
        if raises:
            raise OSError
        return Erased(1)

    return subscriber


async def test_what_a_handler_found_goes_with_its_answer_for_intake_alone() -> None:
    harness = SubscriberHarness(a_resolving())
    (answer,) = await harness.deliver(PERSON)
    assert answer.disposition is Disposition.ERASED
    [link] = harness.links(answer)
    assert (link.identifier.kind, link.identifier.value) == ("account_id", ACCOUNT)
    assert (link.through, link.confidence, link.proof) == (
        "email",
        Confidence.VERIFIED,
        LinkProof.SAME_LOGIN,
    )
    assert ACCOUNT.encode() not in answer.sealed_links
    assert ACCOUNT not in repr((answer, link))


async def test_redelivery_says_the_same_links_again_without_asking() -> None:
    harness = SubscriberHarness(a_resolving())
    first = await harness.deliver(PERSON)
    again = await harness.redeliver()
    assert again == first
    assert again[0].sealed_links == first[0].sealed_links


async def test_what_was_found_is_told_though_the_handler_raises() -> None:
    harness = SubscriberHarness(a_resolving(raises=True))
    (failed,) = await harness.deliver(PERSON)
    assert failed.disposition is Disposition.FAILED
    assert len(harness.links(failed)) == 1


async def test_what_was_found_is_durable_before_the_erasure() -> None:
    subscriber = a_subscriber()
    stored: list[Outcome] = []
    harness = SubscriberHarness(subscriber)

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        told(request)
        await request.in_progress("the account is about to go")
        stored.extend(await harness.outcomes.unsent(10))
        return Erased(1)

    await harness.deliver(PERSON)
    [one] = stored
    interim = acknowledgement_from_bytes(one.acknowledgement)
    assert interim.disposition is Disposition.IN_PROGRESS
    assert len(harness.links(interim)) == 1


async def test_a_batch_tells_of_each_person_what_is_theirs() -> None:
    subscriber = a_subscriber()

    @subscriber.deletion_batch
    async def erase(requests: Sequence[DeletionRequest]) -> Sequence[Answer]:
        for one in requests:
            told(one, f"A-{one.identity.first('email')}")
        return [Erased(1) for _ in requests]

    harness = SubscriberHarness(subscriber)
    answers = await harness.deliver(
        identities=[{"email": "a@example.com"}, {"email": "b@example.com"}]
    )
    assert [harness.links(one)[0].identifier.value for one in answers] == [
        "A-a@example.com",
        "A-b@example.com",
    ]


async def test_a_system_that_may_resolve_nothing_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    harness = SubscriberHarness(a_resolving())
    with caplog.at_level(logging.WARNING, "dsr_sdk"):
        (answer,) = await harness.deliver(PERSON, resolves=False)
    assert answer.sealed_links == b""
    assert "does not say that this system resolves" in caplog.text
    assert ACCOUNT not in caplog.text


async def test_rows_that_are_no_identifiers_keep_no_system_from_answering() -> None:
    subscriber = a_subscriber()
    said: list[bool] = []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        said.append(told(request, "not an address", kind="email"))
        said.extend(told(request, f"A-{number}") for number in range(LINKS_LIMIT + 1))
        return Erased(1)

    harness = SubscriberHarness(subscriber)
    (answer,) = await harness.deliver(PERSON)
    assert said == [False, *[True] * LINKS_LIMIT, False]
    assert len(harness.links(answer)) == LINKS_LIMIT


async def test_a_kind_that_is_none_is_the_handlers_fault() -> None:
    subscriber = a_subscriber()
    faults: list[str] = []

    @subscriber.deletion
    async def erase(request: DeletionRequest) -> Answer:
        for kind, through in (("shoe_size", "email"), ("account_id", "phone")):
            with pytest.raises(ValueError, match=r"no kind|names nobody") as fault:
                request.also_known(
                    kind,
                    ACCOUNT,
                    through=through,
                    confidence=Confidence.VERIFIED,
                    proof=LinkProof.CONTRACT,
                )
            faults.append(str(fault.value))
        return Erased(1)

    await SubscriberHarness(subscriber).deliver(PERSON)
    assert len(faults) == 2
    assert ACCOUNT not in str(faults)
