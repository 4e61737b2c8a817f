"""The console in the browser: pages that say how the loop stands, and change nothing."""

from __future__ import annotations

from fastapi import APIRouter

from dsr_intake.http.console import events, matrix, organisations, overview, requests, signing
from dsr_intake.http.console.frame import Frame
from dsr_intake.http.context import Context

__all__ = ["router"]


def router(context: Context) -> APIRouter:
    """Return the routes, which are described nowhere; none where there is no console."""
    routes = APIRouter(prefix="/console", include_in_schema=False)
    if context.console is None:
        return routes
    frame = Frame(context, context.console)
    for group in (signing, overview, requests, matrix, organisations, events):
        group.add(routes, frame)
    return routes
