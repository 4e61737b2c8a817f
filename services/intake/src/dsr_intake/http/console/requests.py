"""Requests: those that somebody sees, and one of them in full."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from dsr_core.cohorts import workflow_id
from dsr_core.errors import Unavailable
from dsr_core.ids import is_uuid
from dsr_core.lifecycle import State
from dsr_core.rights import Right
from dsr_intake.application.clock import utc_now
from dsr_intake.application.console.cells import owners, progress_of, standings
from dsr_intake.application.console.phases import phases_of
from dsr_intake.application.explaining import Explanation
from dsr_intake.http.console.filters import found, next_address
from dsr_intake.http.console.frame import HEADERS, HOME, Frame, Visit
from dsr_intake.http.console.pictures import answers_picture, dates_picture
from dsr_intake.model import RequestView
from dsr_intake.ports import CertificatePending
from dsr_runtime.http.problems import Problem

__all__ = ["add"]

_SHOWN = 50
_ENDED = (State.CLOSED, State.ANSWERED)


def add(routes: APIRouter, frame: Frame) -> None:
    """Add the pages."""

    async def several(visit: Visit) -> Response:
        given = visit.asked("id").lower()
        if is_uuid(given):
            return RedirectResponse(f"{HOME}/requests/{given}", status_code=303, headers=HEADERS)
        page = await found(visit, limit=_SHOWN)
        return visit.page(
            "requests",
            "Requests",
            page=page,
            next_address=next_address(visit, page),
            states=[one for one in State if one is not State.RECEIVED],
            rights=list(Right),
            is_no_id=bool(given),
        )

    frame.add(routes, "/requests", several)
    frame.add(routes, "/requests/{request_id}", lambda visit: _one(frame, visit))
    frame.add(routes, "/requests/{request_id}/certificate", lambda visit: _proof(frame, visit))


async def _one(frame: Frame, visit: Visit) -> Response:
    one = await _own(frame, visit)
    context = frame.context
    rules = await context.registry.rules(one.rules_digest)
    dates = context.dating.timeline(context.dating.regime(rules, one), one)
    why, faults = await _why(frame, one)
    document = await _owed(frame, one, faults)
    progress = progress_of(document) if document else None
    links = await context.links.steps(one.answered_with)
    undecided = await context.links.undecided(visit.who.sight, request_id=one.answered_with)
    now = utc_now()
    return visit.page(
        "request",
        f"Request {one.request_id}",
        one=one,
        dates=dates,
        picture=dates_picture(
            context.dating.facts(one), dates, now=now, is_ended=one.state in _ENDED
        ),
        answers=answers_picture(document, progress, now=now) if document and progress else None,
        why=why,
        owed=document,
        phases=phases_of(document) if document else [],
        links=links,
        waits_for_people=bool(undecided),
        progress=progress,
        standings=standings(progress) if progress else {},
        owners=owners(context.registry.current),
        faults=faults,
        is_ended=one.state in _ENDED,
        workflow=_workflow(frame, one),
    )


async def _why(frame: Frame, one: RequestView) -> tuple[Explanation | None, list[str]]:
    try:
        return await frame.context.explaining.explain(one), []
    except Unavailable as fault:
        return None, [str(fault)]


async def _owed(frame: Frame, one: RequestView, faults: list[str]) -> dict[str, Any] | None:
    try:
        return await frame.context.ledger.obligations(one.answered_with)
    except Unavailable as fault:
        if str(fault) not in faults:
            faults.append(str(fault))
        return None


def _workflow(frame: Frame, one: RequestView) -> tuple[str, str]:
    """Return the id of a request's workflow, and where Temporal shows it; empty where nobody said."""
    named = workflow_id(one.cohort_id)
    url = frame.door.temporal_url
    if url is None:
        return named, ""
    space = quote(frame.door.temporal_namespace)
    return named, f"{url.rstrip('/')}/namespaces/{space}/workflows/{quote(named)}"


async def _proof(frame: Frame, visit: Visit) -> Response:
    one = await _own(frame, visit)
    try:
        certificate = await frame.context.ledger.certificate(one.answered_with)
    except CertificatePending as pending:
        raise Problem(409, pending.reason, pending.detail) from None
    if certificate is None:
        raise Problem(404, "no_certificate", "no system has signed anything of this request")
    name = f'attachment; filename="certificate-{one.request_id}.json"'
    headers = {**HEADERS, "Content-Disposition": name}
    return Response(certificate, media_type="application/json", headers=headers)


async def _own(frame: Frame, visit: Visit) -> RequestView:
    request_id = visit.request.path_params["request_id"]
    one = None
    if is_uuid(request_id):
        one = await frame.context.reads.get(visit.who.sight, request_id)
    if one is None:
        raise Problem(404, "not_found", "there is no request of that id, or you do not see it")
    return one
