"""Bringing forward: of requests that are answered together, the date of what was received first holds.

A duplicate that is entered later may have been received earlier, by post for example. It is linked with
its own date; that of what it repeats follows within seconds, found by this difference, whoever dies when.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from dsr_core.errors import RuleViolation
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.timeline import Timeline
from dsr_core.lifecycle import Event
from dsr_intake.application.dating import Dating
from dsr_intake.application.deciding import Deciding, Resolution
from dsr_intake.model import RequestView
from dsr_wire.codec.commands import DeadlineExtended

__all__ = ["BringingForward"]

_BY = "intake"


class BringingForward:
    """Moves the date of a request to that of a duplicate which was received before it."""

    def __init__(self, *, deciding: Deciding, dating: Dating) -> None:
        self._deciding = deciding
        self._dating = dating

    async def bring(self, one: RequestView, duplicates: Sequence[RequestView]) -> bool:
        """Count the dates of a request from the receipts of its duplicates too; tell whether it follows.

        It does not where it is over, or where somebody has moved its date beyond that of a duplicate.

        Raises:
            Unavailable: The store is away, or the rules that the request pins.
        """
        earlier = [each for each in duplicates if each.due_at < one.due_at]
        if not earlier:
            return False
        resolution = Resolution(
            event=Event.BRING_FORWARD,
            by=_BY,
            reason="the same person had asked for the same before, which came in later",
            decision=DeadlineExtended(),
            learnt=tuple(fact for each in earlier for fact in _received(each, self._dating)),
            details={"request_ids": [each.request_id for each in earlier]},
            check=partial(_comes_in_time, until=min(each.due_at for each in earlier)),
        )
        try:
            await self._deciding.decide(one.request_id, resolution)
        except RuleViolation:
            return False
        return True


def _received(one: RequestView, dating: Dating) -> list[Fact]:
    own = {FactKind.RECEIVED, FactKind.IDENTITY_PROVEN}
    return [fact for fact in dating.facts(one) if fact.kind in own]


def _comes_in_time(
    one: RequestView, _before: Timeline, after: Timeline, *, until: datetime
) -> None:
    if after.respond_by is None or after.respond_by > until:
        detail = f"it is due by {one.due_at.isoformat()}, whenever the same was asked for before"
        raise RuleViolation("date_stays", detail)
