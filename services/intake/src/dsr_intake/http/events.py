"""Live events, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.lifecycle import State
from dsr_intake.application.event import Event, Position, obligation_event, state_event
from dsr_intake.application.events import Listener
from dsr_intake.http.context import Context
from dsr_intake.http.doors import caller
from dsr_intake.http.openapi import answer, parameter, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.views import BASE
from dsr_intake.model import Owner, RequestView, StateChangeRow
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = ["router"]

_MEDIA = "text/event-stream"
_HEARTBEAT_S = 15.0
_RETRY = b"retry: 1000\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_RESET = b"event: reset\ndata: {}\n\n"

_DESCRIPTION = (
    "`state` says in which state a request is, `obligation` what a system has answered, `ledger` "
    "that the ledger has a request or has closed it, `reset` that too much was missed: read the "
    "list again. Events come at least once. A stream that is opened again with `Last-Event-ID` "
    "goes on where it was. Lines that begin with a colon keep the connection open."
)
_EXAMPLE = (
    "event: state\nid: 812.4\n"
    'data: {"request_id":"01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f","state":"answered",'
    '"outcome":"fulfilled","at":"2026-03-09T09:00:00Z"}\n\n'
)
_LAST_EVENT_ID = parameter(
    "Last-Event-ID",
    "header",
    "The id of the last event that was received.",
    {"type": "string", "pattern": r"^\d{1,18}\.[A-Za-z0-9_:-]{0,64}$"},
)


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["events"])

    @routes.get(
        "/v1/events",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Follow all requests that you see",
        description=f"What happens to each of them. {_DESCRIPTION}",
        responses={
            200: answer(None, "Events, without end", media=_MEDIA, example=_EXAMPLE),
            **problems(400),
        },
        openapi_extra={"parameters": [_LAST_EVENT_ID]},
    )
    async def follow_all(request: Request) -> Response:
        since = _last_event_id(request)
        listener = await context.events.listen(caller(request).sight)
        return _streamed(_all(context, listener, since))

    @routes.get(
        BASE + "/{request_id}/events",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Follow a subject request",
        description=(
            f"How it stands, then what happens to it, until it is answered. {_DESCRIPTION} "
            "204 tells a client that has seen the answer not to come again."
        ),
        responses={
            200: answer(None, "Events", media=_MEDIA, example=_EXAMPLE),
            204: {"description": "It is answered, and you have seen that"},
            **problems(400, 404, 422),
        },
        openapi_extra={"parameters": [_LAST_EVENT_ID]},
    )
    async def follow(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        since = _last_event_id(request)
        if since is not None and one.state is State.ANSWERED and since.revision >= one.revision:
            return Response(status_code=204)
        listener = await context.events.listen(caller(request).sight, one.request_id)
        return _streamed(_one(context, listener, since))

    return routes


def _streamed(events: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(events, media_type=_MEDIA, headers=_HEADERS)


def _last_event_id(request: Request) -> Position | None:
    given = request.headers.get("last-event-id")
    if not given:
        return None
    try:
        return Position.of(given)
    except RejectedInput as fault:
        raise Problem(400, fault.reason, fault.detail) from None


async def _all(
    context: Context, listener: Listener, since: Position | None
) -> AsyncIterator[bytes]:
    try:
        yield _RETRY
        missed = await context.events.missed(listener, since) if since else []
        if missed is None:
            yield _RESET
        for event in missed or ():
            yield bytes(event)
        # An id without data: a client that is cut off before the first event can go on from here.
        yield f"id: {listener.start}\n\n".encode()
        async for part in _live(listener):
            yield part
    except Unavailable:
        return  # the answer has begun: the client comes again with the last id that it has
    finally:
        context.events.leave(listener)


async def _one(
    context: Context, listener: Listener, since: Position | None
) -> AsyncIterator[bytes]:
    try:
        yield _RETRY
        told = await context.events.missed(listener, since) if since else None
        if told is None:
            told = await _standing(context, listener)
        for event in told:
            yield bytes(event)
            if event.ends:
                return
        async for part in _live(listener):
            yield part
    except Unavailable:
        return  # the answer has begun: the client comes again with the last id that it has
    finally:
        context.events.leave(listener)


async def _standing(context: Context, listener: Listener) -> list[Event]:
    """Return how a request stands, as events: what is owed first, so that an end comes last."""
    one = await context.reads.get(listener.sight, listener.request_id or "")
    if one is None:
        return []
    try:
        ledger: dict[str, Any] = await context.ledger.obligations(one.answered_with) or {}
    except Unavailable:
        ledger = {}
    owed = [
        obligation_event(one.request_id, obligation, listener.start)
        for obligation in ledger.get("obligations", ())
    ]
    return [*owed, state_event(_as_change(one), listener.start)]


def _as_change(one: RequestView) -> StateChangeRow:
    at: datetime = one.answered_at or one.closed_at or one.accepted_at
    return StateChangeRow(one.revision, one.request_id, Owner("", ""), one.state, one.outcome, at)


async def _live(listener: Listener) -> AsyncIterator[bytes]:
    while True:
        try:
            event = await asyncio.wait_for(listener.queue.get(), _HEARTBEAT_S)
        except TimeoutError:
            yield b": still here\n\n"
            continue
        if event is None:
            return
        yield bytes(event)
        if event.ends and listener.request_id is not None:
            return
