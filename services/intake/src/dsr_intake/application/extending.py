"""Extending: more time to answer, and the question to the person what exactly is meant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

import structlog

from dsr_core.errors import RuleViolation
from dsr_core.ids import RequestId
from dsr_core.law.facts import Fact, FactKind, in_order
from dsr_core.law.timeline import EXTENSION_NOTICE_BY, Timeline
from dsr_core.lifecycle import Event
from dsr_intake.application.clock import Clock
from dsr_intake.application.deciding import Deciding, Resolution
from dsr_intake.model import Letter, RequestView
from dsr_intake.ports import DecisionStore, ReadStore
from dsr_wire.codec.commands import ClarificationAsked, ClarificationGiven, DeadlineExtended

__all__ = ["Extending", "is_told"]

log = structlog.get_logger(__name__)

_LETTERS = "intake"
"""Who tells by letter, and hears when one comes back."""


class Extending:
    """Records what moves a request's dates; they are counted anew from all the facts.

    An extension counts from when the person was told of it. Where they are told by letter, the decision
    is a promise, and the date moves once the letter has gone out.
    """

    def __init__(
        self, *, deciding: Deciding, reads: ReadStore, decisions: DecisionStore, clock: Clock
    ) -> None:
        self._deciding = deciding
        self._reads = reads
        self._decisions = decisions
        self._clock = clock

    async def extend(
        self, request_id: str, *, by: str, reason: str, notified_at: datetime | None
    ) -> RequestView | None:
        """Decide that the answer comes later, once, where the person can be told so in time.

        Args:
            request_id: Whose date it is.
            by: Who decides.
            reason: What the person is told.
            notified_at: When the person was told. Where none is given a letter tells them, and the date
                moves with it; who gets no letters is taken as told now.

        Raises:
            RuleViolation: The regime has no extension, it was extended before, a letter is on its way
                that tells of one, or it is too late to tell the person; the detail has the date.
        """
        one = await self._reads.any(request_id)
        if one is None:
            return None
        is_promise = one.letters and notified_at is None
        now = self._clock()
        resolution = Resolution(
            event=Event.EXTEND,
            by=by,
            reason=reason,
            decision=DeadlineExtended(),
            effective_at=notified_at,
            moment_name="notified_at",
            fact=FactKind.EXTENSION_DECIDED if is_promise else FactKind.EXTENSION_NOTIFIED,
            check=partial(_extends, promised_at=now if is_promise else None),
        )
        return await self._deciding.decide(request_id, resolution)

    async def told(self, letter: Letter, *, at: datetime) -> None:
        """Move the date, now that the letter that tells of it has gone out.

        Safe to repeat; nothing happens where the person was told before, or the request is over.
        """
        resolution = Resolution(
            event=Event.TELL_EXTENSION,
            by=_LETTERS,
            reason="the letter that tells of it was sent",
            decision=DeadlineExtended(),
            effective_at=at,
            fact=FactKind.EXTENSION_NOTIFIED,
            details={"letter": letter.number},
            check=_is_news,
        )
        await self._if_possible(letter.request_id, resolution)

    async def came_back(self, request_id: RequestId, number: int) -> None:
        """Take the date back, since the letter that told of it came back.

        Safe to repeat; nothing happens where the date was not moved by that letter.
        """
        entries = await self._decisions.entries(request_id)
        of_letter = [one for one in entries if one.details.get("letter") == number]
        if not of_letter or of_letter[-1].kind != Event.TELL_EXTENSION:
            return
        resolution = Resolution(
            event=Event.VOID_EXTENSION,
            by=_LETTERS,
            reason="the letter that told of it came back",
            decision=DeadlineExtended(),
            effective_at=of_letter[-1].effective_at,
            fact=FactKind.EXTENSION_CAME_BACK,
            details={"letter": number},
        )
        await self._if_possible(request_id, resolution)

    async def _if_possible(self, request_id: RequestId, resolution: Resolution) -> None:
        try:
            await self._deciding.decide(request_id, resolution)
        except RuleViolation as fault:
            log.info("a letter moves no date", request_id=request_id, reason=fault.reason)

    async def ask(
        self, request_id: str, *, by: str, question: str, asked_at: datetime | None
    ) -> RequestView | None:
        """Record that the person was asked what is meant; some clocks stand still until they say it."""
        resolution = Resolution(
            event=Event.ASK_CLARIFICATION,
            by=by,
            reason=question,
            decision=ClarificationAsked(),
            effective_at=asked_at,
            moment_name="asked_at",
            fact=FactKind.CLARIFICATION_ASKED,
        )
        return await self._deciding.decide(request_id, resolution)

    async def clarify(
        self, request_id: str, *, by: str, reason: str, given_at: datetime | None
    ) -> RequestView | None:
        """Record that the person has said what is meant; a clock that stood still goes on.

        Raises:
            RuleViolation: Nothing was asked, or it was asked later.
        """
        resolution = Resolution(
            event=Event.CLARIFY,
            by=by,
            reason=reason,
            decision=ClarificationGiven(),
            effective_at=given_at,
            moment_name="given_at",
            fact=FactKind.CLARIFICATION_GIVEN,
            check=lambda one, _before, _after: _comes_after_the_question(one, given_at),
        )
        return await self._deciding.decide(request_id, resolution)


def _extends(
    one: RequestView, before: Timeline, after: Timeline, *, promised_at: datetime | None
) -> None:
    notice = before.entry(EXTENSION_NOTICE_BY)
    if notice is None:
        date = before.respond_by or one.due_at
        detail = f"{one.regime} knows no extension: the answer is due by {date.isoformat()}"
        raise RuleViolation("no_extension", detail)
    if is_told(one.facts):
        detail = f"it was extended before, to {one.due_at.isoformat()}, and can be only once"
        raise RuleViolation("extended_already", detail)
    if notice.at is None:
        return
    is_late = before.respond_by == after.respond_by
    if promised_at is not None:
        is_late = promised_at - notice.at >= timedelta(seconds=1)
    if is_late:
        detail = f"the person had to be told of an extension by {notice.at.isoformat()}"
        raise RuleViolation("extension_too_late", detail)


def _is_news(one: RequestView, _before: Timeline, _after: Timeline) -> None:
    if is_told(one.facts):
        raise RuleViolation("told_already", "the person was told of the extension before")


def is_told(facts: Iterable[Fact]) -> bool:
    """Tell whether the person was told of an extension, and what told them has not come back."""
    telling = {FactKind.EXTENSION_NOTIFIED, FactKind.EXTENSION_CAME_BACK}
    kinds = [fact.kind for fact in in_order(facts) if fact.kind in telling]
    return bool(kinds) and kinds[-1] is FactKind.EXTENSION_NOTIFIED


def _comes_after_the_question(one: RequestView, given_at: datetime | None) -> None:
    asked = [fact for fact in one.facts if fact.kind is FactKind.CLARIFICATION_ASKED]
    if given_at is not None and asked and given_at < asked[-1].effective_at:
        detail = f"the person was asked at {asked[-1].effective_at.isoformat()}, which is later"
        raise RuleViolation("clarification_before_question", detail)
