"""The breaker: routes, and the bodies that they take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, read, takes
from dsr_intake.http.doors import caller, require_everywhere
from dsr_intake.http.openapi import ID_PATTERN, answer, problems
from dsr_intake.http.settlements import ApprovalBody
from dsr_intake.http.views import json_response
from dsr_intake.model.breaker import BreakerRelease, BreakerScope
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_ReleaseId = Annotated[str, Path(pattern=ID_PATTERN, description="The proposal's id.")]


class ReleaseBody(DecisionBody):
    """That erasures go on."""

    reason: Reason
    scope: Annotated[
        str,
        Field(
            pattern=r"^(\*|[a-z][a-z0-9]*(-[a-z0-9]+)*)$",
            max_length=48,
            description="The whole group (`*`), or an organisation.",
        ),
    ]
    extra: Annotated[
        int | None,
        Field(
            ge=0,
            le=1_000_000_000,
            description=(
                "How many may pass on top of the limits, within a window and a day from the approval "
                "on; what waits at the proposal unless given."
            ),
        ),
    ] = None


class BreakerScopeDocument(BaseModel):
    """How many erasures have passed within the window, and within a day, and whether more may."""

    scope: str
    erasures: int
    limit: int
    extra: int
    day_erasures: int
    day_limit: int
    day_extra: int
    waiting: int
    tripped_at: datetime | None


class ReleaseDocument(BaseModel):
    """A proposal that erasures go on; it counts once it is approved."""

    id: str
    scope: str
    tripped_at: datetime
    extra: int
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None


class BreakerDocument(BaseModel):
    """Where the breaker stands, and what was proposed, the newest first."""

    scopes: list[BreakerScopeDocument]
    releases: list[ReleaseDocument]


DOCUMENTS = (ReleaseBody, ReleaseDocument, BreakerDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(
        prefix="/internal/v1/breaker",
        tags=["decisions"],
    )
    proposal, approval = TypeAdapter(ReleaseBody), TypeAdapter(ApprovalBody)

    @routes.get(
        "",
        dependencies=[context.doors.needs(Scope.BREAKER_READ)],
        summary="Show where the breaker stands",
        description="For the whole group and for each organisation; and the last 100 releases.",
        responses={200: answer("BreakerDocument", "The breaker")},
    )
    async def show() -> Response:
        scopes, releases = await context.breaker.scopes(), await context.breaker.releases()
        return json_response(
            {
                "scopes": [_scope(one) for one in scopes],
                "releases": [_release(one) for one in releases],
            }
        )

    @routes.post(
        "/releases",
        status_code=201,
        dependencies=[context.doors.needs(Scope.BREAKER_DECIDE)],
        summary="Propose that erasures go on",
        description="It changes nothing until another person approves it. Takes somebody who sees every jurisdiction. 409 where none are stopped.",
        responses={
            201: answer("ReleaseDocument", "The proposal"),
            **problems(400, 409, 413, 415, 422),
        },
        openapi_extra=takes(
            ReleaseBody,
            {"scope": "*", "reason": "a customer's contract has ended"},
        ),
    )
    async def propose(request: Request) -> Response:
        require_everywhere(request)
        asked = await read(request, proposal)
        made = await context.breaker.propose(
            asked.scope, by=caller(request).id, reason=asked.reason, extra=asked.extra
        )
        return json_response(_release(made), status=201)

    @routes.post(
        "/releases/{release_id}/approval",
        dependencies=[context.doors.needs(Scope.BREAKER_DECIDE)],
        summary="Let erasures go on",
        description=(
            "By another person than who proposed it. What waits goes out by itself within minutes. "
            "409 where it is the same person, or it was approved before."
        ),
        responses={
            200: answer("ReleaseDocument", "The release"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra=takes(ApprovalBody, {}),
    )
    async def approve(request: Request, release_id: _ReleaseId) -> Response:
        require_everywhere(request)
        await read(request, approval)
        released = await context.breaker.approve(release_id, by=caller(request).id)
        if released is None:
            raise Problem(404, "not_found", "nothing of that id was proposed")
        return json_response(_release(released))

    return routes


def _scope(one: BreakerScope) -> dict[str, Any]:
    return {
        "scope": one.scope,
        "erasures": one.erasures,
        "limit": one.limits.window,
        "extra": one.extra,
        "day_erasures": one.day_erasures,
        "day_limit": one.limits.day,
        "day_extra": one.day_extra,
        "waiting": one.waiting,
        "tripped_at": one.tripped_at,
    }


def _release(one: BreakerRelease) -> dict[str, Any]:
    return {
        "id": one.release_id,
        "scope": one.scope,
        "tripped_at": one.tripped_at,
        "extra": one.extra,
        "reason": one.reason,
        "proposed_by": one.proposed_by,
        "proposed_at": one.proposed_at,
        "approved_by": one.approved_by,
        "approved_at": one.approved_at,
    }
