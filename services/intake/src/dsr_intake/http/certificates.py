"""Certificates of closed requests, and the keys that anyone checks them with."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import RootModel

from dsr_core.lifecycle import State
from dsr_intake.http.context import Context
from dsr_intake.http.openapi import answer, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.views import BASE
from dsr_intake.model.principals import Scope
from dsr_intake.ports import CertificatePending
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_ENDED = {State.CLOSED, State.ANSWERED}


class CertificateDocument(RootModel[dict[str, Any]]):
    """What shows a closure; `docs/certificate.schema.json` has its schema."""


class EvidenceKeysDocument(RootModel[dict[str, Any]]):
    """What certificates are checked with; `docs/evidence-keys.schema.json` has its schema."""


DOCUMENTS = (CertificateDocument, EvidenceKeysDocument)
"""What the routes answer."""


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["subject requests"])

    @routes.get(
        BASE + "/{request_id}/certificate",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read the certificate of a closed request",
        description=(
            "One file that shows the closure to somebody who trusts neither us nor our records: "
            "`dsr verify` checks it without a network, against published keys. The bytes count, not "
            "only the values: keep them as they come. 409 `certificate_pending`, with `Retry-After`, "
            "until the transparency log covers the closure. 404 `not_closed` while the request goes "
            "on, and `no_certificate` where it ended before any system was asked, since then there "
            "is nothing that a system could have signed; a duplicate of another client's request has none "
            "either."
        ),
        responses={
            200: answer("CertificateDocument", "The certificate, as canonical JSON and a line end"),
            **problems(404, 409, 422),
        },
    )
    async def certificate(request: Request, request_id: RequestIdParameter) -> Response:
        one = await own_request(request, context, request_id)
        if one.duplicate_of is not None and one.names_strangers:
            detail = "the request that answers it is another client's, and so is its certificate"
            raise Problem(404, "no_certificate", detail)
        try:
            found = await context.ledger.certificate(one.answered_with)
        except CertificatePending as pending:
            headers = {"Retry-After": "1"}
            raise Problem(409, pending.reason, pending.detail, headers=headers) from None
        if found is not None:
            return Response(found, media_type="application/json")
        if one.state in _ENDED:
            outcome = (one.outcome or "it is").replace("_", " ")
            detail = f"ended as {outcome} before any system was asked: no system signed anything"
            raise Problem(404, "no_certificate", f"the request {detail}")
        raise Problem(404, "not_closed", "the request is not closed yet")

    @routes.get(
        "/v1/evidence-keys",
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read the published keys",
        description=(
            "The keys of the transparency log and of its witnesses, and each system's signing keys, "
            "former ones and revocations included. Whoever does not want to believe us keeps a copy."
        ),
        responses={
            200: answer("EvidenceKeysDocument", "The keys, as canonical JSON and a line end")
        },
    )
    async def evidence_keys() -> Response:
        return Response(await context.ledger.evidence_keys(), media_type="application/json")

    return routes
