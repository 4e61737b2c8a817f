"""The frame of every page: who looks, what goes around, and what goes with it.

Faults are pages too. No page is kept on the way, runs a script that is not ours, or calls another host.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dsr_core.errors import RejectedInput
from dsr_intake.application.clock import utc_now
from dsr_intake.application.console.looking import Looking
from dsr_intake.application.console.sessions import Sessions
from dsr_intake.http.console.looks import STATIC, environment
from dsr_intake.http.context import ConsoleDoor, Context
from dsr_intake.http.downloads import PRIVATE
from dsr_intake.model.principals import Principal
from dsr_runtime.http.problems import KNOWN, Problem, from_error

__all__ = ["COOKIE", "HOME", "Frame", "Visit"]

COOKIE = "dsr_console"
HOME = "/console"
_SIGN_IN = f"{HOME}/sign-in"

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = PRIVATE | {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at one page."""

    request: Request
    who: Principal
    frame: Frame = field(repr=False)

    @property
    def looking(self) -> Looking:
        """What there is to see."""
        return self.frame.door.looking

    def asked(self, name: str) -> str:
        """Return what the address asks for by a name; empty where it does not."""
        return self.request.query_params.get(name, "").strip()[:100]

    def choice(self, name: str, of: type[_Choice]) -> _Choice | None:
        """Return which of some words the address asks for, or none.

        Raises:
            RejectedInput: It is none of them.
        """
        given = self.asked(name)
        if not given:
            return None
        try:
            return of(given)
        except ValueError:
            said = f"{name} is one of {', '.join(of)}"
            raise RejectedInput("invalid_request", said, field=name) from None

    def place(self, **changes: str | None) -> str:
        """Return the address of this page with some of what it asks for changed."""
        asked: dict[str, str | None] = {**self.request.query_params, **changes}
        query = urlencode({name: text for name, text in asked.items() if text})
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def page(self, name: str, title: str, /, **said: Any) -> Response:
        """Return a page."""
        return self.frame.page(name, title, visit=self, **said)


class Frame:
    """Lets somebody in, and puts what they see into a page."""

    def __init__(self, context: Context, door: ConsoleDoor) -> None:
        self.context = context
        self.door = door
        self._environment = environment()

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        return self.door.sessions

    def add(
        self, routes: APIRouter, path: str, build: Callable[[Visit], Awaitable[Response]]
    ) -> None:
        """Serve a page, or whatever else a visit gets, at a path."""

        async def serve(request: Request) -> Response:
            try:
                return await build(await self.enter(request))
            except KNOWN as error:
                return self.refused(request, from_error(error))

        routes.add_api_route(path, serve, methods=["GET"])

    async def enter(self, request: Request) -> Visit:
        """Let somebody in who is signed in.

        Raises:
            Problem: Nobody is (401), or they look too often (429).
            Unavailable: Who it is cannot be found out now.
        """
        cookie = request.cookies.get(COOKIE, "")
        who = await self.sessions.whose(cookie) if cookie else None
        if who is None:
            raise Problem(401, "unauthorised", "sign in with a key or a token")
        self.context.doors.admit(request, who)
        return Visit(request, who, self)

    def page(
        self,
        name: str,
        title: str,
        /,
        *,
        visit: Visit | None = None,
        status: int = 200,
        **said: Any,
    ) -> Response:
        """Return a page, made of its template."""
        around: Mapping[str, Any] = {
            "title": title,
            "visit": visit,
            "now": utc_now(),
            "static": STATIC,
            "has_packages": self.context.packages is not None,
        }
        text = self._environment.get_template(f"{name}.html.j2").render({**around, **said})
        return Response(text, status_code=status, media_type="text/html", headers=HEADERS)

    def refused(self, request: Request, problem: Problem) -> Response:
        """Return the page that states a problem; who is not signed in is asked to do so."""
        if problem.status == 401:
            return self._unknown(request)
        headers = problem.headers or {}
        answer = self.page(
            "refused", problem.detail, status=problem.status, problem=problem, path=HOME
        )
        answer.headers.update(headers)
        return answer

    def _unknown(self, request: Request) -> Response:
        came_from = request.headers.get("sec-fetch-site", "")
        if came_from in {"cross-site", "same-site"}:
            # A link from elsewhere brings no cookie that is strict; from our own page it comes again.
            return self.page("again", "One moment", path=_local(request))
        to = quote(_local(request), safe="/")
        return RedirectResponse(f"{_SIGN_IN}?to={to}", status_code=303, headers=HEADERS)

    def set_cookie(self, request: Request, answer: Response, cookie: str, lasts: timedelta) -> None:
        """Give a session to a browser; it is told by TLS alone, but on this machine itself."""
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=int(lasts.total_seconds()),
            path=HOME,
            secure=not _is_loopback(request),
            httponly=True,
            samesite="strict",
        )


def _local(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _is_loopback(request: Request) -> bool:
    host = request.url.hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")
