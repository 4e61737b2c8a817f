"""Refusing together what waits before the breaker: routes, and the bodies that they take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, Short, read, takes
from dsr_intake.http.doors import caller, require_everywhere
from dsr_intake.http.openapi import ID_PATTERN, answer, problems
from dsr_intake.http.settlements import ApprovalBody
from dsr_intake.http.views import json_response
from dsr_intake.model.breaker import BreakerRefusal
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_RefusalId = Annotated[str, Path(pattern=ID_PATTERN, description="The proposal's id.")]


class WaitingRefusalBody(DecisionBody):
    """That what waits is refused."""

    reason: Reason
    ground: Annotated[Short, Field(description="The provision, for example `GDPR 12(5)(b)`.")]
    scope: Annotated[
        str,
        Field(
            pattern=r"^(\*|[a-z][a-z0-9]*(-[a-z0-9]+)*)$",
            max_length=48,
            description="The whole group (`*`), or an organisation.",
        ),
    ]
    client_id: Annotated[
        str | None,
        Field(max_length=64, description="Whose requests are refused; everybody's unless given."),
    ] = None


class WaitingRefusalDocument(BaseModel):
    """A proposal to refuse what waited when it was made; it counts once it is approved."""

    id: str
    scope: str
    client_id: str | None
    ground: str
    reason: str
    waiting: int
    """Requests that it would have refused when it was proposed."""

    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    refused: int
    """Once it is done: how many it has refused; the others had ended, or passed, before."""

    done_at: datetime | None


class WaitingRefusalsDocument(BaseModel):
    """What was proposed, the newest first."""

    refusals: list[WaitingRefusalDocument]


DOCUMENTS = (WaitingRefusalBody, WaitingRefusalDocument, WaitingRefusalsDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/internal/v1/breaker/refusals", tags=["decisions"])
    proposal, approval = TypeAdapter(WaitingRefusalBody), TypeAdapter(ApprovalBody)

    @routes.get(
        "",
        dependencies=[context.doors.needs(Scope.BREAKER_READ)],
        summary="List what was to be refused together",
        description="The last 100 proposals, the newest first.",
        responses={200: answer("WaitingRefusalsDocument", "The proposals")},
    )
    async def list_() -> Response:
        found = await context.refusing.refusals()
        return json_response({"refusals": [_document(one) for one in found]})

    @routes.post(
        "",
        status_code=201,
        dependencies=[context.doors.needs(Scope.BREAKER_DECIDE)],
        summary="Propose that what waits is refused",
        description=(
            "Every request that waits before the breaker now, of one API client or of all. It changes "
            "nothing until another person approves it. Takes somebody who sees every jurisdiction. 422 "
            "where nothing waits."
        ),
        responses={
            201: answer("WaitingRefusalDocument", "The proposal"),
            **problems(400, 413, 415, 422),
        },
        openapi_extra=takes(
            WaitingRefusalBody,
            {"scope": "*", "ground": "GDPR 12(5)(b)", "reason": "a client ran away"},
        ),
    )
    async def propose(request: Request) -> Response:
        require_everywhere(request)
        asked = await read(request, proposal)
        made = await context.refusing.propose(
            asked.scope,
            by=caller(request).id,
            ground=asked.ground,
            reason=asked.reason,
            client_id=asked.client_id,
        )
        return json_response(_document(made), status=201)

    @routes.post(
        "/{refusal_id}/approval",
        dependencies=[context.doors.needs(Scope.BREAKER_DECIDE)],
        summary="Refuse what waits",
        description=(
            "By another person than who proposed it. Each request is refused by itself within "
            "minutes, and cannot be taken up again. 409 where it is the same person, or it was "
            "approved before."
        ),
        responses={
            200: answer("WaitingRefusalDocument", "The refusal"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra=takes(ApprovalBody, {}),
    )
    async def approve(request: Request, refusal_id: _RefusalId) -> Response:
        require_everywhere(request)
        await read(request, approval)
        approved = await context.refusing.approve(refusal_id, by=caller(request).id)
        if approved is None:
            raise Problem(404, "not_found", "nothing of that id was proposed")
        return json_response(_document(approved))

    return routes


def _document(one: BreakerRefusal) -> dict[str, Any]:
    return {
        "id": one.refusal_id,
        "scope": one.scope,
        "client_id": one.client_id,
        "ground": one.ground,
        "reason": one.reason,
        "waiting": one.waiting,
        "proposed_by": one.proposed_by,
        "proposed_at": one.proposed_at,
        "approved_by": one.approved_by,
        "approved_at": one.approved_at,
        "refused": one.refused,
        "done_at": one.done_at,
    }
