"""What systems found out about persons: the links that wait for people, and what they decide. No values."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, TypeAdapter

from dsr_core.linking import LinkOutcome, LinkReason
from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, read_about, takes
from dsr_intake.http.doors import caller
from dsr_intake.http.openapi import answer, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.views import json_response
from dsr_intake.model.links import LinkStep
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_LinkId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="The link's id.")]
_OF_REQUEST = "/internal/v1/subject-requests/{request_id}/links"


class LinkRulingBody(DecisionBody):
    """What one person says of a link in conflict."""

    reason: Reason


class LinkDocument(BaseModel):
    """A step: what became of one identifier that one system found out."""

    id: str
    """Names the identifier as long as the request is open; it is never given back."""

    request_id: str
    system_id: str
    sequence: int
    through: str
    kind: str
    confidence: str
    proof: str
    round: int
    outcome: LinkOutcome
    reason: LinkReason
    registry_digest: str
    recorded_at: datetime
    was_used: bool
    """Whether it was used before, so that systems may have been told of the person by it."""


class LinkListDocument(BaseModel):
    """Steps, the oldest first."""

    links: list[LinkDocument]


class LinkRulingDocument(BaseModel):
    """What became of a person's word."""

    id: str
    request_id: str
    decided: bool
    """False where another person has to say the same before it takes effect."""


DOCUMENTS = (LinkListDocument, LinkRulingBody, LinkRulingDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["decisions"])
    body = TypeAdapter(LinkRulingBody)
    needed = [context.doors.needs(Scope.REQUESTS_DECIDE)]

    @routes.get(
        "/internal/v1/links",
        dependencies=needed,
        summary="List the links that wait for people",
        description="Of open requests that the caller sees, the oldest first.",
        responses={200: answer("LinkListDocument", "The links"), **problems(422)},
    )
    async def undecided(request: Request) -> Response:
        found = await context.links.undecided(caller(request).sight)
        return json_response({"links": [_document(one) for one in found]})

    @routes.get(
        _OF_REQUEST,
        dependencies=needed,
        summary="List what became of the links of a request",
        description="Every step, the oldest first: which system, which kinds, how sure, and why.",
        responses={200: answer("LinkListDocument", "The steps"), **problems(404, 422)},
    )
    async def steps(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        found = await context.links.steps(one.request_id)
        return json_response({"links": [_document(each) for each in found]})

    async def ruled(
        request: Request, request_id: str, link_id: str, verdict: Literal["accept", "refuse"]
    ) -> Response:
        one, asked = await read_about(request, context, request_id, body)
        decided = await context.linking.rule(
            one.request_id,
            link_id,
            accepts=verdict == "accept",
            by=caller(request).id,
            reason=asked.reason,
        )
        if decided is None:
            raise Problem(404, "not_found", "this request has no link of that id")
        return json_response({"id": link_id, "request_id": one.request_id, "decided": decided})

    documented = {
        "dependencies": needed,
        "responses": {
            200: answer("LinkRulingDocument", "What became of it"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        "openapi_extra": takes(LinkRulingBody, {"reason": "the account's owner confirmed it"}),
    }

    @routes.post(
        _OF_REQUEST + "/{link_id}/acceptance",
        summary="Say that an identifier is the data subject's",
        description=(
            "It is used from then on, and systems that lacked it are told anew. Where what is done "
            "cannot be undone, another person has to say the same first. 409 where nothing is to be "
            "decided, or the same person has said so."
        ),
        **documented,  # type: ignore[arg-type]  # one text for both verdicts
    )
    async def accept(
        request: Request, request_id: RequestIdParameter, link_id: _LinkId
    ) -> Response:
        return await ruled(request, request_id, link_id, "accept")

    @routes.post(
        _OF_REQUEST + "/{link_id}/refusal",
        summary="Say that an identifier is somebody else's",
        description="It is never used for this request. 409 where nothing is to be decided.",
        **documented,  # type: ignore[arg-type]  # one text for both verdicts
    )
    async def refuse(
        request: Request, request_id: RequestIdParameter, link_id: _LinkId
    ) -> Response:
        return await ruled(request, request_id, link_id, "refuse")

    return routes


def _document(one: LinkStep) -> dict[str, Any]:
    return {
        "id": one.link_id,
        "request_id": one.request_id,
        "system_id": one.system_id,
        "sequence": one.sequence,
        "through": one.through,
        "kind": one.kind,
        "confidence": one.confidence,
        "proof": one.proof,
        "round": one.round,
        "outcome": one.outcome.value,
        "reason": one.reason.value,
        "registry_digest": one.registry_digest,
        "recorded_at": one.recorded_at,
        "was_used": one.was_used,
    }
