"""The hot path: one route that is served without the router.

Routing and dependency solving cost as much CPU as accepting a request does. The route is declared
with all the others, so that the documentation has it; this only takes the way around.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from dsr_runtime.http.problems import KNOWN, from_error, problem_response
from dsr_runtime.http.traced import ROUTE

__all__ = ["Direct"]


class Direct:
    """Middleware that serves one method of one path itself, faults included."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        method: str,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._method = method
        self._path = path
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the call, or pass it on."""
        if (
            scope["type"] != "http"
            or scope["path"] != self._path
            or scope["method"] != self._method
        ):
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = self._path
        try:
            response = await self._endpoint(Request(scope, receive))
        except KNOWN as error:
            response = problem_response(from_error(error))
        except ClientDisconnect:
            return  # nobody is there to be answered
        await response(scope, receive, send)
