"""By when, and why still open: a subject request's legal dates, and what keeps it from its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from dsr_core.blockers import BlockerKind
from dsr_core.lifecycle import State
from dsr_core.rights import Right
from dsr_intake.application.explaining import Explanation
from dsr_intake.application.promises import Upcoming
from dsr_intake.http.context import Context
from dsr_intake.http.examples import BLOCKERS, TIMELINE
from dsr_intake.http.openapi import answer, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.views import BASE, json_response
from dsr_intake.model import RequestView
from dsr_intake.model.principals import Scope
from dsr_wire.documents import entry_document, timeline_document

__all__ = ["DOCUMENTS", "router"]


class FactDocument(BaseModel):
    """Something that happened to the request, as far as its dates go."""

    kind: str
    at: datetime


class EntryDocument(BaseModel):
    """One legal date."""

    name: str
    at: datetime | None
    """The last second that is in time; null while the date depends on something that is awaited."""

    rule: str
    why: str


class TimelineDocument(BaseModel):
    """The legal dates of a subject request, and what they were counted from."""

    right: Right
    jurisdiction: str
    regime: str
    regime_why: str
    rules_digest: str
    zone: str
    facts: list[FactDocument]
    entries: list[EntryDocument]


class UpcomingDocument(BaseModel):
    """Something that will happen by itself."""

    at: datetime
    what: str


class BlockerDocument(BaseModel):
    """One fact that keeps a request open; owner and contact are a team's, not a person's."""

    kind: BlockerKind
    what: str
    system_id: str | None
    hold_id: str | None
    organisation_id: str | None
    owner: str | None
    contact: str | None
    since: datetime
    next: UpcomingDocument | None


class AtRiskDocument(BaseModel):
    """What does not keep a request open, and costs it a date if nobody does anything."""

    what: str
    owner: str
    contact: str | None
    since: datetime
    by: datetime | None
    next: UpcomingDocument | None


class BlockersDocument(BaseModel):
    """What keeps a subject request open, and its next legal date."""

    request_id: str
    state: State
    is_duplicate: bool
    """Whether it is answered with another request, whose blockers these are."""

    duplicate_of: str | None
    """That request, where the same client submitted it."""

    blockers: list[BlockerDocument]
    at_risk: AtRiskDocument | None
    """An extension that was decided, or the receipt, of which the person must be told by a date."""

    next_date: EntryDocument | None


DOCUMENTS = (BlockersDocument, TimelineDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["subject requests"])

    @routes.get(
        BASE + "/{request_id}/timeline",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read a subject request's legal dates",
        description=(
            "Every date that the law or the company's promise sets, with the provision that it comes "
            "from and the arithmetic in words. `at` is the last second that is in time; null while the "
            "date depends on something that is awaited."
        ),
        responses={
            200: answer("TimelineDocument", "The dates", example=TIMELINE),
            **problems(404, 422),
        },
    )
    async def dates(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        regime = context.dating.regime(await context.registry.rules(one.rules_digest), one)
        return json_response(
            timeline_document(
                context.dating.timeline(regime, one),
                context.dating.facts(one),
                regime=regime,
                regime_why=one.regime_why,
                rules_digest=one.rules_digest,
                right=one.right,
                jurisdiction=one.jurisdiction,
            )
        )

    @routes.get(
        BASE + "/{request_id}/blockers",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read what keeps a subject request open",
        description=(
            "The smallest set of facts that keep it from its end: without them it would close, and "
            "while one is left it cannot. Empty once the requester is answered."
        ),
        responses={
            200: answer("BlockersDocument", "What keeps it open", example=BLOCKERS),
            **problems(404, 422),
        },
    )
    async def explain(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        return json_response(blockers_document(one, await context.explaining.explain(one)))

    return routes


def blockers_document(one: RequestView, why: Explanation) -> dict[str, Any]:
    """Return what keeps a subject request open."""
    next_date = why.next_date
    return {
        "request_id": one.request_id,
        "state": one.state.value,
        "is_duplicate": one.duplicate_of is not None,
        "duplicate_of": None if one.names_strangers else one.duplicate_of,
        "blockers": [
            {
                "kind": each.blocker.kind.value,
                "what": each.blocker.what,
                "system_id": each.blocker.system_id,
                "hold_id": each.blocker.hold_id,
                "organisation_id": each.system.organisation_id if each.system else None,
                "owner": each.owner,
                "contact": each.contact,
                "since": each.blocker.since,
                "next": _upcoming(each.upcoming),
            }
            for each in why.blockers
        ],
        "at_risk": why.at_risk
        and {
            "what": why.at_risk.what,
            "owner": why.at_risk.owner,
            "contact": why.at_risk.contact,
            "since": why.at_risk.since,
            "by": why.at_risk.by,
            "next": _upcoming(why.at_risk.upcoming),
        },
        "next_date": next_date and entry_document(next_date),
    }


def _upcoming(one: Upcoming | None) -> dict[str, Any] | None:
    return None if one is None else {"at": one.at, "what": one.what}
