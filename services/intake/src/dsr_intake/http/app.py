"""The application that intake serves."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry
from starlette.routing import Match

from dsr_core.rights import Right
from dsr_intake.http import (
    appeals,
    audit,
    authority,
    batch,
    breaker,
    breaker_refusals,
    certificates,
    clients,
    codes,
    console,
    decisions,
    events,
    explanations,
    follow_ups,
    handing,
    holds,
    internal,
    keys,
    letters,
    links,
    packages,
    requests,
    settlements,
    suppressions,
    webhooks,
)
from dsr_intake.http.context import Context
from dsr_intake.http.direct import Direct, DirectRoute
from dsr_intake.http.doors import Leases
from dsr_intake.http.openapi import describe
from dsr_intake.http.views import BASE
from dsr_runtime.health import Health
from dsr_runtime.http.app import new_app
from dsr_runtime.http.problems import Problem, problem_response

__all__ = ["create_app"]

_DESCRIPTION = (
    "Takes data subjects' requests, has every system of the group asked, and tells how far they "
    f"are. Rights: {', '.join(sorted(Right))}. "
    "Faults are problem documents (RFC 9457)."
)
_TAGS = (
    {"name": "subject requests", "description": "Submit and read requests."},
    {"name": "events", "description": "Follow requests live."},
    {"name": "webhooks", "description": "Be told how requests go on."},
    {"name": "suppressions", "description": "Whom to leave alone."},
    {"name": "decisions", "description": "What operators and privacy officers decide."},
    {"name": "clients", "description": "Who may come in, and what they may do."},
    {"name": "keys", "description": "The keys that wrap requests' keys."},
    {"name": "audit", "description": "What people changed."},
    {"name": "internal", "description": "For the group's own services. Needs their token."},
)


def create_app(context: Context, *, health: Health, metrics: CollectorRegistry) -> FastAPI:
    """Return the application; the result of a function, so that tests make their own."""
    app = new_app(title="DSR intake", description=_DESCRIPTION, health=health, metrics=metrics)
    for group in (
        requests,
        explanations,
        follow_ups,
        certificates,
        letters,
        links,
        handing,
        packages,
        codes,
        authority,
        decisions,
        holds,
        settlements,
        appeals,
        breaker,
        breaker_refusals,
        batch,
        events,
        webhooks,
        suppressions,
        clients,
        audit,
        internal,
        keys,
        console,
    ):
        app.include_router(group.router(context))
    groups = (
        explanations,
        follow_ups,
        certificates,
        letters,
        links,
        handing,
        codes,
        authority,
        decisions,
        holds,
        settlements,
        appeals,
        breaker,
        breaker_refusals,
        webhooks,
        suppressions,
        keys,
        clients,
        audit,
    )
    describe(app, tags=_TAGS, documents=[one for group in groups for one in group.DOCUMENTS])
    submitting = DirectRoute("POST", BASE, requests.submission(context))
    app.add_middleware(Direct, routes=[submitting, *internal.hot(context)])
    app.add_middleware(Leases)  # the last that is added is the outermost
    app.add_exception_handler(405, _method_not_allowed)
    return app


def _method_not_allowed(request: Request, _error: Exception) -> Response:
    # Starlette names the methods of the first route of a path; this names all of them.
    allowed = {
        method
        for method in ("DELETE", "GET", "POST", "PUT")
        for route in request.app.router.routes
        if route.matches({**request.scope, "method": method})[0] is Match.FULL
    }
    detail = f"this path takes {' and '.join(sorted(allowed))}"
    headers = {"Allow": ", ".join(sorted(allowed))}
    return problem_response(Problem(405, "method_not_allowed", detail, headers=headers))
