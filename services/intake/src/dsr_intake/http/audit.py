"""The audit log: reading it, and entering what is about to be changed elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, at, read, takes
from dsr_intake.http.openapi import ID_PATTERN, answer, problems
from dsr_intake.http.submission import RFC3339
from dsr_intake.http.views import json_response
from dsr_intake.model.audit import AuditEntry, AuditFilter
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_EntryId = Annotated[str, Path(pattern=ID_PATTERN, description="The entry's id.")]
_Word = Annotated[str | None, Query(max_length=200, pattern=r"^[\x20-\x7e]*$")]


class AnnouncementBody(DecisionBody):
    """A change that is about to be made, elsewhere than in intake."""

    action: Annotated[
        str, Field(pattern=r"^[a-z]+([.-][a-z]+)*$", max_length=60, description="registry.publish")
    ]
    targets: Annotated[
        list[Annotated[str, Field(pattern=r"^[\x21-\x7e]+$", max_length=200)]],
        Field(max_length=100, description="Ids and digests; never personal data."),
    ]
    reason: Reason


class AuditEntryDocument(BaseModel):
    """What a person changed, or announced."""

    id: str
    at: datetime
    principal: str
    role: str
    authentication: str
    action: str
    targets: list[str]
    reason: str
    outcome: str
    digest: str
    """SHA-256 over the entry's one form, as the evidence log has it."""


class AuditDocument(BaseModel):
    """Entries, the newest first."""

    entries: list[AuditEntryDocument]


DOCUMENTS = (AnnouncementBody, AuditDocument, AuditEntryDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/internal/v1/audit", tags=["audit"])
    _add_entering(routes, context)
    _add_reading(routes, context)
    return routes


def _add_entering(routes: APIRouter, context: Context) -> None:
    announcement = TypeAdapter(AnnouncementBody)

    @routes.post(
        "",
        status_code=201,
        dependencies=[context.doors.needs(Scope.AUDIT_WRITE)],
        summary="Enter a change that is about to be made elsewhere",
        description="In the caller's name. What intake changes itself has its entry already.",
        responses={
            201: answer("AuditEntryDocument", "The entry"),
            **problems(400, 413, 415, 422),
        },
        openapi_extra=takes(
            AnnouncementBody,
            {"action": "registry.publish", "targets": ["9f2c41d07a5b"], "reason": "a system joins"},
        ),
    )
    async def announce(request: Request) -> Response:
        asked = await read(request, announcement)
        entry = await context.audit.announce(asked.action, asked.targets, asked.reason)
        if entry is None:
            raise RuntimeError("only people have the scope")
        return json_response(_document(entry), status=201)


def _add_reading(routes: APIRouter, context: Context) -> None:
    @routes.get(
        "",
        dependencies=[context.doors.needs(Scope.AUDIT_READ)],
        summary="List what people changed",
        description="The newest first. `before` is the id of the last entry of the page before.",
        responses={200: answer("AuditDocument", "The entries"), **problems(422)},
    )
    async def list_(  # noqa: PLR0917 - FastAPI passes them by name
        principal: _Word = None,
        action: _Word = None,
        target: _Word = None,
        since: Annotated[
            str | None, Query(pattern=RFC3339, json_schema_extra={"format": "date-time"})
        ] = None,
        before: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        wanted = AuditFilter(
            principal=principal,
            action=action,
            target=target,
            since=at(since, "since"),
            before=before,
        )
        found = await context.audit.entries(wanted, limit=limit)
        return json_response({"entries": [_document(one) for one in found]})

    @routes.get(
        "/{entry_id}",
        dependencies=[context.doors.needs(Scope.AUDIT_READ)],
        summary="Read one entry of the audit log",
        description="Its digest is made anew from what is stored.",
        responses={200: answer("AuditEntryDocument", "The entry"), **problems(404, 422)},
    )
    async def show(entry_id: _EntryId) -> Response:
        found = await context.audit.entry(entry_id)
        if found is None:
            raise Problem(404, "not_found", "there is no entry of that id")
        return json_response(_document(found))


def _document(one: AuditEntry) -> dict[str, Any]:
    return {
        "id": one.entry_id,
        "at": one.at,
        "principal": one.principal,
        "role": one.kind.value,
        "authentication": one.authentication.value,
        "action": one.action,
        "targets": one.targets,
        "reason": one.reason,
        "outcome": one.outcome,
        "digest": one.digest.hex(),
    }
