"""Webhooks: where the calling API client is told how its requests go on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from dsr_intake.application.webhooks import NewWebhook
from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, read, takes
from dsr_intake.http.doors import caller
from dsr_intake.http.openapi import answer, problems
from dsr_intake.http.submission import moment
from dsr_intake.http.views import json_response
from dsr_intake.model.principals import Scope
from dsr_intake.model.webhooks import Webhook
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_PATH = "/v1/webhook"


class WebhookBody(DecisionBody):
    """Where to be told."""

    url: Annotated[
        str,
        Field(
            max_length=2000,
            description="https, to a public address; it is called with POST, signed.",
        ),
    ]


class ReplayBody(DecisionBody):
    """From when on to be told again."""

    since: Annotated[str, Field(description="With its offset from UTC; 30 days back at most.")]


class WebhookDocument(BaseModel):
    """Where the client is told, and how that goes."""

    url: str
    waiting: int
    """Messages that are still to be delivered."""

    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str | None


class NewWebhookDocument(WebhookDocument):
    """Where the client is told, and the secret that messages are signed with."""

    secret: str


class ReplayedDocument(BaseModel):
    """How many messages are sent again."""

    messages: int


DOCUMENTS = (NewWebhookDocument, ReplayBody, ReplayedDocument, WebhookBody, WebhookDocument)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["webhooks"])
    _add_setting(routes, context)
    _add_reading(routes, context)
    return routes


def _add_setting(routes: APIRouter, context: Context) -> None:
    webhook = TypeAdapter(WebhookBody)

    @routes.put(
        _PATH,
        dependencies=[context.doors.needs(Scope.WEBHOOKS_MANAGE)],
        summary="Set where to be told how requests go on",
        description=(
            "Each change of state from now on (`subject_request.state_changed`), and each package that "
            "is ready (`package.ready`, with no way into it), is told as Standard Webhooks says, at "
            "least once and in any order; `webhook-id` stays the same however often a message comes. A client that may "
            "have packages gets their parts, as bytes, and then `package.handed_over` or "
            "`package.hand_over_ended`. The answer holds the secret. What cannot be delivered is tried for two days; after five days without "
            "any success, and after 410, the webhook is disabled until it is set again."
        ),
        responses={
            200: answer("NewWebhookDocument", "The webhook and its secret"),
            **problems(400, 413, 415, 422),
        },
        openapi_extra=takes(WebhookBody, {"url": "https://shop.example.com/privacy/hook"}),
    )
    async def put(request: Request) -> Response:
        client_id = caller(request).id
        asked = await read(request, webhook)
        return _with_secret(await context.webhooks.put(client_id, asked.url))

    @routes.post(
        f"{_PATH}/secret:rotate",
        dependencies=[context.doors.needs(Scope.WEBHOOKS_MANAGE)],
        summary="Have another secret",
        description="For a day, messages are signed with the former one as well.",
        responses={
            200: answer("NewWebhookDocument", "The webhook and its new secret"),
            **problems(404, 422),
        },
    )
    async def rotate(request: Request) -> Response:
        client_id = caller(request).id
        return _with_secret(await context.webhooks.rotate(client_id))

    @routes.delete(
        _PATH,
        status_code=204,
        dependencies=[context.doors.needs(Scope.WEBHOOKS_MANAGE)],
        summary="Be told nothing more",
        description="What waits is dropped. Safe to repeat.",
        responses={204: {"description": "There is no webhook"}},
    )
    async def remove(request: Request) -> Response:
        client_id = caller(request).id
        await context.webhooks.remove(client_id)
        return Response(status_code=204)


def _add_reading(routes: APIRouter, context: Context) -> None:
    replaying = TypeAdapter(ReplayBody)

    @routes.get(
        _PATH,
        dependencies=[context.doors.needs(Scope.WEBHOOKS_MANAGE)],
        summary="Read where the client is told, and how that goes",
        description="Without the secret.",
        responses={200: answer("WebhookDocument", "The webhook"), **problems(404)},
    )
    async def show(request: Request) -> Response:
        client_id = caller(request).id
        found = await context.webhooks.get(client_id)
        if found is None:
            raise _none()
        return json_response(_document(found))

    @routes.post(
        f"{_PATH}:replay",
        dependencies=[context.doors.needs(Scope.WEBHOOKS_MANAGE)],
        summary="Be told again",
        description=(
            "Of every change since a time that was told or given up, with the same ids; and be sent the "
            "rest of each package that was given up."
        ),
        responses={
            200: answer("ReplayedDocument", "How much is sent again"),
            **problems(400, 413, 415, 422),
        },
        openapi_extra=takes(ReplayBody, {"since": "2026-03-01T00:00:00Z"}),
    )
    async def replay(request: Request) -> Response:
        client_id = caller(request).id
        asked = await read(request, replaying)
        since = moment(asked.since, field="since")
        return json_response({"messages": await context.webhooks.replay(client_id, since=since)})


def _with_secret(made: NewWebhook | None) -> Response:
    if made is None:
        raise _none()
    content = _document(made.webhook) | {"secret": made.secret}
    return json_response(content, headers={"Cache-Control": "no-store"})


def _none() -> Problem:
    return Problem(404, "not_found", "this client has no webhook")


def _document(one: Webhook) -> dict[str, Any]:
    return {
        "url": one.url,
        "waiting": one.waiting,
        "failing_since": one.failing_since,
        "disabled_at": one.disabled_at,
        "disabled_because": one.disabled_because,
    }
