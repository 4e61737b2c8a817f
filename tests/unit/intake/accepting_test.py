from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from prometheus_client import CollectorRegistry

from dsr_core.cohorts import COHORT_LIMIT
from dsr_core.errors import Unavailable
from dsr_core.rights import Right
from dsr_intake.application.accepting import (
    BatchAcceptor,
    InteractiveAcceptor,
)
from dsr_intake.application.forming import cohorts_of_many, cohorts_of_one
from dsr_intake.application.room import Overloaded
from dsr_intake.http.submission import parse_single
from dsr_intake.metrics import Metrics
from dsr_intake.model import Accepted, Draft, KeyReused, StillRunning
from dsr_wire.envelope import header
from support.builders import MARKER, NOW, a_registry
from support.intake_fakes import FakeAcceptance, FakeWrapper, a_drafter
from support.submissions import a_submission

DRAFTER = a_drafter(a_registry())


def a_draft(number: int = 1, *, key: str | None = None, **changes: object) -> Draft:
    submission = parse_single(orjson.dumps(a_submission(number, **changes)), idempotency_key=key)
    return DRAFTER.draft(submission, client_id="mine")


class Committed:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def an_acceptor(
    store: FakeAcceptance, committed: Committed, *, waiting_limit: int = 1000
) -> InteractiveAcceptor:
    return InteractiveAcceptor(
        store=store,
        wrapper=FakeWrapper(),
        metrics=Metrics(CollectorRegistry()),
        on_committed=committed,
        waiting_limit=waiting_limit,
    )


async def test_requests_that_arrive_while_a_transaction_runs_share_the_next() -> None:
    store, committed = FakeAcceptance(), Committed()
    acceptor = an_acceptor(store, committed)
    store.gate.clear()
    drafts = [a_draft(n) for n in range(10)]
    first = asyncio.create_task(acceptor.accept(drafts[0]))
    await asyncio.sleep(0)
    others = [asyncio.create_task(acceptor.accept(one)) for one in drafts[1:]]
    await asyncio.sleep(0)
    store.gate.set()
    verdicts = await asyncio.gather(first, *others)
    assert [len(ids) for ids in store.transactions] == [1, 9]
    assert [one.request_id for one in verdicts if isinstance(one, Accepted)] == [
        one.request_id for one in drafts
    ]
    assert committed.count == 2


async def test_same_key_in_flight_is_still_running_and_free_afterwards() -> None:
    store = FakeAcceptance()
    acceptor = an_acceptor(store, Committed())
    store.gate.clear()
    first = asyncio.create_task(acceptor.accept(a_draft(key="k")))
    await asyncio.sleep(0)
    assert isinstance(await acceptor.accept(a_draft(key="k")), StillRunning)
    store.gate.set()
    accepted = await first
    again = await acceptor.accept(a_draft(key="k"))
    assert accepted == again
    assert isinstance(await acceptor.accept(a_draft(2, key="k")), KeyReused)


async def test_requests_beyond_those_that_may_wait_are_shed_and_the_others_are_accepted() -> None:
    store = FakeAcceptance()
    acceptor = an_acceptor(store, Committed(), waiting_limit=3)
    store.gate.clear()
    taken = [asyncio.create_task(acceptor.accept(a_draft(0, key="k-0")))]
    await asyncio.sleep(0)  # it is being written, and waits no more
    taken += [asyncio.create_task(acceptor.accept(a_draft(n, key=f"k-{n}"))) for n in (1, 2, 3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        acceptor.check_room()
    with pytest.raises(Overloaded):
        await acceptor.accept(a_draft(4, key="k-4"))
    store.gate.set()
    assert all(isinstance(one, Accepted) for one in await asyncio.gather(*taken))
    acceptor.check_room()
    assert isinstance(await acceptor.accept(a_draft(4, key="k-4")), Accepted)


async def test_fault_reaches_every_caller_and_the_next_call_works() -> None:
    store, committed = FakeAcceptance(), Committed()
    acceptor = an_acceptor(store, committed)
    store.fault = Unavailable("the database is away")
    results = await asyncio.gather(
        *(acceptor.accept(a_draft(n, key=str(n))) for n in range(3)), return_exceptions=True
    )
    assert [type(one) for one in results] == [Unavailable] * 3
    assert committed.count == 0
    store.fault = None
    assert isinstance(await acceptor.accept(a_draft(1, key="1")), Accepted)


async def test_lines_known_before_form_no_cohort() -> None:
    store, committed = FakeAcceptance(), Committed()
    acceptor = BatchAcceptor(
        store=store,
        wrapper=FakeWrapper(),
        metrics=Metrics(CollectorRegistry()),
        on_committed=committed,
    )
    assert await acceptor.accept([]) == []
    first = await acceptor.accept([a_draft(n, key=str(n)) for n in range(3)])
    again = await acceptor.accept([a_draft(n, key=str(n)) for n in range(3)])
    assert first == again
    assert committed.count == 1


def test_cohort_of_one_bears_its_requests_id() -> None:
    draft = replace(a_draft(), traceparent="00-a-b-01")
    (formed,) = cohorts_of_one([draft])
    assert formed.cohort.cohort_id == draft.request_id
    assert formed.record.key.decode() == draft.request_id
    assert header(formed.record.headers, "ce_id") == draft.request_id
    assert header(formed.record.headers, "traceparent") == "00-a-b-01"
    assert MARKER.encode() not in formed.record.value


@pytest.mark.parametrize(
    "other",
    [
        {"jurisdiction": "FR"},
        {"scope": {"categories": ["user.contact"]}},
        {"identity": [{"kind": "email", "value": f"{MARKER}@example.com"}]},
        {"received_at": (NOW - timedelta(days=1)).isoformat()},
    ],
)
def test_what_decides_plan_or_dates_parts_cohorts(other: dict[str, object]) -> None:
    formed = cohorts_of_many([a_draft(1), a_draft(2, **other), a_draft(3)])
    assert sorted(len(one.members) for one in formed) == [1, 2]


def test_the_right_parts_cohorts() -> None:
    one, other = a_draft(1), a_draft(2)
    access = replace(other, submission=replace(other.submission, right=Right.ACCESS))
    assert [len(formed.members) for formed in cohorts_of_many([one, access])] == [1, 1]


def test_language_and_channel_do_not_part_cohorts() -> None:
    assert len(cohorts_of_many([a_draft(1), a_draft(2, language="de", channel="post")])) == 1


def test_cohort_has_the_earliest_receipt_and_a_bounded_size() -> None:
    early = NOW - timedelta(hours=2)
    drafts = [a_draft(n) for n in range(COHORT_LIMIT)]
    drafts.append(a_draft(999, received_at=early.isoformat()))
    drafts.reverse()
    formed = cohorts_of_many(drafts)
    assert [len(one.members) for one in formed] == [COHORT_LIMIT, 1]
    assert formed[0].cohort.received_at == early
    assert formed[0].cohort.due_at == datetime(2026, 4, 1, 23, 59, 59, tzinfo=UTC)
    assert [tier.at for tier in formed[0].cohort.tiers] == [
        early + (formed[0].cohort.due_at - early) / 2,
        formed[0].cohort.due_at,
    ]
    assert formed[0].cohort.cohort_id not in {one.request_id for one in drafts}
    assert formed[1].cohort.cohort_id == formed[1].members[0].request_id
    assert len(formed[0].record.value) < 100_000
