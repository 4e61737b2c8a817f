"""Packages for people: a link, a code, and the download. No script; nothing that is kept on the way."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Request, Response

from dsr_core.errors import RejectedInput
from dsr_intake.application.letters.writing import language_of
from dsr_intake.application.packages.age_file import checked_age_key
from dsr_intake.http.access import read_body
from dsr_intake.http.context import Context, PackageDoor
from dsr_intake.http.downloads import PRIVATE, download
from dsr_intake.model.packages import PackageLink
from dsr_runtime.http.problems import Problem

__all__ = ["router"]

_COOKIE = "dsr_package"
_Token = Annotated[str, Path(max_length=100)]

_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;"
    "margin:2rem auto;padding:0 1rem}button,input{font:inherit;padding:.5rem .8rem;margin:.3rem 0}code{overflow-wrap:anywhere}"
)
_KEY_FIELD = (
    "<details><summary>{key}</summary><label>{key_label} <input name=age_key maxlength=100 "
    "placeholder='age1…' autocomplete=off spellcheck=false></label></details>"
)
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


def router(context: Context) -> APIRouter:
    """Return the routes; they are described nowhere, since the link is all that people need."""
    routes = APIRouter(prefix="/p", include_in_schema=False)
    _add_showing(routes, context)
    _add_opening(routes, context)
    _add_fetching(routes, context)
    return routes


def _add_showing(routes: APIRouter, context: Context) -> None:
    @routes.get("/{token}")
    async def show(request: Request, token: _Token) -> Response:
        # Programs look at links in mails: nothing is sent, and nothing is used up, by looking.
        links, session = _door(context).links, request.cookies.get(_COOKIE, "")
        try:
            link = await links.found(token)
        except RejectedInput:
            return _refused(context)
        if session and await links.is_entered(link, session):
            return await _page(context, link, token, "fetch")
        return await _page(context, link, token, "ask", "enter")


def _add_opening(routes: APIRouter, context: Context) -> None:
    @routes.post("/{token}/code")
    async def code(token: _Token) -> Response:
        links = _door(context).links
        try:
            link = await links.found(token)
            await links.send_code(token)
        except RejectedInput:
            return _refused(context)
        context.sending.wake()
        return await _page(context, link, token, "sent", "enter")

    @routes.post("/{token}/open")
    async def open_(request: Request, token: _Token) -> Response:
        links = _door(context).links
        form = parse_qs((await read_body(request)).decode("utf-8", "replace"), max_num_fields=5)
        try:
            link = await links.found(token)
        except RejectedInput:
            return _refused(context)
        try:
            given = form.get("age_key", [""])[0].strip()
            age_key = checked_age_key(given) if given else None
        except RejectedInput:
            return await _page(context, link, token, "wrong_key", "enter", status=422)
        try:
            secret = await links.open(token, form.get("code", [""])[0], age_key=age_key)
        except RejectedInput:
            context.metrics.downloads.labels("refused").inc()
            return await _page(context, link, token, "wrong", "ask", "enter", status=403)
        answer = await _page(context, replace(link, age_key=age_key), token, "fetch")
        answer.set_cookie(
            _COOKIE,
            secret,
            path=f"/p/{token}",
            secure=links.is_secure,
            httponly=True,
            samesite="strict",
        )
        return answer


def _add_fetching(routes: APIRouter, context: Context) -> None:
    @routes.get("/{token}/package.zip")
    async def fetch(request: Request, token: _Token) -> Response:
        door = _door(context)
        try:
            link = await door.links.found(token)
        except RejectedInput:
            return _refused(context)
        if not await door.links.lets_in(link, request.cookies.get(_COOKIE, "")):
            context.metrics.downloads.labels("refused").inc()
            return await _page(context, link, token, "ask", "enter", status=403)
        one = await context.reads.any(link.request_id)
        age_key = (one.age_key if one else None) or link.age_key
        content = await door.fetching.content(link.package_id, link.package_number, age_key=age_key)

        async def fetched(part: str) -> None:
            await door.links.fetched(link, part)

        return await download(request, content, context.metrics, fetched)


async def _page(
    context: Context, link: PackageLink, token: str, *steps: str, status: int = 200
) -> Response:
    one = await context.reads.any(link.request_id)
    language = language_of(one.language if one else None)
    words = _door(context).words
    said = {name: escape(text) for name, text in words.of(language)["fetching"].items()}
    own = f"/p/{escape(token)}"
    age_key = (one.age_key if one else None) or link.age_key
    asks_key = "" if one and one.age_key else _KEY_FIELD.format(**said)
    locked = f"<p>{said['locked']} <code>{escape(age_key)}</code></p>" if age_key else ""
    shown = {
        "ask": f"<p>{said['ask']}</p><form method=post action='{own}/code'>"
        f"<button>{said['send']}</button></form>",
        "sent": f"<p>{said['sent']}</p>",
        "enter": f"<form method=post action='{own}/open'><label>{said['code']} <input name=code "
        f"autocomplete=one-time-code required maxlength=20></label> {asks_key}"
        f"<button>{said['open']}</button></form>",
        "wrong": f"<p role=alert><strong>{said['wrong']}</strong></p>",
        "wrong_key": f"<p role=alert><strong>{said['wrong_key']}</strong></p>",
        "fetch": f"<p><a href='{own}/package.zip'>{said['fetch']}</a></p>{locked}"
        f"<p>{said['keep']}</p>",
    }
    until = escape(words.day(language, link.expires_at.date()))
    head = f"<h1>{said['title']}</h1><p>{said['until']} {until}</p>"
    return _html(language, said["title"], head + "".join(shown[one] for one in steps), status)


def _door(context: Context) -> PackageDoor:
    if context.packages is None:
        raise Problem(404, "not_found", "packages are not handed over here")
    return context.packages


def _refused(context: Context) -> Response:
    context.metrics.downloads.labels("refused").inc()
    return _html("en", "404", "<h1>404</h1><p>This link does not work, or not any more.</p>", 404)


def _html(language: str, title: str, content: str, status: int = 200) -> Response:
    document = (
        f"<!DOCTYPE html><html lang={language}><head><meta charset=utf-8><meta name=viewport "
        f"content='width=device-width,initial-scale=1'><title>{title}</title>"
        f"<style>{_STYLE}</style></head><body>{content}</body></html>"
    )
    headers = PRIVATE | {"Content-Security-Policy": _POLICY}
    return Response(document, status_code=status, media_type="text/html", headers=headers)
