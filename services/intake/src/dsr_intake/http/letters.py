"""Letters: how they stand, what came back of them, and an operator's decisions about them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, TypeAdapter

from dsr_intake.application.letters.envelope import bounce
from dsr_intake.http.access import media_type, read_body
from dsr_intake.http.context import Context
from dsr_intake.http.decisions import read_about
from dsr_intake.http.examples import LETTERS
from dsr_intake.http.openapi import answer, body, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.submission import LetterDecisionBody
from dsr_intake.http.views import BASE, json_response
from dsr_intake.model import Letter, LetterKind, LetterState
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_NOTIFICATION = "message/rfc822"
_DECISION = TypeAdapter(LetterDecisionBody)


class LetterDocument(BaseModel):
    """A letter to the requester; neither its address nor its text is kept."""

    kind: LetterKind
    number: int
    state: LetterState
    tries: int
    next_try_at: datetime | None
    waiting_since: datetime
    settled_at: datetime | None
    reason: str | None
    """Why it bounced, or was given up."""


class LettersDocument(BaseModel):
    """The letters about a subject request, the oldest first."""

    request_id: str
    letters: list[LetterDocument]


class BounceDocument(BaseModel):
    """What a notification says of a letter; nothing where it may still arrive."""

    request_id: str | None
    kind: LetterKind | None
    number: int | None


DOCUMENTS = (BounceDocument, LettersDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    @routes.get(
        BASE + "/{request_id}/letters",
        tags=["subject requests"],
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read how the letters to the requester stand",
        description=(
            "Letters wait until the mail server has them. One that bounced waits for an operator. "
            "A request whose answer is a letter is answered once that is sent, or given up."
        ),
        responses={
            200: answer("LettersDocument", "The letters", example=LETTERS),
            **problems(404, 422),
        },
    )
    async def read(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        return json_response(_document(request_id, await context.letters.of(one.request_id)))

    internal = APIRouter(prefix="/internal/v1", tags=["decisions"])
    _add_deciding(internal, context)
    _add_bounces(internal, context)
    routes.include_router(internal)
    return routes


def _add_deciding(routes: APIRouter, context: Context) -> None:
    @routes.get(
        "/subject-requests/{request_id}/letters",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read how the letters about a subject request stand",
        description="As the public API tells it.",
        responses={200: answer("LettersDocument", "The letters"), **problems(404, 422)},
    )
    async def read(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        return json_response(_document(request_id, await context.letters.of(one.request_id)))

    @routes.post(
        "/subject-requests/{request_id}/letters:give-up",
        dependencies=[context.doors.needs(Scope.LETTERS_DECIDE)],
        summary="Give up a letter, for a reason",
        description=(
            "The newest of its kind, which waits or has bounced. Where it is the answer, the request "
            "is answered with that on record: whoever decides has told the person another way."
        ),
        responses={
            200: answer("LettersDocument", "The letters"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/LetterDecisionBody"},
                examples={"told by post": {"kind": "done", "reason": "told by registered post"}},
            )
        },
    )
    async def give_up(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, _DECISION)
        found = await context.sending.give_up(request_id, asked.kind, reason=asked.reason)
        return _found(request_id, found)

    @routes.post(
        "/subject-requests/{request_id}/letters:send-again",
        dependencies=[context.doors.needs(Scope.LETTERS_DECIDE)],
        summary="Send a letter again that has bounced, for a reason",
        description="The newest of its kind. Possible while the request is not answered.",
        responses={
            200: answer("LettersDocument", "The letters"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/LetterDecisionBody"},
                examples={"the answer": {"kind": "done", "reason": "the mailbox was full"}},
            )
        },
    )
    async def send_again(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, _DECISION)
        found = await context.sending.send_again(request_id, asked.kind, reason=asked.reason)
        return _found(request_id, found)


def _add_bounces(routes: APIRouter, context: Context) -> None:
    @routes.post(
        "/letters/bounces",
        dependencies=[context.doors.needs(Scope.LETTERS_BOUNCE)],
        summary="Take a message from the mailbox that bounces come to",
        description=(
            "A delivery status notification (RFC 3464), as it came. The letter is found by its "
            "Message-ID; of the notification nothing is kept but its status. Safe to repeat."
        ),
        responses={
            200: answer("BounceDocument", "What it says of a letter"),
            **problems(409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body({"type": "string"}, media=_NOTIFICATION, examples={"none": ""})
        },
    )
    async def take(request: Request) -> Response:
        if media_type(request) != _NOTIFICATION:
            raise Problem(415, "unsupported_media_type", f"send {_NOTIFICATION}")
        found = bounce(await read_body(request))
        if found is None:
            return json_response({"request_id": None, "kind": None, "number": None})
        name = found.letter
        if not await context.sending.came_back(
            name.request_id, name.kind, name.number, reason=found.reason
        ):
            raise Problem(409, "unknown_letter", "the notification is about no letter of ours")
        return json_response(name._asdict())


def _found(request_id: str, letters: list[Letter] | None) -> Response:
    if letters is None:
        raise Problem(404, "not_found", "there is no such letter")
    return json_response(_document(request_id, letters))


def _document(request_id: str, letters: Iterable[Letter]) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "letters": [
            {
                "kind": one.kind,
                "number": one.number,
                "state": one.state,
                "tries": one.tries,
                "next_try_at": one.next_try_at,
                "waiting_since": one.waiting_since,
                "settled_at": one.settled_at,
                "reason": one.reason,
            }
            for one in letters
        ],
    }
