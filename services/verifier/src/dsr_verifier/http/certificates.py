"""Certificates of closures and the published keys, in the bytes that are checked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from dsr_core.ids import RequestId
from dsr_runtime.http.problems import Problem
from dsr_verifier.http.documents import CertificateDocument, EvidenceKeysDocument, answers
from dsr_verifier.views import CertificateSource, Views

__all__ = ["UUID_PATTERN", "add_certificates"]

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def add_certificates(router: APIRouter, source: CertificateSource, views: Views) -> None:
    """Add the routes."""

    @router.get(
        "/requests/{request_id}/certificate",
        summary="The certificate of a closed request",
        description="409 `certificate_pending` while no checkpoint of the log covers the closure.",
        responses=answers(CertificateDocument, 404, 409, 422),
    )
    async def certificate(request_id: Annotated[str, Path(pattern=UUID_PATTERN)]) -> Response:
        found = await source.certificate(RequestId(request_id))
        if found is not None:
            return Response(found.to_bytes(), media_type="application/json")
        if await views.closure(request_id) is None:
            raise Problem(404, "not_closed", "the ledger holds no closure of that request")
        detail = "the closure is not in the log yet; a checkpoint covers it within seconds"
        raise Problem(409, "certificate_pending", detail, headers={"Retry-After": "1"})

    @router.get(
        "/evidence-keys",
        summary="The published keys",
        description="Of the log, its witnesses and every system: what certificates are checked with.",
        responses=answers(EvidenceKeysDocument),
    )
    async def evidence_keys() -> Response:
        return Response(source.keys().to_bytes(), media_type="application/json")
