"""Appeals: the route by which somebody grants one. To refuse one is to refuse a request."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, decided, read_about, shown, takes
from dsr_intake.http.doors import caller
from dsr_intake.http.requests import RequestIdParameter
from dsr_intake.model.principals import Scope

__all__ = ["DOCUMENTS", "router"]


class GrantBody(DecisionBody):
    """An appeal is granted: what was asked for is done."""

    reason: Reason


DOCUMENTS = (GrantBody,)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/internal/v1", tags=["decisions"])
    grant = TypeAdapter(GrantBody)

    @routes.post(
        "/subject-requests/{request_id}/appeal:grant",
        dependencies=[context.doors.needs(Scope.REQUESTS_DECIDE)],
        summary="Grant an appeal",
        description=(
            "By somebody else than who refused the request that it is against. The request opens, "
            "and its systems are asked. 409 where it awaits no decision. To deny an appeal, refuse it."
        ),
        responses=decided(),
        openapi_extra=takes(GrantBody, {"reason": "the ground does not hold"}),
    )
    async def grant_appeal(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, grant)
        by = caller(request).id
        return shown(await context.appealing.grant(request_id, by=by, reason=asked.reason))

    return routes
