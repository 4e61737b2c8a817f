"""Who may ask for another person: an operator's decision."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from dsr_intake.http.context import Context
from dsr_intake.http.decisions import read_about, shown
from dsr_intake.http.doors import caller
from dsr_intake.http.openapi import answer, body, problems
from dsr_intake.http.requests import RequestIdParameter
from dsr_intake.http.submission import AuthorityProofBody
from dsr_intake.model.principals import Scope

__all__ = ["DOCUMENTS", "router"]

DOCUMENTS = (AuthorityProofBody,)
"""What is described in the API's documentation."""

_PROOF = TypeAdapter(AuthorityProofBody)


def router(context: Context) -> APIRouter:
    """Return the route."""
    routes = APIRouter(prefix="/internal/v1", tags=["decisions"])

    @routes.post(
        "/subject-requests/{request_id}/authority:prove",
        dependencies=[context.doors.needs(Scope.REQUESTS_PROVE)],
        summary="Take it as shown that a guardian or an agent may ask",
        description=(
            "An operator's decision, with its reason. The request opens where its client had attested "
            "who asks and its law leaves that proof to nobody else; else it awaits it, by the same "
            "date. 409 where it does not await an authority."
        ),
        responses={
            200: answer("RequestDocument", "The request: open, or it awaits the proof of who asks"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/AuthorityProofBody"},
                examples={"an operator": {"reason": "the signed permission was seen"}},
            )
        },
    )
    async def prove(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, _PROOF)
        return shown(
            await context.authorising.prove(
                request_id,
                by=caller(request).id,
                reason=asked.reason,
                evidence=asked.evidence,
            )
        )

    return routes
