"""The internal API: what the group's own services ask, and the proof of who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from google.protobuf.message import DecodeError
from pydantic import TypeAdapter

from dsr_contracts.v1 import notices_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import is_uuid
from dsr_core.law.proofs import Method
from dsr_intake.http import decisions
from dsr_intake.http.access import media_type, read_body
from dsr_intake.http.context import Context
from dsr_intake.http.direct import DirectRoute
from dsr_intake.http.doors import caller
from dsr_intake.http.openapi import ID_PATTERN, answer, body, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.submission import ProofBody
from dsr_intake.http.views import json_response
from dsr_intake.model.principals import Scope
from dsr_runtime.http.problems import Problem
from dsr_wire.codec.fields import slug, text
from dsr_wire.codec.notices import system_notice_to_wire

__all__ = ["hot", "router"]

_BASE = "/internal/v1"
_COHORT = "/cohorts/{cohort_id}"
_SEAL = f"{_COHORT}/identities:seal"

_PROTOBUF = "application/protobuf"
_LIST_LIMIT = 10_000

_CohortId = Annotated[str, Path(pattern=ID_PATTERN, description="The cohort's id.")]
_PROOF = TypeAdapter(ProofBody)


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix=_BASE)
    services = APIRouter(tags=["internal"], dependencies=[context.doors.needs(Scope.SERVICES)])
    _add_cohorts(services, context)
    routes.include_router(services)
    _add_requests(routes, context)
    return routes


def hot(context: Context) -> tuple[DirectRoute, ...]:
    """Return what is asked for each cohort, to be served without the router."""

    async def seal(request: Request, cohort_id: str) -> Response:
        await context.doors.enter(request, Scope.SERVICES)
        return await _sealed(request, context, cohort_id)

    async def cohort(request: Request, cohort_id: str) -> Response:
        await context.doors.enter(request, Scope.SERVICES)
        return await _standing(context, cohort_id)

    return (
        DirectRoute("POST", f"{_BASE}{_SEAL}", seal),
        DirectRoute("GET", f"{_BASE}{_COHORT}", cohort),
    )


def _add_cohorts(routes: APIRouter, context: Context) -> None:
    @routes.post(
        _SEAL,
        summary="Seal a cohort's identities for some systems",
        description=(
            "Takes `dsr.v1.SealRequest`, gives `dsr.v1.SealResponse`: for each system, one entry a "
            "member that is not answered, with the kinds of identifier that the system needs."
        ),
        responses={
            200: answer(None, "The sealed identities", media=_PROTOBUF),
            **problems(400, 404, 413, 415, 422),
            409: problems(409)[409]
            | {"description": "A member's key is gone though it is not answered"},
        },
        openapi_extra={
            "requestBody": body({"type": "string"}, media=_PROTOBUF, examples={"none": ""})
        },
    )
    async def seal(request: Request, cohort_id: _CohortId) -> Response:
        return await _sealed(request, context, cohort_id)

    @routes.get(
        _COHORT,
        summary="Read how far a cohort is",
        description="How many members it has, how many are not answered, and when the last was.",
        responses={200: answer("CohortDocument", "The cohort"), **problems(404, 422)},
    )
    async def cohort(cohort_id: _CohortId) -> Response:
        return await _standing(context, cohort_id)

    @routes.post(
        "/cohorts/{cohort_id}/identity:give-up",
        summary="Close a request whose identity nobody proved in time",
        description=(
            "Of a cohort of one that still awaits the proof after its date: it ends as not verified. "
            "Safe to repeat; what was proven or has ended stays as it is."
        ),
        responses={200: answer("CohortDocument", "The cohort"), **problems(404, 409, 422)},
    )
    async def give_up(cohort_id: _CohortId) -> Response:
        await context.identifying.give_up(cohort_id)
        return await _standing(context, cohort_id)

    @routes.post(
        "/cohorts/{cohort_id}/stopping:give-up",
        summary="Close a stopping request after its legal date",
        description=(
            "Of a cohort of one: it ends as it was decided, whatever systems have not said. Safe to "
            "repeat; what does not stop or has ended stays as it is. 409 before the date."
        ),
        responses={200: answer("CohortDocument", "The cohort"), **problems(404, 409, 422)},
    )
    async def give_up_stopping(cohort_id: _CohortId) -> Response:
        await context.decisions.stopping.give_up(cohort_id)
        return await _standing(context, cohort_id)


def _add_requests(routes: APIRouter, context: Context) -> None:
    @routes.get(
        "/subject-requests/{request_id}",
        tags=["decisions"],
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read a subject request, as it stands",
        description="As the public API tells it. Identifiers are never given back.",
        responses={200: answer("RequestDocument", "The request"), **problems(404, 422)},
    )
    async def read(request: Request, request_id: RequestIdParameter) -> Response:
        return decisions.shown(await own_request(request, context, request_id))

    @routes.post(
        "/subject-requests/{request_id}/identity:prove",
        tags=["decisions"],
        dependencies=[context.doors.needs(Scope.REQUESTS_PROVE)],
        summary="Take it as proven who asks",
        description=(
            "An operator's decision, with its reason. The request opens, and its dates are counted "
            "from the proof where the law says so. 409 where it does not await a proof, and "
            "`assurance_needed` where `level` is below what the rules ask for this data."
        ),
        responses={
            200: answer("RequestDocument", "The request, open"),
            **problems(400, 404, 409, 413, 415, 422),
        },
        openapi_extra={
            "requestBody": body(
                {"$ref": "#/components/schemas/ProofBody"},
                examples={"an operator": {"reason": "passport seen at the desk"}},
            )
        },
    )
    async def prove(request: Request, request_id: RequestIdParameter) -> Response:
        _, asked = await decisions.read_about(request, context, request_id, _PROOF)
        return decisions.shown(
            await context.identifying.prove(
                request_id,
                method=Method.OPERATOR,
                by=caller(request).id,
                reason=asked.reason,
                proven_at=decisions.at(asked.proven_at, "proven_at"),
                level=asked.level,
            )
        )


async def _sealed(request: Request, context: Context, cohort_id: str) -> Response:
    if media_type(request) != _PROTOBUF:
        raise Problem(415, "unsupported_media_type", f"send {_PROTOBUF}")
    asked = _seal_request(await read_body(request))
    notices = await context.sealing.seal(
        cohort_id,
        registry_digest=text(asked.registry_digest, field="registry_digest"),
        system_ids=[slug(one, field="system_ids") for one in asked.system_ids],
        request_ids=list(asked.request_ids),
    )
    if notices is None:
        raise Problem(404, "not_found", "there is no cohort of that id")
    message = notices_pb2.SealResponse(systems=[system_notice_to_wire(one) for one in notices])
    return Response(message.SerializeToString(), media_type=_PROTOBUF)


async def _standing(context: Context, cohort_id: str) -> Response:
    found = await context.reads.cohort(cohort_id)
    if found is None:
        raise Problem(404, "not_found", "there is no cohort of that id")
    return json_response(
        {
            "cohort_id": found.cohort_id,
            "members": found.members,
            "open_members": found.open_members,
            "open_leavers": found.open_leavers,
            "answered_at": found.answered_at,
        }
    )


def _seal_request(content: bytes) -> notices_pb2.SealRequest:
    try:
        asked = notices_pb2.SealRequest.FromString(content)
    except DecodeError:
        raise Problem(400, "undecodable", "the body is not a dsr.v1.SealRequest") from None
    if not 0 < len(asked.system_ids) <= _LIST_LIMIT or len(asked.request_ids) > _LIST_LIMIT:
        detail = f"name at least one system, and {_LIST_LIMIT:,} systems and requests at most"
        raise RejectedInput("invalid_field", detail, field="system_ids")
    if len(set(asked.request_ids)) != len(asked.request_ids) or not all(
        is_uuid(one) for one in asked.request_ids
    ):
        detail = "request_ids are UUIDs, none twice"
        raise RejectedInput("invalid_field", detail, field="request_ids")
    return asked
