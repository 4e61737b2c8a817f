"""What the address of a page of requests asks for."""

from __future__ import annotations

import re
from datetime import datetime

from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId, is_uuid
from dsr_core.lifecycle import State
from dsr_core.rights import Right
from dsr_intake.application.console.looking import Page
from dsr_intake.http.console.frame import Visit
from dsr_intake.http.jurisdictions import JURISDICTION_PATTERN
from dsr_intake.model import ListFilter
from dsr_intake.model.console import DuePlace

__all__ = ["found", "next_address"]

_OVER = (State.ANSWERED,)
_JURISDICTION = re.compile(JURISDICTION_PATTERN)


async def found(visit: Visit, *, limit: int) -> Page:
    """Return the requests that the address asks for: open ones by their dates, else the newest.

    Raises:
        RejectedInput: It asks for what there cannot be.
        Unavailable: The store is away, or busy with too many.
    """
    wanted = _filter(visit)
    if visit.asked("order") == "newest" or wanted.state in _OVER:
        return await visit.looking.newest(visit.who.sight, wanted, limit=limit)
    return await visit.looking.by_date(visit.who.sight, wanted, after=_after(visit), limit=limit)


def next_address(visit: Visit, page: Page) -> str | None:
    """Return where the next page is, or none."""
    if page.following is None:
        return None
    due_at, request_id = page.following.due_at, page.following.request_id
    return visit.place(after=f"{due_at.isoformat()}_{request_id}")


def _filter(visit: Visit) -> ListFilter:
    jurisdiction = visit.asked("jurisdiction").upper()
    if jurisdiction and _JURISDICTION.fullmatch(jurisdiction) is None:
        raise RejectedInput(
            "invalid_request", "a jurisdiction is like DE or US-CA", field="jurisdiction"
        )
    return ListFilter(
        state=visit.choice("state", State),
        right=visit.choice("right", Right),
        jurisdiction=jurisdiction or None,
    )


def _after(visit: Visit) -> DuePlace | None:
    given = visit.asked("after")
    if not given:
        return None
    due_at, _, request_id = given.partition("_")
    try:
        at = datetime.fromisoformat(due_at)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not is_uuid(request_id):
        raise RejectedInput("invalid_cursor", "this is no place to go on from", field="after")
    return DuePlace(at, RequestId(request_id))
