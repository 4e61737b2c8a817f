"""Notices that perform, suspend and stop, in any order, repeated, with crashes in between.

The notices of one request are those that the lifecycle allows: nothing follows a stop. They are
delivered as Kafka does: in any order, in batches, at least once; and a batch that a crash cut short
comes again, with more behind it, before what follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from hypothesis import given
from hypothesis import strategies as st

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import Unavailable
from dsr_core.rights import Disposition, Right
from dsr_sdk import (
    Answer,
    DeletionRequest,
    Erased,
    Failed,
    InProgress,
    ObligationKey,
    Outcome,
    OutcomeState,
    SystemKeyPair,
    Unresolvable,
)
from dsr_sdk.acknowledging import Signable
from dsr_sdk.handlers import Asker, Handler
from dsr_sdk.obligations import SealedObligation
from dsr_sdk.processing import Processor
from dsr_sdk.testing import Instruction, MemoryOutcomeStore, a_notice
from dsr_sdk.testing.notices import new_request_id
from dsr_wire.codec.notices import Notice

KEYS = SystemKeyPair.generate("billing")
PERSON = {"email": "a@example.com"}
START = datetime(2026, 3, 1, tzinfo=UTC)


class Deed(Enum):
    """What the handler does when it is asked."""

    ERASE = auto()
    ERASE_AND_RAISE = auto()
    ERASE_AND_GO_ON = auto()
    RAISE = auto()
    FAIL = auto()
    FAIL_AND_RETRY = auto()
    NAME_NOBODY = auto()


EFFECTS = (Deed.ERASE, Deed.ERASE_AND_RAISE, Deed.ERASE_AND_GO_ON)


class Crash(Enum):
    """Where the process dies in a round, if it does."""

    NOWHERE = auto()
    AT_BEGIN = auto()
    AFTER_BEGIN = auto()
    AT_SAVE = auto()
    AFTER_SAVE = auto()
    AT_SEND = auto()


@dataclass
class Store(MemoryOutcomeStore):
    """Survives the processes that die over it."""

    crash: Crash = Crash.NOWHERE

    def __post_init__(self) -> None:
        super().__init__()

    async def begin(self, begun: Sequence[tuple[ObligationKey, str]]) -> None:
        self._die(Crash.AT_BEGIN)
        await super().begin(begun)
        self._die(Crash.AFTER_BEGIN)

    async def save(self, outcomes: Sequence[Outcome]) -> None:
        self._die(Crash.AT_SAVE)
        await super().save(outcomes)
        self._die(Crash.AFTER_SAVE)

    def _die(self, here: Crash) -> None:
        if self.crash is here:
            self.crash = Crash.NOWHERE
            raise Unavailable("crashed")


@dataclass
class System:
    """One system under one request, and all that it did."""

    deeds: list[Deed]
    store: Store = field(default_factory=Store)
    now: datetime = START
    delivered: list[Notice] = field(default_factory=list)
    effects: int = 0
    asked: list[int] = field(default_factory=list)
    """The revision that counted at each asking."""

    sent: list[Acknowledgement] = field(default_factory=list)

    def erase(self, _request: DeletionRequest) -> Answer:
        counting = strongest(self.delivered)
        assert counting.instruction is Instruction.PERFORM
        self.asked.append(counting.revision)
        deed = self.deeds.pop(0) if self.deeds else Deed.ERASE
        self.effects += deed in EFFECTS
        match deed:
            case Deed.ERASE:
                return Erased(1)
            case Deed.ERASE_AND_RAISE | Deed.RAISE:
                raise RuntimeError
            case Deed.ERASE_AND_GO_ON:
                return InProgress(expected_at=self.now + timedelta(hours=1))
            case Deed.FAIL:
                return Failed()
            case Deed.FAIL_AND_RETRY:
                return Failed(retry_at=self.now + timedelta(hours=1))
            case Deed.NAME_NOBODY:
                return Unresolvable("no such account")

    async def take(self, batch: Sequence[Notice], crash: Crash) -> bool:
        """Handle a batch in a new process; tell whether it lived to commit it."""
        self.delivered.extend(batch)
        obligations = [
            SealedObligation(one, one.systems[0], one.systems[0].identities[0]) for one in batch
        ]
        self.store.crash = crash
        processor = self._processor()
        try:
            await processor.resume()
            await processor.process(obligations)
        except Unavailable:
            return False
        return True

    async def wait(self, by: timedelta) -> None:
        """Let time pass, with whatever retries fall due."""
        self.now += by
        self.store.crash = Crash.NOWHERE
        processor = self._processor()
        await processor.resume()
        await processor.retry_due(10)

    @property
    def outcome(self) -> Outcome:
        (outcome,) = self.store.outcomes.values()
        return outcome

    def _processor(self) -> Processor:
        return Processor(
            keys=KEYS,
            handlers={Right.DELETION: Handler(Right.DELETION, self._erase, is_batch=False)},
            outcomes=self.store,
            asker=Asker(concurrency=1, batch_size=1),
            clock=lambda: self.now,
            emit=self._emit,
        )

    async def _erase(self, request: DeletionRequest) -> Answer:
        return self.erase(request)

    async def _emit(self, answers: Sequence[Signable]) -> None:
        self.store._die(Crash.AT_SEND)
        self.sent.extend(answer for answer, _ in answers)


def strongest(notices: Sequence[Notice]) -> Notice:
    return max(notices, key=lambda one: one.revision)


@st.composite
def decisions(draw: st.DrawFn) -> list[Notice]:
    """The notices of one request, a revision for each decision, and reminders of some."""
    middle = draw(st.lists(st.sampled_from([Instruction.PERFORM, Instruction.SUSPEND]), max_size=4))
    last = [Instruction.STOP] if draw(st.booleans()) else []
    request_id = new_request_id()
    return [
        a_notice(
            {request_id: PERSON},
            to=[KEYS.public],
            instruction=instruction,
            revision=revision,
            reminder=reminder,
        )
        for revision, instruction in enumerate([Instruction.PERFORM, *middle, *last])
        for reminder in range(draw(st.integers(1, 2)))
    ]


@given(
    st.data(),
    decisions(),
    st.lists(st.sampled_from(Deed), max_size=6),
    st.lists(st.sampled_from(Crash), max_size=6),
)
def test_the_last_revision_decides_and_a_stop_never_lies(
    data: st.DataObject, notices: list[Notice], deeds: list[Deed], crashes: list[Crash]
) -> None:
    again = data.draw(st.lists(st.sampled_from(notices), max_size=4))
    order = data.draw(st.permutations([*notices, *again]))
    system = System(deeds)

    async def live() -> None:
        rest, at_least = order, 1
        while rest:
            size = data.draw(st.integers(at_least, at_least + 2))
            crash = crashes.pop() if crashes else Crash.NOWHERE
            lived = await system.take(rest[:size], crash)
            check_that_no_stop_lies(system)
            if lived:
                rest, at_least = rest[size:], 1
                await system.wait(timedelta(hours=data.draw(st.integers(0, 2))))
            else:
                at_least = size
        await system.wait(timedelta(days=30))

    asyncio.run(live())
    check_that_no_stop_lies(system)
    check_what_it_came_to(system, strongest(notices))


def check_that_no_stop_lies(system: System) -> None:
    stopped = [one for one in system.sent if one.disposition is Disposition.STOPPED]
    assert not (stopped and system.effects)
    by_sequence = {one.sequence: one for one in system.sent}
    assert all(by_sequence[one.sequence] == one for one in system.sent)


def check_what_it_came_to(system: System, last: Notice) -> None:
    outcome = system.outcome
    final = max(system.sent, key=lambda one: one.sequence, default=None)
    assert outcome.revision == last.revision
    assert outcome.sequence == (final.sequence if final else 0)
    match last.instruction:
        case Instruction.STOP:
            assert outcome.state is OutcomeState.STOPPED
            assert final is not None
            assert final.disposition in (Disposition.STOPPED, Disposition.TOO_LATE)
            assert (final.disposition is Disposition.TOO_LATE) or not system.effects
        case Instruction.SUSPEND:
            assert outcome.is_suspended
            assert outcome.retry_at is None
        case Instruction.PERFORM:
            assert not outcome.is_suspended
            assert outcome.state is not OutcomeState.UNASKED
            assert system.asked
            assert final is not None
