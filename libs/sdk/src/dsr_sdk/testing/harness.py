"""The harness: delivers notices to a subscriber's handlers and returns what they answered."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.corrections import Rectification
from dsr_core.errors import RejectedInput
from dsr_core.exports import ProtectedField
from dsr_core.ids import RequestId
from dsr_core.linking import Link
from dsr_core.plan import Scope
from dsr_core.rights import RIGHTS, Right
from dsr_sdk.access.exporting import Exporter
from dsr_sdk.acknowledging import Signable
from dsr_sdk.answers import Answer
from dsr_sdk.bus import Record
from dsr_sdk.obligations import ObligationKey, obligations_of
from dsr_sdk.processing import Processor
from dsr_sdk.testing.memory_outcomes import MemoryOutcomeStore
from dsr_sdk.testing.memory_store import HandedOver, MemoryStore, read_export
from dsr_sdk.testing.notices import IdentityLike, a_notice, a_notice_record, new_request_id
from dsr_wire.codec.notices import Instruction, Notice
from dsr_wire.link_keys import LinkKey
from dsr_wire.sealing_keys import PrivateSealingKey

if TYPE_CHECKING:
    from dsr_sdk.subscriber import Subscriber

__all__ = ["SubscriberHarness"]


class SubscriberHarness:
    """Asks a subscriber's handlers the way a running subscriber does, without a bus.

    Notices are really sealed and opened, and outcomes are kept from one delivery to the next, so
    that redelivery, reminders and retries can be tested.
    """

    def __init__(self, subscriber: Subscriber, *, patience: float = 60.0) -> None:
        """Make one.

        Args:
            subscriber: What is tested.
            patience: How many seconds a delivery waits for an access handler that yields; one that takes
                longer is answered `in_progress`, and its answer comes with `advance`.
        """
        self.outcomes = MemoryOutcomeStore()
        """What the subscriber remembers."""

        self.now = datetime.now(UTC)
        """The time that answers are given at; moved by `advance`."""

        self.store = MemoryStore()
        """The object store that access handlers hand over to."""

        self.package_key = PrivateSealingKey.generate()
        """What opens the exports."""

        self._link_secret = secrets.token_bytes(32)
        self._subscriber = subscriber
        self._answers: list[Acknowledgement] = []
        self._last: Record | None = None
        self._processor = Processor(
            keys=subscriber.keys,
            handlers=subscriber.handlers,
            outcomes=self.outcomes,
            asker=subscriber.asker,
            clock=lambda: self.now,
            emit=self._take,
            honours_scope=subscriber.honours_scope,
            honours_since=subscriber.honours_since,
            looking=subscriber.looking,
            exporter=Exporter(
                store=self.store,
                journal=self.outcomes,
                system_id=subscriber.system_id,
                clock=lambda: self.now,
                limits=subscriber.export_limits,
                patience=patience,
                store_patience=0.0,
            ),
        )

    async def deliver(
        self,
        identity: IdentityLike | None = None,
        *,
        identities: Sequence[IdentityLike] = (),
        requests: Mapping[str, IdentityLike] | None = None,
        right: Right | None = None,
        reminder: int = 0,
        scope: Scope | None = None,
        may_be_repeat: bool = False,
        revision: int = 0,
        answers_since: datetime | None = None,
        look_again: bool = False,
        held_before: datetime | None = None,
        protected: Sequence[ProtectedField] = (),
        rectification: Rectification | None = None,
        resolves: bool = True,
    ) -> tuple[Acknowledgement, ...]:
        """Deliver one notice and return the answers, in the order of the requests.

        Args:
            identity: Names the data subject of one request.
            identities: Those of several requests.
            requests: Those of several requests, by request id; for reminders.
            right: What is asked for; the only right that has a handler unless given.
            reminder: The number of the reminder.
            scope: What part of the data is meant; all of it unless given.
            may_be_repeat: Pretend that the subscriber had crashed after asking the handler.
            revision: Of two notices about one request the higher one counts; to go on after
                `suspend`, give a higher one than that had.
            answers_since: When this system took over the data of others: what it answered before
                does not count, and the handler is asked again.
            look_again: Whether an erasure counts only once it was looked at again; `advance` brings
                the time for that.
            held_before: Ask whether what it had erased by then is still gone; it erases only what
                it finds.
            protected: Of a right that hands over: fields whose values are not handed over as they are.
            rectification: For correction: what is to be put right.
            resolves: Whether the registry lets this system tell of other identifiers; see `links`.
        """
        given = [*identities, *(() if identity is None else (identity,))]
        named = {RequestId(key): value for key, value in (requests or {}).items()}
        named.update({new_request_id(): one for one in given})
        asked = right or next(iter(self._subscriber.handlers))
        notice = a_notice(
            named,
            to=(self._subscriber.keys.public,),
            organisation_id=self._subscriber.organisation_id,
            right=asked,
            reminder=reminder,
            scope=scope,
            revision=revision,
            answers_since=answers_since,
            look_again=look_again or held_before is not None,
            instruction=Instruction.PERFORM if held_before is None else Instruction.LOOK,
            held_before=held_before,
            package_key=self.package_key.public.raw if RIGHTS[asked].hands_over else b"",
            protected=protected,
            rectification=rectification,
            link_keys={one: self._link_key(one).public for one in named} if resolves else {},
        )
        if may_be_repeat:
            keys = [ObligationKey(request_id, asked) for request_id in named]
            await self.outcomes.begin([(key, notice.notice_id) for key in keys])
        return await self._deliver(notice)

    def handed_over(self, answer: Acknowledgement) -> HandedOver:
        """Open what an answer to a request for access has handed over.

        Raises:
            AssertionError: It has handed nothing over.
        """
        return read_export(self.store.objects, answer, self.package_key)

    def links(self, answer: Acknowledgement) -> tuple[Link, ...]:
        """Open the links that an answer holds: what `also_known` has told; none where it told nothing."""
        if not answer.sealed_links:
            return ()
        return self._link_key(answer.request_id).open(
            answer.sealed_links, system_id=answer.system_id
        )

    def _link_key(self, request_id: RequestId) -> LinkKey:
        return LinkKey(request_id, self._link_secret)

    async def stop(
        self, *request_ids: str, right: Right | None = None, revision: int = 1, reminder: int = 0
    ) -> tuple[Acknowledgement, ...]:
        """Deliver a notice that stops these requests, and return the answers.

        No handler is asked: they are `stopped` or `too_late` by what the outcome store knows.
        """
        return await self._instruct(Instruction.STOP, request_ids, right, revision, reminder)

    async def suspend(
        self, *request_ids: str, right: Right | None = None, revision: int = 1
    ) -> tuple[Acknowledgement, ...]:
        """Deliver a notice that suspends these requests; no answer is owed.

        Nothing is begun for them until `deliver` with a higher revision.
        """
        return await self._instruct(Instruction.SUSPEND, request_ids, right, revision)

    async def _instruct(
        self,
        instruction: Instruction,
        request_ids: Sequence[str],
        right: Right | None,
        revision: int,
        reminder: int = 0,
    ) -> tuple[Acknowledgement, ...]:
        notice = a_notice(
            {RequestId(one): {} for one in request_ids},
            to=(self._subscriber.keys.public,),
            organisation_id=self._subscriber.organisation_id,
            right=right or next(iter(self._subscriber.handlers)),
            reminder=reminder,
            instruction=instruction,
            revision=revision,
        )
        return await self._deliver(notice)

    async def _deliver(self, notice: Notice) -> tuple[Acknowledgement, ...]:
        record = a_notice_record(notice)
        self._last = Record(record.topic, 0, 0, record.key, record.value, record.headers)
        return await self.redeliver()

    async def redeliver(self) -> tuple[Acknowledgement, ...]:
        """Deliver the last notice once more, as Kafka does after a crash.

        Raises:
            RejectedInput: There is no handler for the notice's right.
        """
        if self._last is None:
            raise RejectedInput("nothing_delivered", "nothing was delivered before")
        obligations = list(
            obligations_of(
                self._last,
                system_id=self._subscriber.system_id,
                organisation_id=self._subscriber.organisation_id,
            )
        )
        self._answers.clear()
        await self._processor.process(obligations)
        return self._ordered([one.identity.request_id for one in obligations])

    async def advance(self, by: timedelta) -> tuple[Acknowledgement, ...]:
        """Move the time on, and return what the retries that fell due have answered."""
        self.now += by
        self._answers.clear()
        await self._processor.resume()
        await self._processor.retry_due(len(self.outcomes.outcomes) or 1)
        return tuple(self._answers)

    async def later(self, request_id: str, *, seconds: float = 10.0) -> Acknowledgement:
        """Wait for the answer that follows `in_progress`, and return it.

        Raises:
            TimeoutError: None came in time.
        """
        async with asyncio.timeout(seconds):
            while True:
                await self._processor.wake.wait()
                self._answers.clear()
                await self._processor.resume()
                for one in self._answers:
                    if one.request_id == request_id:
                        return one

    async def answer(self, request_id: str, answer: Answer, right: Right | None = None) -> None:
        """Answer later, as `Subscriber.answer` does."""
        asked = right or next(iter(self._subscriber.handlers))
        await self._processor.answer(RequestId(request_id), asked, answer)

    async def _take(self, answers: Sequence[Signable]) -> None:
        self._answers.extend(answer for answer, _ in answers)

    def _ordered(self, request_ids: Sequence[RequestId]) -> tuple[Acknowledgement, ...]:
        places = {request_id: place for place, request_id in enumerate(request_ids)}
        return tuple(sorted(self._answers, key=lambda one: places.get(one.request_id, -1)))
