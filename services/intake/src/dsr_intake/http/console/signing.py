"""Signing in and out, and the files that pages are dressed with: what is served without a session."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_intake.http.access import read_body
from dsr_intake.http.console.frame import COOKIE, HEADERS, HOME, Frame
from dsr_intake.http.console.looks import STATIC, Static
from dsr_runtime.http.problems import Problem

__all__ = ["add"]

_LIMIT = 16_384
_OWN = {"same-origin", "none"}
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


def add(routes: APIRouter, frame: Frame) -> None:
    """Add what is served to who is not signed in."""

    @routes.get("/sign-in")
    async def ask(request: Request) -> Response:
        return _asked(frame, _to(request.query_params.get("to", "")))

    @routes.post("/sign-in")
    async def sign_in(request: Request) -> Response:
        try:
            return await _signed_in(frame, request)
        except Problem as problem:
            return frame.refused(request, problem)

    @routes.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        if not _is_own(request):
            return frame.refused(request, _FOREIGN)
        answer = RedirectResponse(f"{HOME}/sign-in", status_code=303, headers=HEADERS)
        answer.delete_cookie(COOKIE, path=HOME)
        return answer

    @routes.get("/static/{name}")
    async def dressed(name: str) -> Response:
        one: Static | None = STATIC.get(name)
        if one is None:
            raise Problem(404, "not_found", "there is no file of that name")
        headers = {**HEADERS, **_KEPT}
        return Response(one.content, media_type=one.media, headers=headers)


async def _signed_in(frame: Frame, request: Request) -> Response:
    if not _is_own(request):
        raise _FOREIGN
    form = parse_qs((await read_body(request, _LIMIT)).decode("utf-8", "replace"))
    given, to = form.get("key", [""])[0].strip(), _to(form.get("to", [""])[0])
    try:
        cookie, lasts = await frame.sessions.begin(given)
    except RejectedInput as fault:
        return _asked(frame, to, fault.detail, status=401)
    except RuleViolation as fault:
        return _asked(frame, to, fault.detail, status=403)
    except Unavailable as fault:
        return _asked(frame, to, str(fault), status=503)
    answer = RedirectResponse(to, status_code=303, headers=HEADERS)
    frame.set_cookie(request, answer, cookie, lasts)
    return answer


_FOREIGN = Problem(403, "foreign_form", "this form was sent by a page of another site")


def _asked(frame: Frame, to: str, fault: str = "", status: int = 200) -> Response:
    return frame.page("sign-in", "Sign in", status=status, to=to, fault=fault)


def _is_own(request: Request) -> bool:
    """Tell whether a form was sent by our own page, as the browser says; programs say nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _to(given: str) -> str:
    """Return where to go once signed in: a page of ours, and never another place."""
    parts = urlsplit(given)
    is_ours = not (parts.scheme or parts.netloc) and not any(one in given for one in ("\\", ".."))
    inside = parts.path == HOME or parts.path.startswith(f"{HOME}/")
    return given if is_ours and inside and given.isprintable() else HOME
