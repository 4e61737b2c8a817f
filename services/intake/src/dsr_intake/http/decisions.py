"""What people decide about one request: routes, and the bodies that they take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from dsr_intake.http.access import read_body, require_json
from dsr_intake.http.context import Context
from dsr_intake.http.doors import caller
from dsr_intake.http.examples import REQUEST
from dsr_intake.http.openapi import answer, body, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.submission import RFC3339, invalid_body, moment
from dsr_intake.http.views import BASE, json_response, request_document
from dsr_intake.model import RequestView
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem

__all__ = [
    "DOCUMENTS",
    "DecisionBody",
    "Moment",
    "Reason",
    "ReasonParameter",
    "Short",
    "at",
    "decided",
    "read",
    "read_about",
    "router",
    "shown",
    "takes",
]

_TEXT = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"

Reason = Annotated[
    str,
    Field(
        pattern=_TEXT,
        max_length=500,
        description="Without personal data: it is kept with the request.",
    ),
]
ReasonParameter = Annotated[
    str,
    Query(
        pattern=_TEXT,
        max_length=500,
        description="Why; kept in the audit log, so no personal data.",
    ),
]
Moment = Annotated[
    str | None,
    Field(
        pattern=RFC3339,
        description="When it happened; now, where it is absent.",
        json_schema_extra={"format": "date-time"},
    ),
]

_WORDS = ("reason", "ground", "controller", "pointer", "question", "evidence")
"""The fields of decisions that people write in their own words."""

_Body = TypeVar("_Body", bound=BaseModel)

Short = Annotated[str, Field(pattern=_TEXT, max_length=200)]


class DecisionBody(BaseModel):
    """What every decision's body is: strict, and silent about what was sent."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class WithdrawalBody(DecisionBody):
    """The requester takes the request back."""

    reason: Reason = "the requester took it back"


class RefusalBody(DecisionBody):
    """The request is not followed, on a legal ground."""

    ground: Annotated[Short, Field(description="The provision, for example `GDPR 12(5)(b)`.")]
    reason: Reason


class ReferralBody(DecisionBody):
    """The data is a customer's, to whom the requester is pointed."""

    controller: Annotated[Short, Field(description="The organisation that the data is of.")]
    pointer: Annotated[Short, Field(description="Where the requester can ask it.")]
    reason: Reason = "the data is a customer's"


class ExtensionBody(DecisionBody):
    """The answer may come later, and the person was told so, with the reason."""

    reason: Reason
    notified_at: Moment = None


class QuestionBody(DecisionBody):
    """The person was asked what exactly is meant."""

    question: Annotated[
        str,
        Field(
            pattern=_TEXT,
            max_length=500,
            description="A code, or words without personal data: it is kept with the request.",
        ),
    ]
    asked_at: Moment = None


class ClarificationBody(DecisionBody):
    """The person has said what is meant."""

    reason: Reason = "the requester has said what is meant"
    given_at: Moment = None


DOCUMENTS = (
    ClarificationBody,
    ExtensionBody,
    QuestionBody,
    ReferralBody,
    RefusalBody,
    WithdrawalBody,
)
"""What is described in the API's documentation."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()
    _add_withdrawal(routes, context)
    internal = APIRouter(prefix="/internal/v1", tags=["decisions"])
    _add_endings(internal, context)
    _add_dates(internal, context)
    routes.include_router(internal)
    return routes


def _add_withdrawal(routes: APIRouter, context: Context) -> None:
    adapter = TypeAdapter(WithdrawalBody)

    @routes.post(
        BASE + "/{request_id}/withdrawal",
        tags=["subject requests"],
        dependencies=[context.doors.needs(Scope.REQUESTS_WITHDRAW)],
        summary="Withdraw a subject request",
        description=(
            "By the client that submitted it. It ends at once where no system was asked; else each "
            "is told to stop, and says whether it was too late. 409 where it has ended, or stops."
        ),
        responses=decided(),
        openapi_extra=takes(WithdrawalBody, {"reason": "the account is kept"}),
    )
    async def withdraw(request: Request, request_id: RequestIdParameter) -> Response:
        await own_request(request, context, request_id)
        asked = await read(request, adapter)
        client_id = caller(request).id
        return shown(
            await context.decisions.stopping.withdraw(
                request_id, client_id=client_id, reason=asked.reason
            ),
            for_client=True,
        )


def _add_endings(routes: APIRouter, context: Context) -> None:
    refusal, referral = TypeAdapter(RefusalBody), TypeAdapter(ReferralBody)

    @routes.post(
        "/subject-requests/{request_id}/refusal",
        dependencies=[context.doors.needs(Scope.REQUESTS_DECIDE)],
        summary="Refuse a subject request",
        description=(
            "An operator's decision, with its legal ground. Who was asked is told to stop. 409 where "
            "it has ended, or stops, or is an appeal against a refusal by the same operator. After the "
            "date by which the person had to be told of a refusal, `breach` says so, and it is kept."
        ),
        responses=decided("RefusalDocument", breach=None),
        openapi_extra=takes(
            RefusalBody, {"ground": "GDPR 12(5)(b)", "reason": "the fifth this week"}
        ),
    )
    async def refuse(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, refusal)
        by = caller(request).id
        await context.appealing.check_decider(request_id, by=by)
        stopping = context.decisions.stopping
        found = await stopping.refuse(request_id, by=by, ground=asked.ground, reason=asked.reason)
        return shown(found, breach=await stopping.breach(request_id))

    @routes.post(
        "/subject-requests/{request_id}/referral",
        dependencies=[context.doors.needs(Scope.REQUESTS_DECIDE)],
        summary="Refer a subject request to the controller",
        description=(
            "The data is a customer's: the requester is pointed there. Who was asked is told to "
            "stop. 409 where it has ended, or stops."
        ),
        responses=decided(),
        openapi_extra=takes(
            ReferralBody,
            {
                "controller": "Example Airline",
                "pointer": "https://airline.example.com/privacy",
            },
        ),
    )
    async def refer(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, referral)
        by = caller(request).id
        await context.appealing.check_decider(request_id, by=by)
        return shown(
            await context.decisions.stopping.refer(
                request_id,
                by=by,
                controller=asked.controller,
                pointer=asked.pointer,
                reason=asked.reason,
            )
        )


def _add_dates(routes: APIRouter, context: Context) -> None:
    extension = TypeAdapter(ExtensionBody)
    question, clarification = TypeAdapter(QuestionBody), TypeAdapter(ClarificationBody)

    @routes.post(
        "/subject-requests/{request_id}/extension",
        dependencies=[context.doors.needs(Scope.REQUESTS_DECIDE)],
        summary="Extend the time to answer",
        description=(
            "Once, where the law allows it, and only if the person was told in time. 409 else, with "
            "the date; and where the request has ended, or stops."
        ),
        responses=decided(),
        openapi_extra=takes(ExtensionBody, {"reason": "records of forty years, on paper"}),
    )
    async def extend(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, extension)
        return shown(
            await context.decisions.extending.extend(
                request_id,
                by=caller(request).id,
                reason=asked.reason,
                notified_at=at(asked.notified_at, "notified_at"),
            )
        )

    @routes.post(
        "/subject-requests/{request_id}/clarification:ask",
        dependencies=[context.doors.needs(Scope.REQUESTS_DECIDE)],
        summary="Record that the person was asked what is meant",
        description=(
            "Where the law says so, the clock stands still until they say it. 409 where the request "
            "is not open."
        ),
        responses=decided(),
        openapi_extra=takes(QuestionBody, {"question": "which-account"}),
    )
    async def ask(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, question)
        return shown(
            await context.decisions.extending.ask(
                request_id,
                by=caller(request).id,
                question=asked.question,
                asked_at=at(asked.asked_at, "asked_at"),
            )
        )

    @routes.post(
        "/subject-requests/{request_id}/clarification:give",
        dependencies=[context.doors.needs(Scope.REQUESTS_DECIDE)],
        summary="Record that the person has said what is meant",
        description="A clock that stood still goes on. 409 where nothing was asked.",
        responses=decided(),
        openapi_extra=takes(ClarificationBody, {}),
    )
    async def clarify(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await read_about(request, context, request_id, clarification)
        return shown(
            await context.decisions.extending.clarify(
                request_id,
                by=caller(request).id,
                reason=asked.reason,
                given_at=at(asked.given_at, "given_at"),
            )
        )


def at(text: str | None, field: str) -> datetime | None:
    """Return the moment that a body names, or none."""
    return None if text is None else moment(text, field=field)


def takes(model: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """Return the documentation of a decision's body."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": body(schema, examples={"an example": example})}


def decided(
    document: str = "RequestDocument", **more: str | None
) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the answers to a decision."""
    return {
        200: answer(document, "The request as it stands then", example=REQUEST | more),
        **problems(400, 404, 409, 413, 415, 422),
    }


async def read(request: Request, adapter: TypeAdapter[_Body]) -> _Body:
    """Return the body of a decision.

    Raises:
        Problem: It is not as documented; the problem says where and never what was sent.
    """
    require_json(request)
    try:
        return adapter.validate_json(await read_body(request))
    except ValidationError as error:
        raise invalid_body(error) from None


async def read_about(
    request: Request, context: Context, request_id: str, adapter: TypeAdapter[_Body]
) -> tuple[RequestView, _Body]:
    """Return the request that a decision is about, if the caller sees it, and the decision's body.

    Raises:
        Problem: They do not, or the body is not as documented.
        RejectedInput: What is written in it names the person.
    """
    one = await own_request(request, context, request_id)
    asked = await read(request, adapter)
    words = (getattr(asked, name, None) for name in _WORDS)
    await context.discretion.check(one.request_id, [each for each in words if each])
    return one, asked


def shown(found: RequestView | None, *, for_client: bool = False, **more: str | None) -> Response:
    """Return a request as it stands after a decision, to an operator or to its client.

    Raises:
        Problem: There is none.
    """
    if found is None:
        raise Problem(404, "not_found", "there is no request of that id")
    return json_response(request_document(found, for_client=for_client) | more)
