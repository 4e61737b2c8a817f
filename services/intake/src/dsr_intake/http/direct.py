"""The hot paths: the routes that each request takes, served without the router.

Routing and dependency solving cost as much CPU as accepting a request does, or telling how a cohort
stands. These routes are declared with all the others, so that the documentation has them and whoever
writes an id that is none is told so; this only takes the way around.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from dsr_intake.http.openapi import ID_PATTERN
from dsr_runtime.http.problems import KNOWN, from_error, problem_response
from dsr_runtime.http.traced import ROUTE

__all__ = ["Direct", "DirectRoute"]

_PLACE = re.compile(r"\\{\w+\\}")


@dataclass(frozen=True, slots=True)
class DirectRoute:
    """One method of one path; a name in braces stands for an id, and those are the endpoint's."""

    method: str
    path: str
    endpoint: Callable[..., Awaitable[Response]]
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        identity = f"({ID_PATTERN[1:-1]})"
        pattern = _PLACE.sub(lambda _: identity, re.escape(self.path))
        object.__setattr__(self, "pattern", re.compile(pattern))


class Direct:
    """Middleware that serves some routes itself, faults included."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[DirectRoute]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the call, or pass it on."""
        if scope["type"] == "http":
            for route in self._routes:
                if scope["method"] == route.method and (
                    found := route.pattern.fullmatch(scope["path"])
                ):
                    await _served(route, found.groups(), scope, receive, send)
                    return
        await self._app(scope, receive, send)


async def _served(
    route: DirectRoute, ids: Sequence[str], scope: Scope, receive: Receive, send: Send
) -> None:
    scope[ROUTE] = route.path
    try:
        response = await route.endpoint(Request(scope, receive), *ids)
    except KNOWN as error:
        response = problem_response(from_error(error))
    except ClientDisconnect:
        return  # nobody is there to be answered
    await response(scope, receive, send)
