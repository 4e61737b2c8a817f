"""From sealed obligations to acknowledgements: the heart of the SDK, without any transport.

The order is what makes a crash harmless at every point: the mark that the handler is about to be
asked is durable before it is asked, its outcome before the acknowledgement is sent, and the
acknowledgement before the offset is committed (which is the caller's part).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_core.identity import Identity
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import RIGHTS, Disposition, Right
from dsr_sdk.access.exporting import Exporter, Terms, handing_over
from dsr_sdk.acknowledging import Signable
from dsr_sdk.answers import (
    Absent,
    Answer,
    Failed,
    InProgress,
    NotFound,
    Present,
    Unresolvable,
    to_acknowledgement,
)
from dsr_sdk.deciding import (
    Step,
    decide,
    effect_may_stand,
    failure,
    pause_after,
    those_that_count,
)
from dsr_sdk.handlers import Asker, Handler, Looking, UnfitAnswer
from dsr_sdk.obligations import ObligationKey, SealedObligation
from dsr_sdk.outcomes import Outcome, OutcomeState, OutcomeStore
from dsr_sdk.recording import (
    after_its_end,
    looked_at_in_vain,
    outcome_of,
    to_be_looked_at,
    unasked_outcome,
)
from dsr_sdk.requests import SystemRequest
from dsr_sdk.rounds import (
    Identities,
    InHand,
    Round,
    later_outcome,
    request_for,
    sealed_obligation,
    signable,
)
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.codec.notices import Instruction
from dsr_wire.keys import SystemKeyPair

__all__ = ["Emit", "Processor"]

Emit = Callable[[Sequence[Signable]], Awaitable[None]]
"""Signs and sends; returns when the broker has them; raises Unavailable."""

_LOG = logging.getLogger("dsr_sdk")

_FLUSH_SECONDS = 1.0
_RESEND = 1000

_ENDED = (OutcomeState.CONFIRMED, OutcomeState.STOPPED)
_OWE_NOTHING = (Step.SUSPEND, Step.PASS)
_ASKS = (Step.ASK, Step.LOOK)


class Processor:
    """Answers for one system."""

    def __init__(
        self,
        *,
        keys: SystemKeyPair,
        handlers: Mapping[Right, Handler],
        outcomes: OutcomeStore,
        asker: Asker,
        clock: Callable[[], datetime],
        emit: Emit,
        honours_scope: bool = False,
        honours_since: Collection[Right] = (),
        looking: Looking | None = None,
        exporter: Exporter | None = None,
    ) -> None:
        self._keys = keys
        self._system_id = SystemId(keys.system_id)
        self._handlers = handlers
        self._outcomes = outcomes
        self._asker = asker
        self._clock = clock
        self._emit = emit
        self._honours_scope = honours_scope
        self._honours_since = frozenset(honours_since)
        self._looking = looking
        self._exporter = exporter
        self._in_hand: dict[ObligationKey, InHand] = {}
        self._processing = asyncio.Lock()
        self._saving = asyncio.Lock()
        self._has_unsent = True
        self.next_retry_at: datetime | None = None
        """When the first retry is due, as far as this process has seen."""

        self.wake = asyncio.Event()
        """Set when there is something to send that no notice brought."""

    async def process(
        self, obligations: Sequence[SealedObligation], *, is_retry: bool = False
    ) -> dict[int, RejectedInput]:
        """Answer these obligations; return when the broker has the acknowledgements.

        Where an obligation is named twice, the notice with the higher revision counts, and of
        equals the later. Answers that come while others are still at work are sent each second. One
        call works at a time: a handler at work is finished before a stop of its request is heard.

        Returns:
            Why an identity could not be opened, by its position in what was given.

        Raises:
            Unavailable: The store or the bus is away. Calling again with the same obligations asks
                no handler again whose outcome was stored.
        """
        turn = Round(is_retry)
        async with self._processing:
            try:
                await self._work(turn, obligations)
            finally:
                for key in turn.asks:
                    self._in_hand.pop(key, None)
        return turn.faults

    async def _work(self, turn: Round, obligations: Sequence[SealedObligation]) -> None:
        await self._prepare(turn, obligations)
        if turn.asks:
            # Looking changes nothing, so that a crash in it leaves nothing to be marked.
            await self._outcomes.begin(
                [
                    (key, one.obligation.notice.notice_id)
                    for key, one in turn.asks.items()
                    if not one.looks
                ]
            )
            await self._ask_all(turn)
        await self._flush(turn)

    async def retry_due(self, limit: int) -> None:
        """Ask again for some of what is due, the oldest first; do nothing where nothing is.

        Raises:
            Unavailable: As in `process`.
        """
        if self.next_retry_at is None or self.next_retry_at > self._clock():
            return
        due = await self._outcomes.due(self._clock(), limit)
        if due:
            obligations = [SealedObligation.from_bytes(one.sealed_obligation) for one in due]
            await self.process(obligations, is_retry=True)
        self.next_retry_at = await self._outcomes.next_retry_at()

    async def resume(self) -> None:
        """Send what a former process left unsent, and learn when the next retry is due.

        Raises:
            Unavailable: As in `process`.
        """
        self._has_unsent = True
        await self.send_unsent()
        self.next_retry_at = await self._outcomes.next_retry_at()

    async def send_unsent(self) -> None:
        """Send answers that no notice would bring back.

        Raises:
            Unavailable: As in `process`; they stay marked.
        """
        self.wake.clear()
        while self._has_unsent:
            self._has_unsent = False
            unsent = await self._outcomes.unsent(_RESEND)
            if not unsent:
                return
            self._has_unsent = True
            await self._emit([signable(one) for one in unsent])
            await self._outcomes.mark_sent(unsent)

    async def answer(self, request_id: RequestId, right: Right, answer: Answer) -> None:
        """Record an answer from outside a handler's return; it is sent at once, or as soon as can be.

        While the handler still runs, an answer that does not confirm is interim. After a stop, one
        that confirms is told as `too_late`.

        Raises:
            RuleViolation: This system was never asked, has confirmed with another answer, or was
                told to stop and does not confirm.
            RejectedInput: The answer is none for this right, or could not be sent.
            Unavailable: The store is away; nothing was recorded.
        """
        key = ObligationKey(request_id, right)
        async with self._saving:
            stored = (await self._outcomes.find([key])).get(key)
            if stored is None or stored.state is OutcomeState.UNASKED:
                raise RuleViolation("unknown_obligation", "this system was never asked for that")
            in_hand = self._in_hand.get(key)
            told = self._acknowledge(key, answer, stored.sequence + 1)
            if in_hand is not None:
                told = in_hand.with_links(in_hand.naming_nobody(told))
            acknowledgement = after_its_end(stored, told) if stored.state in _ENDED else told
            if acknowledgement is None:
                return
            outcome = later_outcome(acknowledgement, stored, in_hand)
            if outcome.state is OutcomeState.CONFIRMED and (
                sealed := sealed_obligation(stored, in_hand)
            ):
                obligation = SealedObligation.from_bytes(sealed)
                outcome = self._looked_at_later(outcome, acknowledgement, obligation)
            await self._outcomes.save([outcome])
            if in_hand is not None:
                in_hand.sequence = outcome.sequence
                in_hand.is_settled = acknowledgement.confirms
            self._note([outcome])

    async def _prepare(self, turn: Round, obligations: Sequence[SealedObligation]) -> None:
        counting, overruled = those_that_count(obligations)
        found = await self._outcomes.find(list(counting))
        identities = Identities(self._keys)
        changed: list[Outcome] = []
        for key, position in counting.items():
            obligation = obligations[position]
            stored = found.get(key)
            step = decide(
                stored,
                obligation.notice,
                is_retry=turn.is_retry,
                since=obligation.system.answers_since,
            )
            if step not in _ASKS:
                outcome = self._unasked_outcome(step, stored, obligation)
                if outcome is not None and outcome is not stored:
                    changed.append(outcome)
                if outcome is not None and (step not in _OWE_NOTHING or key in overruled):
                    turn.send_again(outcome)
                continue
            in_hand = InHand(obligation, looks=step is Step.LOOK, stored=stored)
            if stored is not None:
                in_hand.sequence = stored.sequence
                in_hand.effect_may_stand = effect_may_stand(stored)
            try:
                addressed = identities.of(obligation)
            except RejectedInput as fault:
                turn.faults[position] = fault
                if stored is not None and stored.state is OutcomeState.UNREADABLE:
                    turn.send_again(stored)
                else:
                    failed = Failed("the identity cannot be opened with this system's key")
                    turn.results.append((in_hand, failed, OutcomeState.UNREADABLE))
                continue
            identity = addressed.identity
            unasked = self._unasked(obligation, identity)
            if unasked is not None:
                turn.results.append((in_hand, unasked, None))
                continue
            in_hand.request = request_for(in_hand, addressed, self._report)
            in_hand.link_key = addressed.link_key
            in_hand.terms = Terms(obligation.system.protected_fields, addressed.package_key)
            turn.asks[key] = self._in_hand[key] = in_hand
        if changed:
            async with self._saving:
                await self._outcomes.save(changed)

    def _unasked_outcome(
        self, step: Step, stored: Outcome | None, obligation: SealedObligation
    ) -> Outcome | None:
        if step is Step.STOP and self._exporter is not None:
            self._exporter.cancel(obligation.key.request_id)
        at = self._clock()
        return unasked_outcome(step, stored, obligation, system_id=self._system_id, at=at)

    def _unasked(self, obligation: SealedObligation, identity: Identity) -> Answer | None:
        """Return the answer that needs no handler, or none."""
        if not identity.identifiers and not RIGHTS[obligation.notice.right].needs_known_kind:
            return NotFound()
        if not identity.identifiers:
            return Unresolvable("no identifier of a kind that this system knows")
        names_its_part = RIGHTS[obligation.notice.right].names_its_part
        if obligation.notice.scope.categories and not (self._honours_scope or names_its_part):
            return Failed("this system cannot limit itself to some categories")
        if (
            obligation.notice.scope.since is not None
            and obligation.notice.right not in self._honours_since
        ):
            return Failed("this system cannot limit itself to data since a day")
        if obligation.notice.instruction is Instruction.LOOK and self._looking is None:
            return Failed("this system has nothing that looks whether its erasures hold")
        return None

    async def _report(
        self, request_id: RequestId, right: Right, reason: str, expected_at: datetime | None
    ) -> None:
        await self.answer(request_id, right, InProgress(reason, expected_at))

    async def _ask_all(self, turn: Round) -> None:
        asking = asyncio.create_task(self._ask_handlers(turn))
        waking: asyncio.Task[bool] | None = None
        try:
            while not asking.done():
                if waking is None or waking.done():
                    waking = asyncio.create_task(self.wake.wait())
                await asyncio.wait(
                    {asking, waking},
                    timeout=_FLUSH_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not asking.done():
                    await self._flush_meanwhile(turn)
        finally:
            if waking is not None:
                waking.cancel()
            asking.cancel()
            await asyncio.wait({asking})
        asking.result()

    async def _ask_handlers(self, turn: Round) -> None:
        def answered(request: SystemRequest, result: Answer | Exception) -> None:
            in_hand = turn.asks[ObligationKey(request.request_id, request.right)]
            in_hand.effect_may_stand = request.may_be_repeat  # a batch may have raised before
            turn.results.append((in_hand, result, None))

        def terms(request: SystemRequest) -> Terms:
            return turn.asks[ObligationKey(request.request_id, request.right)].terms

        def is_settled(request: SystemRequest) -> bool:
            return turn.asks[ObligationKey(request.request_id, request.right)].is_settled

        def kind(request: SystemRequest) -> tuple[Right, bool]:
            in_hand = turn.asks[ObligationKey(request.request_id, request.right)]
            return request.right, in_hand.looks

        requests = [one.request for one in turn.asks.values() if one.request is not None]
        for (right, looks), group in groupby(sorted(requests, key=kind), key=kind):
            handler = self._handler(right, looks=looks)
            if handler is not None:
                if handler.is_streaming:
                    handler = handing_over(handler, self._exporter, terms, self.answer)
                await self._asker.ask(handler, list(group), answered, is_settled)
                continue
            for request in group:  # a retry from a time when there was a handler
                answered(request, Failed(f"this system handles no request for {right} any more"))

    def _handler(self, right: Right, *, looks: bool) -> Handler | None:
        if looks and self._looking is not None:
            return self._looking.handler
        return self._handlers.get(right)

    async def _flush_meanwhile(self, turn: Round) -> None:
        try:
            await self._flush(turn)
        except Unavailable:
            self.wake.clear()  # the next flush, or the end of this round, tries again

    async def _flush(self, turn: Round) -> None:
        await self._save(turn)
        if turn.to_send:
            await self._emit(turn.to_send)
            turn.to_send = []
        await self.send_unsent()

    async def _save(self, turn: Round) -> None:
        results = turn.results
        if not results:
            return
        async with self._saving:
            count = len(results)  # threads may append meanwhile
            outcomes: list[Outcome] = []
            to_send: list[Signable] = []
            for in_hand, result, state in results[:count]:
                if in_hand.is_settled:
                    continue
                if _is_in_vain(in_hand, result):
                    outcomes.append(self._unseen(in_hand, result))
                    continue
                outcome, signable = self._outcome(in_hand, result, state, turn.is_retry)
                outcomes.append(outcome)
                to_send.append(signable)
            await self._outcomes.save(outcomes)
            del results[:count]
            for outcome in outcomes:
                self._in_hand.pop(outcome.key, None)
            if not turn.is_retry:
                turn.to_send.extend(to_send)
            self._note(outcomes)

    def _outcome(
        self,
        in_hand: InHand,
        result: Answer | Exception,
        state: OutcomeState | None,
        is_retry: bool,  # noqa: FBT001 - private
    ) -> tuple[Outcome, Signable]:
        obligation, sequence = in_hand.obligation, in_hand.sequence + 1
        if isinstance(result, Exception):
            result, state = self._failure(in_hand, result), OutcomeState.RAISED
        try:
            told = self._acknowledge(obligation.key, result, sequence)
            acknowledgement = in_hand.naming_nobody(told)
            stored = in_hand.stored
            if isinstance(result, Absent) and in_hand.looks and stored and stored.sequence:
                erased = acknowledgement_from_bytes(stored.acknowledgement)
                acknowledgement = replace(acknowledgement, records=erased.records)
            elif isinstance(result, Present):
                again_at = self._clock() + pause_after(sequence)
                acknowledgement = replace(acknowledgement, retry_at=again_at)
        except RejectedInput as fault:
            unfit, state = self._failure(in_hand, fault), OutcomeState.RAISED
            acknowledgement = self._acknowledge(obligation.key, unfit, sequence)
        acknowledgement = in_hand.with_links(acknowledgement)
        outcome = outcome_of(
            acknowledgement,
            notice_id=obligation.notice.notice_id,
            revision=obligation.notice.revision,
            state=state,
            sealed_obligation=obligation,
            unsent=is_retry,
            effect_may_stand=in_hand.effect_may_stand,
        )
        sent = (acknowledgement, len(outcome.acknowledgement))
        return self._looked_at_later(outcome, acknowledgement, obligation), sent

    def _looked_at_later(
        self, outcome: Outcome, acknowledgement: Acknowledgement, obligation: SealedObligation
    ) -> Outcome:
        """Have an erasure looked at again where that was asked for."""
        is_erased = acknowledgement.disposition is Disposition.ERASED
        if not (is_erased and obligation.system.look_again):
            return outcome
        if self._looking is None:
            _LOG.error(
                "request %s is to be looked at again, and no handler does: it stays open",
                outcome.key.request_id,
            )
            return outcome
        at = acknowledgement.answered_at + self._looking.after
        return to_be_looked_at(outcome, obligation.to_bytes(), at=at)

    def _unseen(self, in_hand: InHand, result: Answer | Exception) -> Outcome:
        """Keep what could not be looked at, to be looked at later: nothing is known, nor told."""
        error = (
            result
            if isinstance(result, Exception)
            else UnfitAnswer(
                f"who looks again returns Absent or Present, not {type(result).__name__}"
            )
        )
        at = self._clock()
        key, sequence = in_hand.obligation.key, in_hand.sequence
        failure(error, key, sequence=sequence, at=at)  # logged as any handler's fault
        return looked_at_in_vain(in_hand.stored, in_hand.obligation, at=at)

    def _failure(self, in_hand: InHand, error: Exception) -> Failed:
        sequence = in_hand.sequence + 1
        return failure(error, in_hand.obligation.key, sequence=sequence, at=self._clock())

    def _acknowledge(self, key: ObligationKey, answer: Answer, sequence: int) -> Acknowledgement:
        return to_acknowledgement(
            answer,
            request_id=key.request_id,
            system_id=self._system_id,
            right=key.right,
            sequence=sequence,
            at=self._clock(),
        )

    def _note(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            if one.is_unsent:
                self._has_unsent = True
                self.wake.set()
            if one.retry_at is not None and (
                self.next_retry_at is None or one.retry_at < self.next_retry_at
            ):
                self.next_retry_at = one.retry_at


def _is_in_vain(in_hand: InHand, result: Answer | Exception) -> bool:
    """Tell whether it could not be looked; where nothing was claimed yet, a failure is told."""
    if not in_hand.looks or isinstance(result, Absent | Present):
        return False
    has_claimed = in_hand.stored is not None and in_hand.stored.state is OutcomeState.LOOKING
    return has_claimed or in_hand.request is not None
