"""Key-encryption keys: how they stand, and wrapping anew. For privacy officers; no key is ever shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from dsr_intake.http.context import Context
from dsr_intake.http.decisions import DecisionBody, Reason, ReasonParameter, read, takes
from dsr_intake.http.openapi import answer, problems
from dsr_intake.http.views import json_response
from dsr_intake.model.principals import Scope

__all__ = ["DOCUMENTS", "router"]

_LIMIT = 5_000

_KekId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="The key's name.")]


class RenewBody(DecisionBody):
    """Why another key is to wrap."""

    reason: Reason


class RewrapBody(RenewBody):
    """How much to do in one call."""

    limit: int = Field(default=1_000, ge=1, le=_LIMIT, description="Keys at most.")


class KekDocument(BaseModel):
    """One key-encryption key."""

    kek_id: str
    wraps: bool
    is_known: bool
    keys: int
    oldest_at: datetime | None


class LookupKeyDocument(BaseModel):
    """One lookup key, and what can be found under it alone."""

    key_id: str
    makes: bool
    is_known: bool
    open: int
    ended: int
    holds: int
    first_seen_at: datetime


class KeysDocument(BaseModel):
    """Every key-encryption key that is at hand or wraps something, and every lookup key."""

    source: str
    keks: list[KekDocument]
    lookup_keys: list[LookupKeyDocument]


class RenewedDocument(BaseModel):
    """The key that wraps from now on."""

    kek_id: str


class RewrappedDocument(BaseModel):
    """How far wrapping anew is."""

    done: int
    left: int
    unknown: int


DOCUMENTS = (KeysDocument, RenewBody, RenewedDocument, RewrapBody, RewrappedDocument)

_PART = {"limit": 1000, "reason": "a month has passed"}
_RENEWAL = TypeAdapter(RenewBody)
_REWRAP = TypeAdapter(RewrapBody)


def router(context: Context) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/internal/v1/keys", tags=["keys"])

    @routes.get(
        "",
        dependencies=[context.doors.needs(Scope.KEYS_READ)],
        summary="Read how the key-encryption keys stand",
        description="What wraps comes first; `is_known` is false of a key that is not at hand.",
        responses={200: answer("KeysDocument", "The keys")},
    )
    async def status() -> Response:
        keks = await context.keeping.status()
        return json_response(
            {
                "source": context.keeping.source,
                "keks": [
                    {
                        "kek_id": one.kek_id,
                        "wraps": one.wraps,
                        "is_known": one.is_known,
                        "keys": one.keys,
                        "oldest_at": _accepted_at(one.oldest) if one.oldest else None,
                    }
                    for one in keks
                ],
                "lookup_keys": [
                    {**one.counted._asdict(), "makes": one.makes, "is_known": one.is_known}
                    for one in await context.rehashing.status()
                ],
            }
        )

    @routes.post(
        ":renew",
        dependencies=[context.doors.needs(Scope.KEYS_MANAGE)],
        summary="Have a new key wrap from now on",
        description="Those before still unwrap. 409 where people make the keys, in a file.",
        responses={
            200: answer("RenewedDocument", "The new key"),
            **problems(400, 409, 413, 415, 422),
        },
        openapi_extra=takes(RenewBody, {"reason": "a month has passed"}),
    )
    async def renew(request: Request) -> Response:
        asked = await read(request, _RENEWAL)
        await context.audit.announce("keys.renew", [], asked.reason)
        return json_response({"kek_id": await context.keeping.renew()})

    @routes.post(
        ":rewrap",
        dependencies=[context.doors.needs(Scope.KEYS_MANAGE)],
        summary="Wrap requests' keys anew",
        description=(
            "At most `limit` of those that are wrapped under another key than the one that wraps. "
            "Each is as it was or anew, whatever crashes; call again while any are left."
        ),
        responses={
            200: answer("RewrappedDocument", "How far it is"),
            **problems(400, 413, 415, 422),
        },
        openapi_extra=takes(RewrapBody, _PART),
    )
    async def rewrap(request: Request) -> Response:
        asked = await read(request, _REWRAP)
        await context.audit.announce("keys.rewrap", [], asked.reason)
        made = await context.keeping.rewrap(limit=asked.limit)
        return json_response(made._asdict())

    @routes.post(
        ":rehash",
        dependencies=[context.doors.needs(Scope.KEYS_MANAGE)],
        summary="Make keyed hashes anew",
        description=(
            "Of at most `limit` requests that are not answered and whose hashes were made with a "
            "former lookup key. Of whoever is answered nothing is left to make them of."
        ),
        responses={
            200: answer("RewrappedDocument", "How far it is"),
            **problems(400, 413, 415, 422),
        },
        openapi_extra=takes(RewrapBody, _PART),
    )
    async def rehash(request: Request) -> Response:
        asked = await read(request, _REWRAP)
        await context.audit.announce("keys.rehash", [], asked.reason)
        done, left = await context.rehashing.rehash(limit=asked.limit)
        return json_response({"done": done, "left": left, "unknown": 0})

    @routes.delete(
        "/{kek_id}",
        status_code=204,
        dependencies=[context.doors.needs(Scope.KEYS_MANAGE)],
        summary="Destroy a key-encryption key that wraps nothing",
        description=(
            "What old backups and logs of the database hold under it cannot be read any more. 409 "
            "while it wraps, until minutes after, or where people make the keys."
        ),
        responses={204: {"description": "It is destroyed"}, **problems(409, 422)},
    )
    async def destroy(kek_id: _KekId, reason: ReasonParameter) -> Response:
        await context.audit.announce("keys.destroy", [kek_id], reason)
        await context.keeping.destroy(kek_id)
        return Response(status_code=204)

    return routes


def _accepted_at(request_id: str) -> datetime:
    """Return when a request got its id, which begins with the milliseconds since 1970."""
    return datetime.fromtimestamp(int(request_id.replace("-", "")[:12], 16) / 1000, UTC)
