"""Legal holds: routes, and the bodies that they take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, model_validator

from dsr_core.errors import RejectedInput
from dsr_core.identity import Identity
from dsr_core.ids import RequestId
from dsr_intake.application.discretion import check_names_nobody
from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Moment, Reason, Short, at, read
from dsr_intake.http.doors import caller, require_everywhere
from dsr_intake.http.openapi import ID_PATTERN, answer, body, problems
from dsr_intake.http.requests import IDEMPOTENCY_KEY, idempotency_key, verdict_problem
from dsr_intake.http.submission import CategoryBody, IdentifierBody, identity_of
from dsr_intake.http.views import json_response
from dsr_intake.model import KeyReused, LegalHold
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_HoldId = Annotated[str, Path(pattern=ID_PATTERN, description="The hold's id.")]


class HoldBody(DecisionBody):
    """An order that suspends erasure: of one request, or of everything of a person."""

    authority: Annotated[
        Short, Field(description="Who ordered it: a court, an authority, counsel.")
    ]
    reason: Reason
    request_id: Annotated[str | None, Field(pattern=ID_PATTERN)] = None
    person: Annotated[
        list[IdentifierBody] | None,
        Field(
            min_length=1,
            max_length=20,
            description="Identifiers, any of which names the person; kept as keyed hashes only.",
        ),
    ] = None
    system_ids: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=48)]],
        Field(
            max_length=1000, description="With `categories`, what is held; all where none is named."
        ),
    ] = Field(default_factory=list)
    categories: Annotated[list[CategoryBody], Field(max_length=100)] = Field(default_factory=list)
    effective_at: Moment = None

    @model_validator(mode="after")
    def _one_of_both(self) -> HoldBody:
        if (self.request_id is None) == (self.person is None):
            raise ValueError("name either request_id or person")
        return self


class LiftBody(DecisionBody):
    """The hold is over."""

    reason: Reason


class HoldDocument(BaseModel):
    """A legal hold; whom it is about is not given back."""

    id: str
    about: Literal["request", "person"]
    request_id: str | None
    authority: str
    reason: str
    placed_by: str
    system_ids: list[str]
    categories: list[str]
    effective_at: datetime
    recorded_at: datetime
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None


class ListedHoldDocument(HoldDocument):
    """A legal hold, and how much it holds."""

    requests: int
    """Requests that it holds now."""


class HoldListDocument(BaseModel):
    """Every legal hold, the newest first."""

    holds: list[ListedHoldDocument]


DOCUMENTS = (HoldBody, HoldDocument, HoldListDocument, LiftBody)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/internal/v1", tags=["decisions"])
    _add_placing(routes, context)
    _add_lifting(routes, context)
    return routes


def _add_placing(routes: APIRouter, context: Context) -> None:
    adapter = TypeAdapter(HoldBody)
    example = {
        "authority": "District Court",
        "reason": "litigation 12-345",
        "person": [{"kind": "email", "value": "someone@example.com"}],
    }

    @routes.post(
        "/holds",
        status_code=201,
        dependencies=[context.doors.needs(Scope.HOLDS_DECIDE)],
        summary="Place a legal hold",
        description=(
            "On one request, or on a person: then on every deletion of theirs that is open, and on "
            "each that comes, which takes somebody who sees all jurisdictions. No clock stops. 409 where the request has ended, or stops. With an "
            "`Idempotency-Key` the call can be repeated: the same key with the same body gives the same "
            "hold, for at least seven days."
        ),
        responses={
            201: answer("HoldDocument", "The hold"),
            **problems(400, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/HoldBody"}, examples={"on a person": example}
            ),
            "parameters": [IDEMPOTENCY_KEY],
        },
    )
    async def place(request: Request) -> Response:
        asked = await read(request, adapter)
        await _check_reach(request, context, asked.request_id)
        await _check_names_nobody(context, asked)
        holding, key = context.decisions.holding, idempotency_key(request)
        hold = await holding.place(
            by=caller(request).id,
            authority=asked.authority,
            reason=asked.reason,
            about=_about(asked),
            system_ids=asked.system_ids,
            categories=asked.categories,
            effective_at=at(asked.effective_at, "effective_at"),
            tag=(
                holding.tag(key, asked.model_dump_json().encode(), by=caller(request).id)
                if key
                else None
            ),
        )
        if isinstance(hold, KeyReused):
            raise verdict_problem(hold)
        return json_response(_document(hold), status=201)

    @routes.get(
        "/holds",
        dependencies=[context.doors.needs(Scope.HOLDS_READ)],
        summary="List the legal holds",
        description="Those that you may lift, the newest first, lifted ones too.",
        responses={200: answer("HoldListDocument", "The holds")},
    )
    async def list_(request: Request) -> Response:
        found = await context.decisions.holding.all()
        holds = [
            _document(hold) | {"requests": count}
            for hold, count in found
            if await _is_in_reach(request, context, hold.request_id)
        ]
        return json_response({"holds": holds})


def _add_lifting(routes: APIRouter, context: Context) -> None:
    adapter = TypeAdapter(LiftBody)

    @routes.post(
        "/holds/{hold_id}/lift",
        dependencies=[context.doors.needs(Scope.HOLDS_DECIDE)],
        summary="Lift a legal hold",
        description="Erasure goes on where no other hold covers it. 409 where it was lifted before.",
        responses={
            200: answer("HoldDocument", "The hold, lifted"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/LiftBody"},
                examples={"an example": {"reason": "the case is settled"}},
            )
        },
    )
    async def lift(request: Request, hold_id: _HoldId) -> Response:
        asked = await read(request, adapter)
        hold = await context.decisions.holding.get(hold_id)
        if hold is None or not await _is_in_reach(request, context, hold.request_id):
            raise Problem(404, "not_found", "there is no hold of that id")
        found = await context.decisions.holding.lift(
            hold_id, by=caller(request).id, reason=asked.reason
        )
        if found is None:
            raise Problem(404, "not_found", "there is no hold of that id")
        return json_response(_document(found))


async def _is_in_reach(request: Request, context: Context, request_id: str | None) -> bool:
    """Tell whether a hold is the caller's to decide about: of a request that they see, or of a person.

    A hold on a person covers every jurisdiction, so it is for whoever sees all of them.
    """
    sight = caller(request).sight
    if sight.is_unbounded:
        return True
    return request_id is not None and await context.reads.get(sight, request_id) is not None


async def _check_names_nobody(context: Context, asked: HoldBody) -> None:
    about, words = _about(asked), [asked.authority, asked.reason]
    if isinstance(about, Identity):
        check_names_nobody(about, words)
    else:
        await context.discretion.check(about, words)


async def _check_reach(request: Request, context: Context, request_id: str | None) -> None:
    if await _is_in_reach(request, context, request_id):
        return
    if request_id is None:
        require_everywhere(request)
    detail = "there is no request of that id"
    raise RejectedInput("unknown_request", detail, field="request_id")


def _about(asked: HoldBody) -> RequestId | Identity:
    if asked.person is not None:
        return identity_of(asked.person, within="/person")
    return RequestId(asked.request_id or "")


def _document(hold: LegalHold) -> dict[str, Any]:
    return {
        "id": hold.hold_id,
        "about": "person" if hold.request_id is None else "request",
        "request_id": hold.request_id,
        "authority": hold.authority,
        "reason": hold.reason,
        "placed_by": hold.placed_by,
        "system_ids": hold.system_ids,
        "categories": hold.categories,
        "effective_at": hold.effective_at,
        "recorded_at": hold.recorded_at,
        "lifted_at": hold.lifted_at,
        "lifted_by": hold.lifted_by,
        "lift_reason": hold.lift_reason,
    }
