"""Who has an API key: making one, listing, rotating and revoking, by whoever may say who comes in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from dsr_intake.application.clients import NewClient, NewKey
from dsr_intake.application.packages.age_file import AGE_KEY_PATTERN
from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, ReasonParameter, at, read
from dsr_intake.http.doors import caller
from dsr_intake.http.examples import AGE_KEY
from dsr_intake.http.jurisdictions import JURISDICTION_PATTERN
from dsr_intake.http.openapi import answer, body, problems
from dsr_intake.http.submission import RFC3339
from dsr_intake.http.views import json_response
from dsr_intake.model.principals import (
    EVERYWHERE,
    ClientRow,
    Limits,
    PrincipalKind,
    Scope,
)
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_ClientId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="The client's id.")]
_End = Annotated[
    str | None,
    Field(
        pattern=RFC3339,
        description="Until when the key is good; for ever, where it is absent.",
        json_schema_extra={"format": "date-time"},
    ),
]


class LimitsBody(DecisionBody):
    """How much it may call at each replica, in place of what the settings say."""

    calls_per_s: Annotated[int, Field(ge=1, le=1_000_000)]
    calls_at_once: Annotated[int, Field(ge=1, le=100_000)]


class NewClientBody(DecisionBody):
    """Who a new client is, and what it may do."""

    name: str
    role: Literal["client", "operator", "privacy_officer"] = "client"
    scopes: Annotated[
        list[Annotated[Scope, Field(strict=False)]] | None,
        Field(
            max_length=50, description="What it may do; what its role gives, where it is absent."
        ),
    ] = None
    jurisdictions: Annotated[
        list[Annotated[str, Field(pattern=f"{JURISDICTION_PATTERN}|^[{EVERYWHERE}]$")]],
        Field(max_length=300, description="Of an operator; `*` stands for all."),
    ] = Field(default_factory=list)
    expires_at: _End = None
    limits: LimitsBody | None = None
    reason: Reason


class OwnRotationBody(DecisionBody):
    """A person makes another key of their own, while the one before it runs out."""

    overlap_s: Annotated[
        int, Field(ge=0, le=7_776_000, description="Seconds for which the former key is good.")
    ]
    reason: Reason


class RotationBody(OwnRotationBody):
    """Another key is made for a program, while the one before it runs out."""

    expires_at: _End = None


class PackageRecipientBody(DecisionBody):
    """A program may have packages at its callback, encrypted to a key."""

    recipient: Annotated[
        str,
        Field(
            pattern=AGE_KEY_PATTERN,
            description="The program's public key, in the format of age (X25519).",
        ),
    ]
    reason: Reason


class ApiKeyDocument(BaseModel):
    """A client and its key, which is shown this once."""

    client_id: str
    name: str
    api_key: str


class ClientDocument(BaseModel):
    """Who has an API key."""

    client_id: str
    name: str
    role: PrincipalKind
    scopes: list[Scope]
    jurisdictions: list[str]
    calls_per_s: int | None
    calls_at_once: int | None
    created_at: datetime
    expires_at: datetime | None
    former_expires_at: datetime | None
    revoked_at: datetime | None
    package_recipient: str | None
    """What packages for its callback are encrypted to; none where it may have none."""


class ClientsDocument(BaseModel):
    """Every client, the oldest first."""

    clients: list[ClientDocument]


DOCUMENTS = (
    ApiKeyDocument,
    ClientDocument,
    ClientsDocument,
    NewClientBody,
    OwnRotationBody,
    PackageRecipientBody,
    RotationBody,
)
"""What is described in the API's documentation."""

_NEW = TypeAdapter(NewClientBody)
_ROTATION = TypeAdapter(RotationBody)
_OWN_ROTATION = TypeAdapter(OwnRotationBody)
_RECIPIENT = TypeAdapter(PackageRecipientBody)


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/internal/v1", tags=["clients"])
    _add_making(routes, context)
    _add_rotating(routes, context)
    _add_receiving(routes, context)
    _add_ending(routes, context)
    return routes


def _add_making(routes: APIRouter, context: Context) -> None:
    @routes.post(
        "/clients",
        status_code=201,
        dependencies=[context.doors.needs(Scope.CLIENTS_MANAGE)],
        summary="Make a client and its API key",
        description=(
            "A program that submits requests, an operator, or a privacy officer. The key is shown in "
            "this answer and never again. 409 where it could do what you may not."
        ),
        responses={
            201: answer("ApiKeyDocument", "The client and its key"),
            **problems(400, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/NewClientBody"},
                examples={"a web shop": {"name": "web shop", "reason": "a shop opens"}},
            )
        },
    )
    async def add(request: Request) -> Response:
        asked = await read(request, _NEW)
        limits = None
        if asked.limits is not None:
            limits = Limits(asked.limits.calls_per_s, asked.limits.calls_at_once)
        wanted = NewClient(
            name=asked.name,
            kind=PrincipalKind(asked.role),
            scopes=None if asked.scopes is None else frozenset(asked.scopes),
            jurisdictions=tuple(asked.jurisdictions),
            expires_at=at(asked.expires_at, "expires_at"),
            limits=limits,
        )
        return _key(await context.clients.add(wanted, by=caller(request), reason=asked.reason))


def _add_rotating(routes: APIRouter, context: Context) -> None:
    @routes.post(
        "/clients/{client_id}/key:rotate",
        status_code=201,
        dependencies=[context.doors.needs(Scope.CLIENTS_MANAGE)],
        summary="Make another API key for a program",
        description=(
            "Both are good until the former one has run out. One that was running out before ends "
            "now. 404 where there is no such client, or it is revoked; 409 where it is a person's, "
            "who alone makes the next one."
        ),
        responses={
            201: answer("ApiKeyDocument", "The client and its new key"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/RotationBody"},
                examples={"a week": {"overlap_s": 604_800, "reason": "a year has passed"}},
            )
        },
    )
    async def rotate(request: Request, client_id: _ClientId) -> Response:
        asked = await read(request, _ROTATION)
        made = await context.clients.rotate(
            client_id,
            overlap=timedelta(seconds=asked.overlap_s),
            expires_at=at(asked.expires_at, "expires_at"),
            reason=asked.reason,
        )
        if made is None:
            raise Problem(404, "not_found", "there is no client of that id")
        return _key(made)

    @routes.post(
        "/key:rotate",
        status_code=201,
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Make another API key of one's own",
        description=(
            "Of an operator or a privacy officer, who keep who they are, what they may do, and how "
            "long. Both keys are good until the former one has run out. 404 for who came in by a "
            "token, 409 for a program."
        ),
        responses={
            201: answer("ApiKeyDocument", "The caller and their new key"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/OwnRotationBody"},
                examples={"a day": {"overlap_s": 86_400, "reason": "a laptop was lost"}},
            )
        },
    )
    async def rotate_own(request: Request) -> Response:
        asked = await read(request, _OWN_ROTATION)
        overlap = timedelta(seconds=asked.overlap_s)
        made = await context.clients.rotate_own(
            caller(request), overlap=overlap, reason=asked.reason
        )
        if made is None:
            raise Problem(404, "not_found", "who calls has no API key")
        return _key(made)


def _add_receiving(routes: APIRouter, context: Context) -> None:
    path = "/clients/{client_id}/package-recipient"

    async def received(client_id: str, recipient: str | None, reason: str) -> ClientRow:
        found = await context.clients.receive(client_id, recipient, reason=reason)
        if found is None:
            raise Problem(404, "not_found", "there is no program of that id")
        return found

    @routes.put(
        path,
        dependencies=[context.doors.needs(Scope.CLIENTS_MANAGE)],
        summary="Allow a program to have packages at its callback",
        description=(
            "Of its own requests that ask for it (`hand_over`), encrypted to this key. What is on its way "
            "under another key begins anew. 404 where there is no such program, or it is revoked."
        ),
        responses={
            200: answer("ClientDocument", "The program"),
            **problems(400, 404, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/PackageRecipientBody"},
                examples={"an agent": {"recipient": AGE_KEY, "reason": "the contract says so"}},
            )
        },
    )
    async def allow(request: Request, client_id: _ClientId) -> Response:
        asked = await read(request, _RECIPIENT)
        return json_response(_document(await received(client_id, asked.recipient, asked.reason)))

    @routes.delete(
        path,
        status_code=204,
        dependencies=[context.doors.needs(Scope.CLIENTS_MANAGE)],
        summary="Send a program no more packages",
        description="What is on its way ends, and it is told. Safe to repeat.",
        responses={204: {"description": "It gets none"}, **problems(404, 422)},
    )
    async def end(client_id: _ClientId, reason: ReasonParameter) -> Response:
        await received(client_id, None, reason)
        return Response(status_code=204)


def _add_ending(routes: APIRouter, context: Context) -> None:
    @routes.get(
        "/clients",
        dependencies=[context.doors.needs(Scope.CLIENTS_READ)],
        summary="List the clients",
        description="Who has an API key, the oldest first, revoked ones too.",
        responses={200: answer("ClientsDocument", "The clients")},
    )
    async def list_() -> Response:
        return json_response({"clients": [_document(one) for one in await context.clients.all()]})

    @routes.delete(
        "/clients/{client_id}",
        status_code=204,
        dependencies=[context.doors.needs(Scope.CLIENTS_MANAGE)],
        summary="Revoke a client",
        description="Its keys are refused from now on. Its requests go on. Safe to repeat.",
        responses={204: {"description": "It is revoked"}, **problems(404, 422)},
    )
    async def revoke(client_id: _ClientId, reason: ReasonParameter) -> Response:
        if not await context.clients.revoke(client_id, reason=reason):
            raise Problem(404, "not_found", "there is no client of that id")
        return Response(status_code=204)


def _key(made: NewKey) -> Response:
    content = {
        "client_id": made.client.client_id,
        "name": made.client.name,
        "api_key": made.api_key,
    }
    return json_response(content, status=201, headers={"Cache-Control": "no-store"})


def _document(one: ClientRow) -> dict[str, Any]:
    return {
        "client_id": one.client_id,
        "name": one.name,
        "role": one.kind.value,
        "scopes": sorted(one.scopes),
        "jurisdictions": one.jurisdictions,
        "calls_per_s": one.limits and one.limits.calls_per_s,
        "calls_at_once": one.limits and one.limits.calls_at_once,
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "former_expires_at": one.former_expires_at,
        "revoked_at": one.revoked_at,
        "package_recipient": one.package_recipient,
    }
