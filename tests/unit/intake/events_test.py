from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.lifecycle import State
from dsr_intake.application.event import Event, Position
from dsr_intake.application.events import Events
from dsr_intake.metrics import Metrics
from dsr_intake.model import StateChangeRow
from dsr_intake.model.principals import Sight
from support.builders import a_request_id
from support.fake_ledger import FakeLedger
from support.intake_fakes import FakeStates, a_ledger_change, a_state_row
from support.waiting import eventually

MINE = Sight(client_id="mine")


class States(FakeStates):
    """A feed that can be away, begin anew, and give pages."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.page = 2000
        self.base = 0

    def _check(self) -> None:
        self.reads += 1
        if self.is_away:
            raise Unavailable("the store is away")

    async def horizon(self) -> int:
        self._check()
        return max(self.base, await super().horizon())

    async def changed_since(
        self, revision: int, *, request_id: str | None = None, sight: Sight | None = None
    ) -> tuple[list[StateChangeRow], int]:
        self._check()
        found, _ = await super().changed_since(revision, request_id=request_id, sight=sight)
        found = found[: self.page]
        return found, found[-1].revision if found else revision

    async def owners(self, request_ids: Sequence[str]) -> dict[str, str]:
        self._check()
        return await super().owners(request_ids)


class Rig:
    def __init__(self) -> None:
        self.states = States()
        self.ledger = FakeLedger()
        self.events = Events(
            states=self.states, ledger=self.ledger, metrics=Metrics(CollectorRegistry())
        )


@asynccontextmanager
async def running() -> AsyncIterator[Rig]:
    rig = Rig()
    task = asyncio.create_task(rig.events.run())
    try:
        yield rig
    finally:
        rig.events.stop()
        await asyncio.wait_for(task, 5)


async def told(listener: object) -> Event:
    event = await asyncio.wait_for(listener.queue.get(), 5)
    assert isinstance(event, Event)
    return event


async def test_what_led_to_a_state_is_told_before_it() -> None:
    async with running() as rig:
        listener = await rig.events.listen(MINE, a_request_id())
        rig.ledger.log.append(a_ledger_change(1))
        rig.states.rows.append(a_state_row(7, state=State.ANSWERED))
        first, second = await told(listener), await told(listener)
        assert (first.kind, second.kind, second.ends) == ("obligation", "state", True)
        assert (str(first.position), str(second.position)) == ("0.1", "7.1")


async def test_nobody_is_told_of_what_is_not_theirs() -> None:
    async with running() as rig:
        mine = await rig.events.listen(MINE)
        theirs = await rig.events.listen(Sight(client_id="theirs"))
        other = await rig.events.listen(MINE, a_request_id(2))
        rig.states.rows.append(a_state_row(3))
        assert (await told(mine)).request_id == a_request_id()
        assert theirs.queue.empty()
        assert other.queue.empty()


async def test_feeds_are_read_while_somebody_listens_and_not_otherwise() -> None:
    async with running() as rig:
        listeners = [await rig.events.listen(MINE) for _ in range(100)]
        await eventually(lambda: rig.ledger.polls >= 4)
        assert rig.ledger.polls < 50
        for listener in listeners:
            rig.events.leave(listener)
        rig.ledger.log.append(a_ledger_change(1))
        before = rig.ledger.polls
        fresh = await rig.events.listen(MINE, a_request_id())
        assert rig.ledger.polls <= before + 2
        rig.ledger.log.append(a_ledger_change(2))
        assert str((await told(fresh)).position).endswith(".2")


async def test_states_are_told_while_the_verifier_is_away() -> None:
    async with running() as rig:
        rig.ledger.is_away = True
        listener = await rig.events.listen(MINE, a_request_id())
        assert str(listener.start) == "0."
        rig.states.rows.append(a_state_row(2))
        assert (await told(listener)).kind == "state"
        rig.ledger.is_away = False
        reset = await told(listener)
        assert (reset.kind, str(reset.position)) == ("reset", "2.0")
        rig.ledger.log.append(a_ledger_change(1))
        assert (await told(listener)).kind == "obligation"


async def test_a_store_that_is_away_ends_no_stream_and_nothing_is_lost() -> None:
    with capture_logs() as logs:
        async with running() as rig:
            listener = await rig.events.listen(MINE)
            rig.states.is_away = True
            rig.states.rows.append(a_state_row(2))
            rig.ledger.log.append(a_ledger_change(1))
            reads = rig.states.reads
            await eventually(lambda: rig.states.reads >= reads + 3)
            rig.states.is_away = False
            assert [(await told(listener)).kind for _ in range(2)] == ["obligation", "state"]
    assert [one["event"] for one in logs] == ["no events are told for now"]


async def test_a_store_that_went_back_is_followed_from_now_after_a_reset() -> None:
    async with running() as rig:
        rig.states.base = 90
        listener = await rig.events.listen(MINE)
        rig.states.is_away = True
        reads = rig.states.reads
        await eventually(lambda: rig.states.reads >= reads + 1)
        rig.states.base, rig.states.is_away = 50, False
        reset = await told(listener)
        assert (reset.kind, str(reset.position)) == ("reset", "50.0")
        rig.states.rows.append(a_state_row(60))
        assert (await told(listener)).kind == "state"


async def test_every_page_of_what_was_missed_is_told() -> None:
    rig = Rig()
    rig.states.page = 3
    rig.states.rows += [a_state_row(n + 1, a_request_id(n)) for n in range(10)]
    listener = await rig.events.listen(MINE)
    rig.states.rows.append(a_state_row(11))
    missed = await rig.events.missed(listener, Position(2, "0"))
    assert missed is not None
    assert [one.position.revision for one in missed] == [*range(3, 11)]


async def test_more_missed_than_a_listener_may_wait_for_is_a_reset() -> None:
    rig = Rig()
    rig.states.rows += [a_state_row(n + 1, a_request_id(n)) for n in range(5001)]
    listener = await rig.events.listen(MINE)
    assert await rig.events.missed(listener, Position(0, "0")) is None
    assert len(await rig.events.missed(listener, Position(1, "0")) or ()) == 5000


@pytest.mark.parametrize("since", ["", "0"])
async def test_a_verifier_that_was_away_at_one_end_of_what_was_missed_is_a_reset(
    since: str,
) -> None:
    rig = Rig()
    rig.ledger.is_away = since == "0"
    listener = await rig.events.listen(MINE)
    assert listener.start.cursor != since
    assert await rig.events.missed(listener, Position(0, since)) is None


async def test_what_was_missed_is_told_once_and_in_order() -> None:
    rig = Rig()
    rig.ledger.log += [
        a_ledger_change(1),
        a_ledger_change(2, a_request_id(2)),
        a_ledger_change(3),
    ]
    rig.states.rows += [a_state_row(4), a_state_row(6, a_request_id(2)), a_state_row(9)]
    listener = await rig.events.listen(MINE, a_request_id())
    missed = await rig.events.missed(listener, Position(4, "1"))
    assert missed is not None
    assert [str(one.position) for one in missed] == ["4.3", "9.3"]
    everything = await rig.events.listen(MINE)
    all_missed = await rig.events.missed(everything, Position(0, "0"))
    assert all_missed is not None
    assert len(all_missed) == 6
    assert await rig.events.missed(listener, listener.start) == []


async def test_who_is_too_far_back_or_meets_a_verifier_away_starts_over() -> None:
    rig = Rig()
    rig.ledger.log += [a_ledger_change(n + 1) for n in range(10_500)]
    listener = await rig.events.listen(MINE, a_request_id())
    assert await rig.events.missed(listener, Position(0, "0")) is None
    assert await rig.events.missed(listener, Position(0, "10000")) is not None
    rig.ledger.is_away = True
    assert await rig.events.missed(listener, Position(0, "10000")) is None


async def test_feed_that_does_not_reach_back_is_followed_from_now() -> None:
    async with running() as rig:
        listener = await rig.events.listen(MINE, a_request_id())
        rig.ledger.log += [a_ledger_change(n + 1) for n in range(3)]
        rig.ledger.reaches_back_to = 3
        polls = rig.ledger.polls
        await eventually(lambda: rig.ledger.polls > polls + 3)
        rig.ledger.log.append(a_ledger_change(4))
        assert [
            (one.kind, str(one.position)) for one in (await told(listener), await told(listener))
        ] == [
            ("reset", "0.3"),
            ("obligation", "0.4"),
        ]
        assert await rig.events.missed(listener, Position(0, "1")) is None


async def test_cut_within_a_transaction_tells_all_of_it_again() -> None:
    async with running() as rig:
        listener = await rig.events.listen(MINE)
        rig.states.rows += [a_state_row(5, a_request_id(n)) for n in (1, 2, 3)]
        positions = [(await told(listener)).position.revision for _ in range(3)]
        assert positions == [0, 0, 5]


async def test_slow_listener_is_let_go() -> None:
    async with running() as rig:
        slow = await rig.events.listen(MINE)
        rig.ledger.log += [a_ledger_change(n + 1) for n in range(6000)]
        rig.states.rows.append(a_state_row(1))
        await eventually(slow.queue.full)
        last = None
        while not slow.queue.empty():
            last = slow.queue.get_nowait()
        assert last is None


async def test_stopping_ends_every_stream() -> None:
    async with running() as rig:
        listener = await rig.events.listen(MINE)
        rig.events.stop()
        assert await asyncio.wait_for(listener.queue.get(), 5) is None
        with pytest.raises(Unavailable):
            await rig.events.listen(MINE)


@pytest.mark.parametrize("text", ["", "x", "1", "1.\n", "-1.2", "1.2 3", "9" * 19 + ".1"])
def test_id_of_no_event_is_refused(text: str) -> None:
    with pytest.raises(RejectedInput):
        Position.of(text)


def test_event_is_written_as_the_standard_says() -> None:
    event = Event("state", a_request_id(), orjson.dumps({"a": 1}), Position(3, "4"))
    assert bytes(event) == b'event: state\nid: 3.4\ndata: {"a":1}\n\n'
