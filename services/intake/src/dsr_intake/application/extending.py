"""Extending: more time to answer, and the question to the person what exactly is meant."""

from __future__ import annotations

from datetime import datetime

from dsr_core.errors import RuleViolation
from dsr_core.law.facts import FactKind
from dsr_core.law.timeline import EXTENSION_NOTICE_BY, Timeline
from dsr_core.lifecycle import Event
from dsr_intake.application.deciding import Deciding, Resolution
from dsr_intake.model import RequestView
from dsr_wire.codec.commands import ClarificationAsked, ClarificationGiven, DeadlineExtended

__all__ = ["Extending"]


class Extending:
    """Records what moves a request's dates; they are counted anew from all the facts."""

    def __init__(self, *, deciding: Deciding) -> None:
        self._deciding = deciding

    async def extend(
        self, request_id: str, *, by: str, reason: str, notified_at: datetime | None
    ) -> RequestView | None:
        """Move the legal date, once, where the person was told of it in time.

        Args:
            request_id: Whose date it is.
            by: Who decides.
            reason: What the person was told.
            notified_at: When the person was told; now, where none is given.

        Raises:
            RuleViolation: The regime has no extension, it was extended before, or the person was told
                too late; the detail has the date.
        """
        resolution = Resolution(
            event=Event.EXTEND,
            by=by,
            reason=reason,
            decision=DeadlineExtended(),
            effective_at=notified_at,
            moment_name="notified_at",
            fact=FactKind.EXTENSION_NOTIFIED,
            check=_extends,
        )
        return await self._deciding.decide(request_id, resolution)

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


def _extends(one: RequestView, before: Timeline, after: Timeline) -> None:
    notice = before.entry(EXTENSION_NOTICE_BY)
    if notice is None:
        date = before.respond_by or one.due_at
        detail = f"{one.regime} knows no extension: the answer is due by {date.isoformat()}"
        raise RuleViolation("no_extension", detail)
    if any(fact.kind is FactKind.EXTENSION_NOTIFIED for fact in one.facts):
        detail = f"it was extended before, to {one.due_at.isoformat()}, and can be only once"
        raise RuleViolation("extended_already", detail)
    if notice.at is not None and before.respond_by == after.respond_by:
        detail = f"the person had to be told of an extension by {notice.at.isoformat()}"
        raise RuleViolation("extension_too_late", detail)


def _comes_after_the_question(one: RequestView, given_at: datetime | None) -> None:
    asked = [fact for fact in one.facts if fact.kind is FactKind.CLARIFICATION_ASKED]
    if given_at is not None and asked and given_at < asked[-1].effective_at:
        detail = f"the person was asked at {asked[-1].effective_at.isoformat()}, which is later"
        raise RuleViolation("clarification_before_question", detail)
