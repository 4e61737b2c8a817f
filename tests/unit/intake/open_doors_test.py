"""The routes that declare no scope are these, each with what lets in; whatever else is added declares one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast
from unittest.mock import MagicMock

from fastapi.routing import iter_route_contexts
from prometheus_client import CollectorRegistry

from dsr_intake.application.limiting import Limiter
from dsr_intake.http.app import create_app
from dsr_intake.http.context import Context
from dsr_intake.http.doors import Doors
from dsr_intake.http.openapi import permissions
from dsr_intake.model.principals import Limits
from dsr_runtime.health import Health

DOCUMENTATION = "says what there is, and nothing of anybody"
PROBE = "says how the process is, and nothing of anybody"
LINK = "the link that was mailed, and then the code"
SIGNING = "is how somebody signs in or out"
SESSION = "a session of somebody who has signed in; it reads alone"

OPEN = {
    "GET /openapi.json": DOCUMENTATION,
    "GET /docs": DOCUMENTATION,
    "GET /docs/oauth2-redirect": DOCUMENTATION,
    "GET /livez": PROBE,
    "GET /servez": PROBE,
    "GET /readyz": PROBE,
    "GET /statusz": PROBE,
    "GET /metrics": PROBE,
    "GET /p/{token}": LINK,
    "POST /p/{token}/code": LINK,
    "POST /p/{token}/open": LINK,
    "GET /p/{token}/package.zip": LINK,
    "GET /console/sign-in": SIGNING,
    "POST /console/sign-in": SIGNING,
    "POST /console/sign-out": SIGNING,
    "GET /console/static/{name}": DOCUMENTATION,
    "GET /console": SESSION,
    "GET /console/dead-letters": SESSION,
    "GET /console/events": SESSION,
    "GET /console/matrix": SESSION,
    "GET /console/organisations": SESSION,
    "GET /console/organisations/{organisation_id}": SESSION,
    "GET /console/requests": SESSION,
    "GET /console/requests/{request_id}": SESSION,
    "GET /console/requests/{request_id}/certificate": SESSION,
}


def test_what_declares_no_scope_is_named_here() -> None:
    doors = Doors(
        clients=MagicMock(), tokens=None, internal_token="", limiter=Limiter(Limits(1, 1))
    )
    context = cast("Context", SimpleNamespace(doors=doors, console=MagicMock()))
    app = create_app(context, health=Health(), metrics=CollectorRegistry())
    found = {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or {"ANY"}) - {"HEAD"}
    }
    declared = {f"{method} {path}" for method, path in permissions(app)}
    assert found - declared == OPEN.keys()
