"""Subject requests: submitting one, and reading them."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from dsr_core import tracing
from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_core.ids import is_uuid
from dsr_core.lifecycle import State
from dsr_core.rights import Right
from dsr_intake.application.packages.receiving import lacking
from dsr_intake.application.room import Overloaded
from dsr_intake.http.access import read_body, require_json
from dsr_intake.http.context import Context
from dsr_intake.http.doors import caller
from dsr_intake.http.examples import ACCEPTED, REQUEST, SUBMISSIONS
from dsr_intake.http.jurisdictions import JURISDICTION_PATTERN
from dsr_intake.http.openapi import ID_PATTERN, answer, body, parameter, problems
from dsr_intake.http.signals import GPC, signalled
from dsr_intake.http.submission import IDEMPOTENCY_KEY_PATTERN, RFC3339, moment, parse_single
from dsr_intake.http.views import (
    BASE,
    accepted_document,
    json_response,
    no_obligations_document,
    obligations_document,
    progress_document,
    request_document,
)
from dsr_intake.model import (
    Accepted,
    KeyReused,
    ListFilter,
    RequestView,
    StillRunning,
    Submission,
    Verdict,
)
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = [
    "IDEMPOTENCY_KEY",
    "RequestIdParameter",
    "idempotency_key",
    "no_hand_over",
    "own_request",
    "router",
    "submission",
    "verdict_problem",
]

_IDEMPOTENCY_KEY = re.compile(IDEMPOTENCY_KEY_PATTERN)

IDEMPOTENCY_KEY = parameter(
    "Idempotency-Key",
    "header",
    "Names this call, so that it can be repeated safely.",
    {"type": "string", "pattern": IDEMPOTENCY_KEY_PATTERN},
)
"""How the header is documented."""

RequestIdParameter = Annotated[
    str, Path(pattern=ID_PATTERN, description="The subject request's id.")
]
_Time = Annotated[str | None, Query(pattern=RFC3339, json_schema_extra={"format": "date-time"})]


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["subject requests"])
    _add_submitting(routes, context)
    _add_reading(routes, context)
    return routes


def submission(context: Context) -> Callable[[Request], Awaitable[Response]]:
    """Return what accepts a single request."""

    async def submit(request: Request) -> Response:
        client_id = (await context.doors.enter(request, Scope.REQUESTS_SUBMIT)).id
        require_json(request)
        given = request.headers
        key = idempotency_key(request)
        content = await read_body(request)
        try:
            context.room.check()
            context.single.check_room()
            sent = signalled(parse_single(content, idempotency_key=key), given)
            traceparent = given.get("traceparent")
            if traceparent is not None and not tracing.is_traceparent(traceparent):
                traceparent = None
            verdict, lacks = await _accepted(context, sent, client_id, traceparent)
        except Overloaded as fault:
            raise overloaded(context, fault, call="single") from None
        except Unavailable:
            context.metrics.refused.labels("single", "unavailable").inc()
            raise
        except (Problem, RejectedInput, RuleViolation) as fault:
            reason = fault.code if isinstance(fault, Problem) else fault.reason
            context.metrics.refused.labels("single", reason).inc()
            raise
        if not isinstance(verdict, Accepted):
            raise verdict_problem(verdict)
        return json_response(
            accepted_document(verdict, lacks=lacks),
            status=202,
            headers={"Location": f"{BASE}/{verdict.request_id}"},
        )

    return submit


async def no_hand_over(context: Context, client_id: str) -> RejectedInput | None:
    """Return why the packages of a client cannot be sent to its callback; none where they can.

    Raises:
        Unavailable: The database is away.
    """
    if context.packages is None:
        detail = "no packages are made here: leave it out"
        return RejectedInput("packages_not_made", detail, field="hand_over")
    return lacking(await context.packages.hand_overs.receiver(client_id))


def overloaded(context: Context, fault: Overloaded, *, call: str) -> Problem:
    """Count a call that finds no room, and return its answer, which says when to come again."""
    context.metrics.refused.labels(call, "overloaded").inc()
    headers = {"Retry-After": str(fault.retry_after_s)}
    return Problem(503, "overloaded", str(fault), headers=headers)


async def _accepted(
    context: Context, sent: Submission, client_id: str, traceparent: str | None
) -> tuple[Verdict, str | None]:
    """Return what became of a submission, and what its attestation lacks."""
    refusal = await no_hand_over(context, client_id) if sent.hand_over else None
    if sent.appeal_of is not None:
        if refusal is not None:
            raise refusal
        verdict = await context.appealing.submit(sent, client_id=client_id, traceparent=traceparent)
        if verdict is None:
            raise Problem(404, "not_found", "there is no request of that id to appeal")
        return verdict, None
    draft = context.drafter.draft(
        sent, client_id=client_id, traceparent=traceparent, by_letter=True
    )
    if refusal is not None and not await context.single.knows(draft):
        raise refusal
    return await context.single.accept(draft), draft.submission.lacks


def _add_submitting(routes: APIRouter, context: Context) -> None:
    single = submission(context)

    @routes.post(
        BASE,
        status_code=202,
        dependencies=[context.doors.needs(Scope.REQUESTS_SUBMIT)],
        summary="Submit a subject request",
        description=(
            "Accepts one request. When the answer arrives the request is durable, and every "
            "system that must answer will be asked. With an `Idempotency-Key` the call can be "
            "repeated: the same key with the same body gives the same answer for at least seven "
            "days. Keys belong to the client that sent them. With `appeal_of` it is an appeal against "
            "how an earlier request ended, which waits for a decision: 404 where this client has no "
            "such request, 409 where its law, its outcome or the time allows no appeal. With `Sec-GPC: 1` it "
            "is the opt-out that a visitor's browser asks for, and its channel is `signal`."
        ),
        responses={
            202: answer(
                "AcceptedDocument",
                "Accepted",
                example=ACCEPTED,
                headers={
                    "Location": {
                        "description": "Where the request is found.",
                        "schema": {"type": "string"},
                    }
                },
            ),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/SubjectRequestBody"}, examples=SUBMISSIONS
            ),
            "parameters": [IDEMPOTENCY_KEY, GPC],
        },
    )
    async def submit(request: Request) -> Response:
        return await single(request)


def _add_reading(routes: APIRouter, context: Context) -> None:
    @routes.get(
        BASE,
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="List subject requests",
        description=(
            "Those that you see, newest first: a client what it submitted, an operator those of "
            "its jurisdictions, a privacy officer all."
        ),
        responses={
            200: answer(
                "RequestListDocument",
                "A page",
                example={"items": [REQUEST], "next_cursor": None},
            ),
            **problems(422),
        },
    )
    async def list_(  # noqa: PLR0917 - FastAPI passes them by name
        request: Request,
        state: State | None = None,
        right: Right | None = None,
        jurisdiction: Annotated[str | None, Query(pattern=JURISDICTION_PATTERN)] = None,
        received_after: _Time = None,
        received_before: _Time = None,
        cursor: Annotated[
            str | None,
            Query(description="`next_cursor` of the page before.", pattern=r"^[A-Za-z0-9_-]{22}$"),
        ] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        wanted = ListFilter(
            state=state,
            right=right,
            jurisdiction=jurisdiction,
            received_after=_moment(received_after, "received_after"),
            received_before=_moment(received_before, "received_before"),
        )
        after = _from_cursor(cursor) if cursor is not None else None
        found = await context.reads.page(
            caller(request).sight, wanted, after=after, limit=limit + 1
        )
        shown = found[:limit]
        following = _to_cursor(shown[-1].request_id) if len(found) > limit else None
        return json_response(
            {
                "items": [request_document(one) for one in shown],
                "next_cursor": following,
            }
        )

    @routes.get(
        BASE + "/{request_id}",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read a subject request",
        description="Its state and dates. Identifiers are never given back, only their kinds.",
        responses={
            200: answer("RequestDocument", "The request", example=REQUEST),
            **problems(404, 422),
        },
    )
    async def read(request: Request, request_id: RequestIdParameter) -> Response:
        return json_response(request_document(await own_request(request, context, request_id)))

    @routes.get(
        BASE + "/{request_id}/obligations",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read what is owed for a subject request",
        description=(
            "Every system that must answer, and what it has answered. "
            "`expected` is null until the obligations are opened."
        ),
        responses={
            200: answer("ObligationsDocument", "The obligations"),
            **problems(404, 422),
        },
    )
    async def obligations(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        found = await context.ledger.obligations(one.answered_with)
        return json_response(
            no_obligations_document(one) if found is None else obligations_document(found, one)
        )

    @routes.get(
        BASE + "/{request_id}/closure",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read a subject request's closure",
        description="The verifier's record that every system has confirmed; 404 until then.",
        responses={200: answer("ClosureDocument", "The closure"), **problems(404, 422)},
    )
    async def closure(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        found = await context.ledger.closure(one.answered_with)
        if found is None:
            raise Problem(404, "not_closed", "the request is not closed yet")
        return json_response(progress_document(found, one))


async def own_request(request: Request, context: Context, request_id: str) -> RequestView:
    """Return the request of that id, if the caller sees it.

    Raises:
        Problem: They do not, or there is none; which of them is not said.
    """
    found = await context.reads.get(caller(request).sight, request_id)
    if found is None:
        raise Problem(404, "not_found", "there is no request of that id")
    return found


def verdict_problem(verdict: Verdict) -> Problem:
    """Return the problem that a submission ran into."""
    match verdict:
        case KeyReused():
            detail = "the idempotency key was used for another request"
            return Problem(422, "idempotency_key_reused", detail)
        case StillRunning():
            detail = "another call with the same idempotency key has not ended"
            return Problem(409, "still_running", detail, headers={"Retry-After": "1"})
        case Accepted():
            raise RuntimeError("accepted is no problem")


def idempotency_key(request: Request) -> str | None:
    """Return the idempotency key that a call bears, or none.

    Raises:
        Problem: It is none.
    """
    given = request.headers.get("idempotency-key")
    # The draft of the IETF makes it a structured header, a string in quotes; most send it bare.
    if given is None:
        return None
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if _IDEMPOTENCY_KEY.fullmatch(key) is None:
        detail = "Idempotency-Key is 1 to 255 printable ASCII characters without spaces"
        raise Problem(400, "invalid_idempotency_key", detail)
    return key


def _moment(text: str | None, field: str) -> Any:
    return moment(text, field=field) if text is not None else None


def _to_cursor(request_id: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(request_id).bytes).decode().rstrip("=")


def _from_cursor(cursor: str) -> str:
    try:
        found = str(uuid.UUID(bytes=base64.urlsafe_b64decode(cursor + "==")))
    except (binascii.Error, ValueError):
        found = ""
    if not is_uuid(found):
        raise RejectedInput("invalid_cursor", "the cursor is none of ours", field="cursor")
    return found
