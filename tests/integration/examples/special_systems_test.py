"""The systems that do not simply erase: billing, payment methods, the support desk."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dsr_core.plan import Scope
from dsr_core.rights import Disposition
from dsr_sdk.testing.notices import new_request_id

Start = Callable[[str], Awaitable[Any]]


async def test_billing_keeps_invoices_on_a_ground_until_a_date(start: Start) -> None:
    running = await start("billing")
    asked = {new_request_id(): one for one in running.known()}
    before = {key: await running.rows(one) for key, one in asked.items()}
    answers = await running.ask(asked)
    invoiced = {key for key, rows in before.items() if rows.get("invoices")}
    assert 0 < len(invoiced) < len(asked)
    for key, answer in answers.items():
        rows = before[key]
        after = await running.rows(asked[key])
        if key not in invoiced:
            assert answer.disposition is Disposition.ERASED
            assert answer.records == sum(rows.values())
            assert not after
            continue
        assert answer.disposition is Disposition.PARTIALLY_EXEMPT
        assert answer.records == rows.get("payment_reminders", 0) + rows["preferences"]
        (exemption,) = answer.exemptions
        assert exemption.ground == "HGB 257 / AO 147"
        assert exemption.records == sum(after.values()) == sum(rows.values()) - answer.records
        assert exemption.review_at.year in range(2033, 2037)
        assert (exemption.review_at.month, exemption.review_at.day) == (1, 1)
        assert exemption.categories == ("user.contact.address", "user.financial", "user.name")


async def test_billing_asked_twice_answers_twice_the_same(start: Start) -> None:
    running = await start("billing")
    asked = {new_request_id(): one for one in running.known()}
    first = await running.ask(asked)
    second = await running.ask(asked, may_be_repeat=True)
    for key, answer in first.items():
        assert second[key].disposition is answer.disposition
        assert second[key].records == answer.records
        assert second[key].exemptions == answer.exemptions


async def test_billing_asked_by_another_request_is_exempt_with_what_it_kept(start: Start) -> None:
    running = await start("billing")
    invoiced = [one for one in running.known() if (await running.rows(one)).get("invoices")]
    person = invoiced[0]
    await running.ask({new_request_id(): person})
    (answer,) = (await running.ask({new_request_id(): person})).values()
    assert answer.disposition is Disposition.EXEMPT
    assert answer.exemptions[0].records > 0


async def test_billing_reviews_what_it_kept_and_lets_it_go_once_the_law_lets_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = await start("billing")
    [person, *_] = [one for one in running.known() if (await running.rows(one)).get("invoices")]
    (first,) = (await running.ask({new_request_id(): person})).values()
    [exemption] = first.exemptions
    review = Scope(categories=exemption.categories)
    (early,) = (await running.ask({new_request_id(): person}, scope=review)).values()
    assert early.disposition is Disposition.EXEMPT
    assert early.exemptions == first.exemptions
    monkeypatch.setenv("DSR_EXAMPLE_BOOKS_KEPT_UNTIL", datetime.now(UTC).isoformat())
    (late,) = (await running.ask({new_request_id(): person}, scope=review)).values()
    assert (late.disposition, late.records) == (Disposition.ERASED, exemption.records)
    assert not await running.rows(person)


async def test_billing_asked_for_some_categories_touches_no_others(start: Start) -> None:
    running = await start("billing")
    [person, *_] = [one for one in running.known() if (await running.rows(one)).get("invoices")]
    before = await running.rows(person)
    payment = Scope(categories=("user.payment",))
    (answer,) = (await running.ask({new_request_id(): person}, scope=payment)).values()
    after = await running.rows(person)
    assert (answer.disposition, answer.exemptions) == (Disposition.ERASED, ())
    assert answer.records == before.pop("payment_reminders", 0) + before.pop("preferences")
    assert after == before


async def test_payment_methods_fails_twice_and_then_succeeds(start: Start) -> None:
    running = await start("payment-methods")
    person, key = running.known()[0], new_request_id()
    records = sum((await running.rows(person)).values())
    harness = running.harness()
    (answer,) = await harness.deliver(requests={key: person.identifiers})
    assert answer.disposition is Disposition.FAILED
    assert answer.retry_at is not None
    assert answer.retry_at - datetime.now(UTC) < timedelta(seconds=2)
    (answer,) = await harness.advance(timedelta(seconds=5))
    assert answer.disposition is Disposition.FAILED
    assert await running.rows(person)
    (answer,) = await harness.advance(timedelta(seconds=5))
    assert answer.disposition is Disposition.ERASED
    assert answer.records == records
    assert not await running.rows(person)


async def test_payment_methods_counts_refusals_in_its_store(start: Start) -> None:
    running = await start("payment-methods")
    asked = {new_request_id(): running.known()[0]}
    dispositions = []
    for _ in range(4):
        store = running.reopened()
        try:
            (answer,) = (await running.ask(asked, store=store)).values()
        finally:
            await store.close()
        dispositions.append(answer.disposition)
    failed, erased = Disposition.FAILED, Disposition.ERASED
    assert dispositions == [failed, failed, erased, erased]


async def test_payment_methods_does_not_refuse_for_strangers(start: Start) -> None:
    running = await start("payment-methods")
    stranger, known = new_request_id(), new_request_id()
    answers = await running.ask({stranger: running.unknown()[0], known: running.known()[0]})
    assert answers[stranger].disposition is Disposition.NOT_FOUND
    assert answers[known].disposition is Disposition.FAILED


async def test_payment_methods_can_be_told_not_to_refuse(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSR_EXAMPLE_REFUSALS", "0")
    running = await start("payment-methods")
    (answer,) = (await running.ask({new_request_id(): running.known()[0]})).values()
    assert answer.disposition is Disposition.ERASED


async def test_support_desk_does_not_make_people_wait_for_each_other(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSR_EXAMPLE_SLOW_SECONDS", "0.2")
    running = await start("support-desk")
    asked = {new_request_id(): one for one in running.known()}
    assert len(asked) > 10
    begun = time.monotonic()
    answers = await running.ask(asked)
    assert 0.2 <= time.monotonic() - begun < 1
    assert {one.disposition for one in answers.values()} == {Disposition.ERASED}
