"""A micro-batch is tried until it is durable, and what that means for each kind of fault."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from unit.verifier.letter_fakes import FakeDeadLetters

from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.ids import RequestId, SystemId
from dsr_verifier.application.tally import Tally
from dsr_verifier.metrics import Metrics
from dsr_verifier.ports import Received, Refusal
from dsr_verifier.streams.handling import Abandoned, Handling
from support.builders import NOW
from support.waiting import eventually

TOPIC = "a topic"
REJECTED = RejectedInput("unstorable", "no store can hold it")


def a_received(offset: int) -> Received:
    return Received(TOPIC, 0, offset, None, b"value", (), NOW)


class Scene:
    """A Handling whose application does as it is told."""

    def __init__(self) -> None:
        self.faults: list[Exception] = []
        self.unstorable: set[int] = set()
        self.refused: set[int] = set()
        self.buried: set[int] = set()
        self.taken: list[list[int]] = []
        self.left = 0
        self.letters = FakeDeadLetters()
        self.metrics = Metrics()
        self.handling = Handling(
            TOPIC,
            self._take,
            dead_letters=self.letters,
            metrics=self.metrics,
            after=lambda _tally: None,
            leave=self._leave,
        )

    async def _take(self, records: Sequence[Received]) -> Tally:
        if self.faults:
            raise self.faults.pop(0)
        offsets = [one.offset for one in records]
        if self.unstorable.intersection(offsets):
            raise REJECTED
        self.taken.append(offsets)
        return Tally(
            recorded=len(records),
            refusals=[Refusal(one, REJECTED) for one in records if one.offset in self.refused],
            buried=[Refusal(one, REJECTED) for one in records if one.offset in self.buried],
        )

    def _leave(self) -> None:
        self.left += 1

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0


async def test_a_part_that_is_away_is_waited_for_in_place() -> None:
    scene = Scene()
    scene.faults = [Unavailable("postgresql"), Unavailable("postgresql")]
    await scene.handling.handle([a_received(1)])
    assert scene.taken == [[1]]
    assert scene.handling.fault is None
    assert scene.count("dsr_verifier_retries_total", topic=TOPIC) == 2


async def test_readiness_says_what_is_waited_for() -> None:
    scene = Scene()
    scene.faults = [Unavailable("postgresql: gone")] * 50
    handling = asyncio.create_task(scene.handling.handle([a_received(1)]))
    await eventually(lambda: scene.handling.fault)
    assert scene.handling.fault == "a topic waits: postgresql: gone"
    scene.handling.stop()
    with pytest.raises(Abandoned):
        await handling


async def test_a_stop_while_a_part_is_away_abandons_the_micro_batch() -> None:
    scene = Scene()
    scene.faults = [Unavailable("kafka")] * 50
    scene.handling.stop()
    with pytest.raises(Abandoned):
        await scene.handling.handle([a_received(1)])
    assert (scene.taken, scene.left) == ([], 0)


async def test_refused_records_are_dead_letters_before_the_micro_batch_is_done() -> None:
    scene = Scene()
    scene.refused = {2}
    scene.letters.faults = [Unavailable("kafka")]
    await scene.handling.handle([a_received(1), a_received(2)])
    assert [one.received.offset for one in scene.letters.buried] == [2]
    assert scene.taken == [[1, 2]], "only the dead letter was tried again"
    reason = {"topic": TOPIC, "reason": "unstorable"}
    assert scene.count("dsr_verifier_dead_letters_total", **reason) == 1


async def test_what_a_transaction_has_buried_is_counted_and_not_buried_again() -> None:
    scene = Scene()
    scene.buried = {2}
    await scene.handling.handle([a_received(1), a_received(2)])
    assert scene.letters.buried == []
    reason = {"topic": TOPIC, "reason": "unstorable"}
    assert scene.count("dsr_verifier_dead_letters_total", **reason) == 1


async def test_answers_against_a_closure_are_counted_on_their_own() -> None:
    scene = Scene()
    pair = (RequestId("one"), SystemId("crm"))
    scene.metrics.count(Tally(late=2, against_closure=[pair]))
    assert scene.count("dsr_verifier_answers_total", result="contradicts_closure") == 1
    assert scene.count("dsr_verifier_answers_total", result="late") == 2


async def test_answers_that_a_full_parking_lot_refuses_are_counted_on_their_own() -> None:
    scene = Scene()
    scene.metrics.count(Tally(parked=4, parked_full=3))
    assert scene.count("dsr_verifier_parked_full_total") == 3
    assert scene.count("dsr_verifier_answers_total", result="parked") == 4


async def test_one_record_that_cannot_be_stored_does_not_take_its_neighbours_along() -> None:
    scene = Scene()
    scene.unstorable = {3}
    await scene.handling.handle([a_received(number) for number in range(8)])
    assert sorted(offset for offsets in scene.taken for offset in offsets) == [0, 1, 2, 4, 5, 6, 7]
    assert [one.received.offset for one in scene.letters.buried] == [3]


async def test_a_fault_of_the_code_ends_the_process_before_anything_is_acknowledged() -> None:
    scene = Scene()
    scene.faults = [KeyError("a bug")]
    with pytest.raises(KeyError):
        await scene.handling.handle([a_received(1)])
    assert scene.left == 1
    assert scene.letters.buried == []
