"""Answers in place of systems, by two people: routes, and the bodies that they take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from dsr_core.rights import Disposition
from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, decided, read, read_about, shown, takes
from dsr_intake.http.doors import caller
from dsr_intake.http.openapi import ID_PATTERN, answer, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.views import json_response
from dsr_intake.model import Proposal
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_SettlementId = Annotated[str, Path(pattern=ID_PATTERN, description="The proposal's id.")]


class ProposalBody(DecisionBody):
    """An answer in place of a system."""

    system_id: Annotated[
        str,
        Field(
            pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=48, description="Which owes it."
        ),
    ]
    disposition: Annotated[
        Disposition,
        Field(description="One that ends what the system owes; an exemption only it can state."),
    ]
    reason: Reason


class ApprovalBody(DecisionBody):
    """Another person's approval."""


class SettlementDocument(BaseModel):
    """An answer in place of a system; it counts once it is approved."""

    id: str
    request_id: str
    system_id: str
    disposition: Disposition
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None


class SettlementListDocument(BaseModel):
    """What was proposed for a request, the oldest first."""

    settlements: list[SettlementDocument]


DOCUMENTS = (ApprovalBody, ProposalBody, SettlementDocument, SettlementListDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(
        prefix="/internal/v1/subject-requests/{request_id}/settlements",
        tags=["decisions"],
    )
    proposal, approval = TypeAdapter(ProposalBody), TypeAdapter(ApprovalBody)

    @routes.post(
        "",
        status_code=201,
        dependencies=[context.doors.needs(Scope.SETTLEMENTS_DECIDE)],
        summary="Propose an answer in place of a system",
        description="It changes nothing until another person approves it.",
        responses={
            201: answer("SettlementDocument", "The proposal"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra=takes(
            ProposalBody,
            {
                "system_id": "billing",
                "disposition": "erased",
                "reason": "the system was switched off, and its disks destroyed",
            },
        ),
    )
    async def propose(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, proposal)
        made = await context.decisions.settling.propose(
            request_id,
            by=caller(request).id,
            system_id=asked.system_id,
            disposition=asked.disposition,
            reason=asked.reason,
        )
        if made is None:
            raise Problem(404, "not_found", "there is no request of that id")
        return json_response(_document(made), status=201)

    @routes.get(
        "",
        dependencies=[context.doors.needs(Scope.SETTLEMENTS_DECIDE)],
        summary="List the answers that were proposed in place of systems",
        description="Of one request, the oldest first, approved ones too.",
        responses={200: answer("SettlementListDocument", "The proposals"), **problems(404, 422)},
    )
    async def list_(request: Request, request_id: RequestIdParameter) -> Response:
        await own_request(request, context, request_id)
        found = await context.decisions.settling.proposals(request_id)
        if found is None:
            raise Problem(404, "not_found", "there is no request of that id")
        return json_response({"settlements": [_document(one) for one in found]})

    @routes.post(
        "/{settlement_id}/approval",
        dependencies=[context.doors.needs(Scope.SETTLEMENTS_DECIDE)],
        summary="Approve an answer in place of a system",
        description=(
            "By another person than who proposed it; then it counts as the system's own. 409 where "
            "it is the same person, or it was approved before."
        ),
        responses=decided(),
        openapi_extra=takes(ApprovalBody, {}),
    )
    async def approve(
        request: Request, request_id: RequestIdParameter, settlement_id: _SettlementId
    ) -> Response:
        await own_request(request, context, request_id)
        await read(request, approval)
        found = await context.decisions.settling.approve(
            request_id, settlement_id, by=caller(request).id
        )
        if found is None:
            raise Problem(404, "not_found", "this request has no proposal of that id")
        return shown(found)

    return routes


def _document(one: Proposal) -> dict[str, Any]:
    return {
        "id": one.proposal_id,
        "request_id": one.request_id,
        "system_id": one.system_id,
        "disposition": one.disposition.value,
        "reason": one.reason,
        "proposed_by": one.proposed_by,
        "proposed_at": one.proposed_at,
        "approved_by": one.approved_by,
        "approved_at": one.approved_at,
    }
