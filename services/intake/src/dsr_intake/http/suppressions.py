"""The suppression list: whether rows are on it, who is taken off it, and how long it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, model_validator

from dsr_core.errors import RejectedInput
from dsr_core.suppressions import SuppressionKind
from dsr_intake.application.discretion import check_names_nobody
from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, read, takes
from dsr_intake.http.doors import caller, lease
from dsr_intake.http.openapi import answer, problems
from dsr_intake.http.submission import IdentifierBody, identity_of
from dsr_intake.http.views import json_response
from dsr_intake.model.principals import Scope
from dsr_intake.model.suppressions import Listed

__all__ = ["DOCUMENTS", "ROWS_LIMIT", "router"]

ROWS_LIMIT = 1_000
"""Rows of one call; whoever has more loads the filter file."""

_Kind = Annotated[SuppressionKind, Field(strict=False)]


class CheckBody(DecisionBody):
    """Rows to look for: identifiers, or digests that the caller has made with the list's key."""

    identifiers: Annotated[list[IdentifierBody], Field(max_length=ROWS_LIMIT)] = Field(
        default_factory=list
    )
    digests: Annotated[
        list[Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]], Field(max_length=ROWS_LIMIT)
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_of_both(self) -> CheckBody:
        if bool(self.identifiers) == bool(self.digests):
            raise ValueError("name either identifiers or digests")
        return self


class OptInBody(DecisionBody):
    """That a person wants again what the list forbids, and what shows it."""

    identity: Annotated[list[IdentifierBody], Field(min_length=1, max_length=20)]
    kinds: Annotated[list[_Kind], Field(min_length=1, max_length=len(SuppressionKind))]
    reference: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$",
            description="Names the proof in the caller's own records; no personal data.",
        ),
    ]
    reason: Reason = "the person wants it again"
    given_on: Annotated[
        str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date"})
    ]


class ListedDocument(BaseModel):
    """What is not to be done, and since when."""

    kind: str
    since: datetime


class CheckedDocument(BaseModel):
    """What the list has of each row, in the order asked; an empty list of whom it has not."""

    rows: list[list[ListedDocument]]


class OptedInDocument(BaseModel):
    """How many entries have ended."""

    ended: int


class ListSizeDocument(BaseModel):
    """How many entries there are of a kind under a key."""

    kind: str
    key_id: str
    entries: int


class SuppressionsDocument(BaseModel):
    """How long the list is."""

    lists: list[ListSizeDocument]


DOCUMENTS = (CheckBody, CheckedDocument, OptInBody, OptedInDocument, SuppressionsDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["suppressions"])
    _add_checking(routes, context)
    _add_lifting(routes, context)
    return routes


def _add_checking(routes: APIRouter, context: Context) -> None:
    adapter = TypeAdapter(CheckBody)
    example = {"identifiers": [{"kind": "email", "value": "someone@example.com"}]}

    @routes.post(
        "/v1/suppressions/check",
        dependencies=[context.doors.needs(Scope.SUPPRESSIONS_CHECK)],
        summary="Check rows against the suppression list",
        description=(
            f"Up to {ROWS_LIMIT:,} at once; each counts as a call. Nothing of what is sent is kept. "
            "409 where there is no list."
        ),
        responses={200: answer("CheckedDocument", "The rows"), **problems(400, 409, 413, 415, 422)},
        openapi_extra=takes(CheckBody, example),
    )
    async def check(request: Request) -> Response:
        asked = await read(request, adapter)
        share = lease(request)
        if share is not None:
            await share.take(len(asked.identifiers) + len(asked.digests) - 1)
        if asked.digests:
            found = await context.suppressing.of_digests(
                [bytes.fromhex(one) for one in asked.digests]
            )
        else:
            rows = [
                identity_of([one], within="/identifiers").identifiers[0]
                for one in asked.identifiers
            ]
            found = await context.suppressing.of_identifiers(rows)
        return json_response({"rows": [_row(one) for one in found]})

    @routes.get(
        "/internal/v1/suppressions",
        dependencies=[context.doors.needs(Scope.SUPPRESSIONS_READ)],
        summary="See how long the suppression list is",
        description="By kind, and by the key that made its hashes.",
        responses={200: answer("SuppressionsDocument", "The sizes")},
    )
    async def sizes() -> Response:
        found = await context.suppressing.sizes()
        lists = [
            {"kind": one.kind.value, "key_id": one.key_id, "entries": one.entries} for one in found
        ]
        return json_response({"lists": lists})


def _add_lifting(routes: APIRouter, context: Context) -> None:
    adapter = TypeAdapter(OptInBody)
    example = {
        "identity": [{"kind": "email", "value": "someone@example.com"}],
        "kinds": ["marketing"],
        "reference": "consents/2026-117",
        "given_on": "2026-03-02",
    }

    @routes.post(
        "/v1/suppressions/opt-in",
        dependencies=[context.doors.needs(Scope.SUPPRESSIONS_LIFT)],
        summary="Take a person off the suppression list who wants it",
        description=(
            "The caller has made sure who it is, and has the proof. The proof's reference is kept. "
            "Entries end at once here, and with their topic's next record elsewhere."
        ),
        responses={
            200: answer("OptedInDocument", "How many entries have ended"),
            **problems(400, 409, 413, 415, 422),
        },
        openapi_extra=takes(OptInBody, example),
    )
    async def opt_in(request: Request) -> Response:
        asked = await read(request, adapter)
        identity = identity_of(asked.identity, within="/identity")
        check_names_nobody(identity, [asked.reason, asked.reference])
        ended = await context.suppressing.opt_in(
            identity,
            asked.kinds,
            by=caller(request).id,
            reference=asked.reference,
            given_on=_day(asked.given_on),
            reason=asked.reason,
        )
        return json_response({"ended": ended})


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RejectedInput("invalid_request", "there is no such day", field="given_on") from None


def _row(found: Sequence[Listed]) -> list[dict[str, Any]]:
    return [{"kind": one.kind.value, "since": one.since} for one in found]
