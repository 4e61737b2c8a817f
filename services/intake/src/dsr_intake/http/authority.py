"""Who may ask for another person: an operator's decision."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from pydantic import TypeAdapter, ValidationError

from dsr_intake.http.access import read_body, require_json
from dsr_intake.http.context import Context
from dsr_intake.http.openapi import answer, body, problems
from dsr_intake.http.requests import RequestIdParameter
from dsr_intake.http.submission import AuthorityProofBody, invalid_body
from dsr_intake.http.views import json_response, request_document
from dsr_runtime.http.app import internal_only
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

DOCUMENTS = (AuthorityProofBody,)
"""What is described in the API's documentation."""

_PROOF = TypeAdapter(AuthorityProofBody)


def router(context: Context) -> APIRouter:
    """Return the route."""
    routes = APIRouter(
        prefix="/internal/v1",
        tags=["internal"],
        dependencies=[Depends(internal_only(context.internal_token))],
    )

    @routes.post(
        "/subject-requests/{request_id}/authority:prove",
        summary="Take it as shown that a guardian or an agent may ask",
        description=(
            "An operator's decision, with its reason. The request then awaits the proof of who asks, "
            "by the same date. 409 where it does not await an authority."
        ),
        responses={
            200: answer("RequestDocument", "The request, which awaits the proof of who asks"),
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
        require_json(request)
        try:
            asked = _PROOF.validate_json(await read_body(request))
        except ValidationError as error:
            raise invalid_body(error) from None
        found = await context.authorising.prove(request_id, reason=asked.reason)
        if found is None:
            raise Problem(404, "not_found", "there is no request of that id")
        return json_response(request_document(found))

    return routes
