"""What follows a closed subject request: appeals, reviews, and erasures that are looked at again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from dsr_core.closing import Outcome
from dsr_core.lifecycle import State
from dsr_intake.application.followers import Follower
from dsr_intake.http.context import Context
from dsr_intake.http.examples import FOLLOW_UPS
from dsr_intake.http.openapi import answer, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.views import BASE, json_response
from dsr_intake.model import FollowsWhy
from dsr_intake.model.principals import Scope

__all__ = ["DOCUMENTS", "router"]


class LookDocument(BaseModel):
    """What a system found when it was asked whether what it had erased is still gone."""

    system_id: str
    at: datetime
    is_back: bool
    """Whether something was there again."""

    records: int


class FollowUpDocument(BaseModel):
    """A request that follows a closed one."""

    id: str
    why: FollowsWhy | None
    state: State
    outcome: Outcome | None
    system_ids: list[str]
    """The systems that are asked; an empty list means all."""

    received_at: datetime
    due_at: datetime
    answered_at: datetime | None
    looks: list[LookDocument]


class FollowUpsDocument(BaseModel):
    """The requests that follow a closed one, the oldest first."""

    request_id: str
    follow_ups: list[FollowUpDocument]


DOCUMENTS = (FollowUpsDocument,)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["subject requests"])

    @routes.get(
        BASE + "/{request_id}/follow-ups",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read what follows a closed subject request",
        description=(
            "A closure never changes: an appeal, the review of an exemption, and the question whether "
            "what was erased is still gone, are requests of their own. Of the last, `looks` says what "
            "each system found; where something was back, the request is open until that is erased."
        ),
        responses={
            200: answer("FollowUpsDocument", "What follows it", example=FOLLOW_UPS),
            **problems(404, 422),
        },
    )
    async def follow_ups(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        found = await context.followers.of(one)
        return json_response(
            {"request_id": one.request_id, "follow_ups": [_document(each) for each in found]}
        )

    return routes


def _document(follower: Follower) -> dict[str, Any]:
    one = follower.request
    return {
        "id": one.request_id,
        "why": one.follows_why and one.follows_why.value,
        "state": one.state.value,
        "outcome": one.outcome,
        "system_ids": one.scope.system_ids,
        "received_at": one.received_at,
        "due_at": one.due_at,
        "answered_at": one.answered_at,
        "looks": [
            {
                "system_id": look.system_id,
                "at": look.at,
                "is_back": look.is_back,
                "records": look.records,
            }
            for look in follower.looks
        ],
    }
