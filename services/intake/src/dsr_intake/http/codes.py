"""Proving who asks by a code or a link that is mailed to the address of the request."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dsr_core.errors import RejectedInput
from dsr_intake.http.access import read_body, require_json
from dsr_intake.http.context import Context
from dsr_intake.http.openapi import answer, body, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.submission import invalid_body
from dsr_intake.http.views import BASE, json_response, request_document
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_SAID = "if a code can be sent, it is on its way to the address of the request"


class CodeProofBody(BaseModel):
    """The code that was mailed, or the token of the link: one of the two."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    code: Annotated[str | None, Field(max_length=40)] = None
    token: Annotated[str | None, Field(max_length=100)] = None


class CodeDocument(BaseModel):
    """The same for every request, whatever comes of it."""

    detail: str


DOCUMENTS = (CodeDocument, CodeProofBody)
"""What is described in the API's documentation."""

_PROOF = TypeAdapter(CodeProofBody)


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["subject requests"])

    @routes.post(
        BASE + "/{request_id}/identity/code",
        status_code=202,
        dependencies=[context.doors.needs(Scope.REQUESTS_IDENTIFY)],
        summary="Have a code mailed that proves who asks",
        description=(
            "To the address of the request, in the requester's language. The answer is the same "
            "whether or not one is sent: at most one a minute, and ten a day. A code proves one "
            "address: 409 `code_proves_too_little` where the identity is anything but one email "
            "address, and `assurance_needed` where a code does not suffice for the data that is "
            "asked about; the detail says what does."
        ),
        responses={202: answer("CodeDocument", "The same each time"), **problems(404, 409, 422)},
    )
    async def issue(request: Request, request_id: RequestIdParameter) -> Response:
        await context.codes.issue(await own_request(request, context, request_id))
        return json_response({"detail": _SAID}, status=202)

    @routes.post(
        BASE + "/{request_id}/identity/proof",
        dependencies=[context.doors.needs(Scope.REQUESTS_IDENTIFY)],
        summary="Prove who asks by the code or the link",
        description=(
            "Once, and within its time; after five tries a new code is needed. A wrong, an expired "
            "and a used one are answered alike, with 422."
        ),
        responses={
            200: answer("RequestDocument", "The request, open"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/CodeProofBody"},
                examples={"a code": {"code": "K7QM-2XWD"}},
            )
        },
    )
    async def prove(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        require_json(request)
        try:
            asked = _PROOF.validate_json(await read_body(request))
        except ValidationError as error:
            raise invalid_body(error) from None
        if (asked.code is None) == (asked.token is None):
            raise RejectedInput("invalid_request", "send either code or token", field="code")
        found = await context.codes.prove(one, code=asked.code, token=asked.token)
        if found is None:
            raise Problem(404, "not_found", "there is no request of that id")
        return json_response(request_document(found))

    return routes
