"""Packages for programs and operators: how one stands, its content, a new link, and none any more."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from dsr_intake.http import decisions
from dsr_intake.http.context import Context, PackageDoor
from dsr_intake.http.doors import caller
from dsr_intake.http.downloads import download
from dsr_intake.http.openapi import answer, body, problems
from dsr_intake.http.requests import RequestIdParameter, own_request
from dsr_intake.http.views import BASE, json_response
from dsr_intake.model import RequestView
from dsr_intake.model.hand_overs import HandOverView, parts_of
from dsr_intake.model.packages import PackageLink
from dsr_intake.model.principals import PrincipalKind, Scope
from dsr_runtime.http.problems import Problem

__all__ = ["DOCUMENTS", "router"]

_INTERNAL = "/internal" + BASE


class PackageLinkDocument(BaseModel):
    """A link, which is told to nobody but its requester."""

    number: int
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    opened: int
    """How often a code has opened it."""


class HandOverDocument(BaseModel):
    """How the way of a package to its client's callback stands."""

    number: int
    """Of the package."""

    state: str
    """`waiting` until it is begun, `sending`, or how it has ended: `handed_over`, `given_up`, `expired`,
    `revoked`, `request_ended`, `of_another_client`, `not_allowed` or `no_webhook`."""

    parts: int | None
    """How many there are; none before it is begun."""

    parts_confirmed: int
    size: int | None
    """Of the encrypted file, in bytes; none before it is begun."""

    tries: int
    """How often the next part was not taken."""

    next_try_at: datetime | None
    begun_at: datetime | None
    ended_at: datetime | None


class PackageDocument(BaseModel):
    """How the package of a request stands."""

    request_id: str
    state: str
    """`waiting` until it is made, `ready`, or `expired`."""

    files: int
    size: int
    """In bytes."""

    manifest_sha256: str | None
    made_at: datetime | None
    expires_at: datetime | None
    number: int
    """2 where it supplements a partial one."""

    is_partial: bool
    """Whether it is made while the request is open, of what is there."""

    missing: dict[str, str]
    """Systems whose export could not be used, each with a code that says why."""

    copy_settled_at: datetime | None
    """Since when no erasure of the same person waits for it; none while one may."""

    set_aside_at: datetime | None
    """Since when it is not tried any more; an operator has it tried again."""

    set_aside_why: str | None
    """`faults` where it has failed again and again; `key_gone` where its key is not there any more."""

    not_acceptable: str | None
    """Why it cannot be accepted as it is: `open`, `being_made` or `settled`; none where it can."""

    links: list[PackageLinkDocument]
    hand_overs: list[HandOverDocument]
    """To the callback of its client, where the request asked for that; the newest package first."""


class PackageKeysDocument(BaseModel):
    """The public keys that manifests are signed under."""

    keys: list[dict[str, str]]


class PackageReasonBody(BaseModel):
    """Why somebody decides about a package."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    reason: Annotated[str, Field(min_length=1, max_length=500)]


DOCUMENTS = (PackageDocument, PackageKeysDocument, PackageReasonBody)
"""What is described in the API's documentation."""

_REASON = TypeAdapter(PackageReasonBody)


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()
    _add_reading(routes, context)
    _add_deciding(routes, context)
    return routes


def _add_reading(routes: APIRouter, context: Context) -> None:
    @routes.get(
        BASE + "/{request_id}/package",
        tags=["subject requests"],
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read how the package of an access request stands",
        description="404 `no_package` where none is made of it.",
        responses={200: answer("PackageDocument", "The package"), **problems(404, 422)},
    )
    async def read(request: Request, request_id: RequestIdParameter) -> Response:
        return await _shown(context, await own_request(request, context, request_id))

    @routes.get(
        BASE + "/{request_id}/package/content",
        tags=["subject requests"],
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Fetch the package of an access request whose person the client tells itself",
        description=(
            "A ZIP, whole or a range of it. For clients whose requests have no letters; a person who is "
            "told by letter fetches it by the link in it, and the client gets 409 `told_by_letter`. Of a "
            "request with an `age_key` it is that ZIP in the format of age. Without "
            "`number` it is the newest that is ready; 1 is the partial one that another supplements."
        ),
        responses={
            200: answer(None, "The package", media="application/zip"),
            **problems(404, 409, 416, 422),
        },
    )
    async def content(
        request: Request,
        request_id: RequestIdParameter,
        number: Annotated[int | None, Query(ge=1, le=2)] = None,
    ) -> Response:
        one = await own_request(request, context, request_id)
        who = caller(request)
        if one.letters or who.kind is not PrincipalKind.CLIENT or one.names_strangers:
            raise Problem(409, "told_by_letter", "the person alone fetches this package")
        found = await _door(context).fetching.content(
            one.answered_with, number, age_key=one.age_key
        )

        async def fetched(part: str) -> None:
            await context.audit.enter("package.fetched", [one.request_id], part, by=who)

        return await download(request, found, context.metrics, fetched)

    @routes.get(
        "/v1/package-keys",
        tags=["subject requests"],
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read the public key that manifests of packages are signed under",
        description="Whoever does not want to believe us keeps a copy.",
        responses={200: answer("PackageKeysDocument", "The keys")},
    )
    async def keys() -> Response:
        signer = _door(context).signer
        public = base64.b64encode(signer.public).decode()
        one = {"algorithm": "ed25519", "key_id": signer.key_id, "public_key": public}
        return json_response({"keys": [one]})


def _add_deciding(routes: APIRouter, context: Context) -> None:
    @routes.get(
        _INTERNAL + "/{request_id}/package",
        tags=["decisions"],
        dependencies=[context.doors.needs(Scope.REQUESTS_READ)],
        summary="Read how the package of an access request stands, for operators",
        description="As the public API tells it.",
        responses={200: answer("PackageDocument", "The package"), **problems(404, 422)},
    )
    async def read(request: Request, request_id: RequestIdParameter) -> Response:
        return await _shown(context, await own_request(request, context, request_id))

    for action, done, said in (
        ("link", _link_anew, "Mail a new link to a package; those before do not work any more"),
        (
            "revoke",
            _revoke,
            "Revoke the links to a package, and send it to no callback; another link can be mailed later",
        ),
        (
            "release",
            _release,
            "Make a package of what is there, of an open request; or try one again that is set aside",
        ),
        (
            "accept",
            _accept,
            "Accept what a package lacks: erasures of the same person wait for it no more",
        ),
    ):
        routes.add_api_route(
            _INTERNAL + "/{request_id}/package:" + action,
            _deciding(context, done),
            methods=["POST"],
            tags=["decisions"],
            dependencies=[context.doors.needs(Scope.LETTERS_DECIDE)],
            summary=said,
            description="For a reason, which is entered in the audit log.",
            responses={
                200: answer("PackageDocument", "The package"),
                **problems(400, 404, 409, 413, 415, 422),
            },
            openapi_extra={
                "requestBody": body(
                    {"$ref": "#/components/schemas/PackageReasonBody"},
                    examples={"lost": {"reason": "the letter was lost"}},
                )
            },
        )


_Decide = Callable[[PackageDoor, RequestView, str], Awaitable[object]]


def _deciding(context: Context, done: _Decide) -> Callable[..., Awaitable[Response]]:
    async def decide(request: Request, request_id: RequestIdParameter) -> Response:
        one, asked = await decisions.read_about(request, context, request_id, _REASON)
        await done(_door(context), one, asked.reason)
        context.sending.wake()
        return await _shown(context, one)

    return decide


async def _link_anew(door: PackageDoor, one: RequestView, reason: str) -> None:
    await door.links.issue_anew(one, reason=reason)


async def _revoke(door: PackageDoor, one: RequestView, reason: str) -> None:
    await door.links.revoke(one.request_id, reason=reason)


async def _release(door: PackageDoor, one: RequestView, reason: str) -> None:
    await door.releasing.release(one.answered_with, reason=reason)


async def _accept(door: PackageDoor, one: RequestView, reason: str) -> None:
    await door.copies.accept(one.answered_with, reason=reason)


def _door(context: Context) -> PackageDoor:
    if context.packages is None:
        raise Problem(404, "no_package", "packages are not made here")
    return context.packages


async def _shown(context: Context, one: RequestView) -> Response:
    door = _door(context)
    packages = await door.store.packages(one.answered_with)
    if not packages:
        raise Problem(404, "no_package", "no package is made of this request")
    package = packages[0]
    return json_response(
        {
            "request_id": one.request_id,
            "number": package.number,
            "is_partial": package.is_partial,
            "state": package.state.value,
            "files": package.files,
            "size": package.size,
            "manifest_sha256": package.manifest_digest.hex() or None,
            "made_at": package.made_at,
            "expires_at": package.expires_at,
            "missing": {
                system_id: why for each in packages for system_id, why in each.excluded.items()
            },
            "copy_settled_at": package.copy_settled_at,
            "set_aside_at": package.set_aside_at,
            "set_aside_why": package.set_aside_why,
            "not_acceptable": await door.copies.hindrance(one.answered_with),
            "links": [_link(each) for each in await door.links.of(one.request_id)],
            "hand_overs": [_hand_over(each) for each in await door.hand_overs.of(one.request_id)],
        }
    )


def _hand_over(one: HandOverView) -> dict[str, Any]:
    return {
        "number": one.number,
        "state": one.result or ("waiting" if one.begun_at is None else "sending"),
        "parts": None if one.size is None else parts_of(one.size),
        "parts_confirmed": one.parts_confirmed,
        "size": one.size,
        "tries": one.tries,
        "next_try_at": one.next_try_at,
        "begun_at": one.begun_at,
        "ended_at": one.settled_at,
    }


def _link(one: PackageLink) -> dict[str, Any]:
    return {
        "number": one.number,
        "issued_at": one.issued_at,
        "expires_at": one.expires_at,
        "revoked_at": one.revoked_at,
        "opened": one.sessions,
    }
