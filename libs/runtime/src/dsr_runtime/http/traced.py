"""The span of a call. Its name is the template of the path, since a path itself may hold a secret."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dsr_core import tracing

__all__ = ["ROUTE", "answer"]

ROUTE = "dsr.route"
"""Where in the scope a path's template stands for what goes around the router."""

_BEGINS = frozenset({"DELETE", "PATCH", "POST", "PUT"})
"""What changes something begins a trace; what reads goes on with the caller's, if it has one."""


async def answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Have an application answer, in a span where the call is part of a trace."""
    given = Headers(scope=scope).get("traceparent") if scope["type"] == "http" else None
    parent = given if given is not None and tracing.is_traceparent(given) else None
    if scope["type"] != "http" or (parent is None and scope["method"] not in _BEGINS):
        await app(scope, receive, send)
        return
    method = scope["method"] if scope["method"] in {*_BEGINS, "GET", "HEAD"} else "OTHER"
    with tracing.root(method, parent=parent, kind=tracing.Kind.SERVER) as begun:
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, sending)
        finally:
            route = scope.get(ROUTE) or getattr(scope.get("route"), "path", None)
            if begun is not None:
                begun.tell({"method": method, "status": status})
                if isinstance(route, str):
                    begun.rename(f"{method} {route}")
                    begun.tell({"route": route})
