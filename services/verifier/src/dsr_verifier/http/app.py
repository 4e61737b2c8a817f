"""The read API's application: for the group's own services alone."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from dsr_core.errors import RejectedInput
from dsr_runtime.health import Health
from dsr_runtime.http.app import internal_only, new_app
from dsr_runtime.http.problems import Problem
from dsr_verifier.http.certificates import UUID_PATTERN, add_certificates
from dsr_verifier.http.documents import (
    AcknowledgementsDocument,
    ChangesDocument,
    ClosureDocument,
    LinksToldDocument,
    MissingDocument,
    ObligationsDocument,
    ProgressDocument,
    answers,
)
from dsr_verifier.http.tlog import tlog_routes
from dsr_verifier.log_ports import LogReader
from dsr_verifier.metrics import Metrics
from dsr_verifier.views import CertificateSource, Cursor, Document, Views

__all__ = ["read_api"]

_Id = Annotated[str, Path(pattern=UUID_PATTERN)]


class RequestsQuery(BaseModel):
    """Which requests are asked for."""

    model_config = ConfigDict(extra="forbid")

    request_ids: list[Annotated[str, StringConstraints(pattern=UUID_PATTERN)]] = Field(
        max_length=1000
    )


def read_api(
    views: Views,
    transparency: LogReader,
    certificates: CertificateSource,
    *,
    token: str,
    health: Health,
    metrics: Metrics,
    changes_for: timedelta,
) -> FastAPI:
    """Return the application.

    Args:
        views: What it reads.
        transparency: The log, which anyone may read.
        certificates: Makes certificates.
        token: The bearer token that the group's services present.
        health: The checks behind `/readyz`.
        metrics: What `/metrics` shows.
        changes_for: How far the change feed reaches back; an older cursor is refused.
    """
    app = new_app(
        title="dsr verifier",
        description="The ledger of obligations and acknowledgements, read-only.",
        health=health,
        metrics=metrics.registry,
    )
    router = APIRouter(prefix="/v1", dependencies=[Depends(internal_only(token))])

    @router.get(
        "/requests/{request_id}/obligations",
        summary="Where each obligation stands",
        responses=answers(ObligationsDocument, 404, 422),
    )
    async def obligations(request_id: _Id) -> Response:
        return _json(_known(await views.obligations(request_id)))

    @router.get(
        "/requests/{request_id}/acknowledgements",
        summary="Every answer, as recorded",
        responses=answers(AcknowledgementsDocument, 404, 422),
    )
    async def acknowledgements(request_id: _Id) -> Response:
        found = await views.acknowledgements(request_id)
        content = None if found is None else {"request_id": request_id, "acknowledgements": found}
        return _json(_known(content))

    @router.get(
        "/requests/{request_id}/closure",
        summary="The closure of a request",
        responses=answers(ClosureDocument, 404, 422),
    )
    async def closure(request_id: _Id) -> Response:
        found = await views.closure(request_id)
        if found is None:
            raise Problem(404, "not_closed", "the ledger holds no closure of that request")
        return _json(found)

    @router.post(
        "/progress:read",
        summary="How far up to 1000 requests are",
        responses=answers(ProgressDocument, 400, 422),
    )
    async def progress(query: RequestsQuery) -> Response:
        return _json({"requests": await views.progress(query.request_ids)})

    @router.get(
        "/cohorts/{cohort_id}/missing",
        summary="Who has not confirmed what",
        responses=answers(MissingDocument, 404, 422),
    )
    async def missing(cohort_id: _Id) -> Response:
        return _json(_known(await views.missing(cohort_id), "cohort"))

    @router.get(
        "/changes",
        summary="What has changed since a cursor",
        description="Without a cursor: the present one, and no changes.",
        responses=answers(ChangesDocument, 422),
    )
    async def changes(
        after: str | None = None, limit: Annotated[int, Query(ge=1, le=10_000)] = 1000
    ) -> Response:
        if after is None:
            return _json({"changes": [], "cursor": str(await views.now())})
        start = Cursor.parse(after)
        if time.time() - start.seen_at > changes_for.total_seconds():
            detail = "the feed does not reach back as far; read progress, then begin from now"
            raise RejectedInput("cursor_expired", detail, field="after")
        found, cursor = await views.changes(start, limit)
        return _json({"changes": found, "cursor": str(cursor)})

    _add_links(router, views)
    add_certificates(router, certificates, views)
    app.include_router(router)
    app.include_router(tlog_routes(transparency))
    return app


def _add_links(router: APIRouter, views: Views) -> None:
    @router.post(
        "/links:read",
        summary="How many answers with links intake was told of",
        description="Of up to 1000 requests. What the links say is sealed, and not told here.",
        responses=answers(LinksToldDocument, 400, 422),
    )
    async def links_told(query: RequestsQuery) -> Response:
        return _json({"requests": await views.links_told(query.request_ids)})


def _known(document: Document | None, kind: str = "request") -> Document:
    if document is None:
        raise Problem(404, f"unknown_{kind}", f"the ledger does not know that {kind}")
    return document


def _json(document: Document) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")
