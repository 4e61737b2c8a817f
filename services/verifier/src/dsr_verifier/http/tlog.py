"""The transparency log as C2SP tlog-tiles serves it, to anyone: there is nothing to hide in it."""

from __future__ import annotations

import gzip
import re

from fastapi import APIRouter, Request, Response

from dsr_runtime.http.problems import Problem
from dsr_verifier.log_ports import LogReader
from dsr_wire.log.tiles import InvalidTile, Tile

__all__ = ["tlog_routes"]

_FOR_EVER = "public, max-age=31536000, immutable"
_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:\s*(?:,|$)))")


def tlog_routes(log: LogReader) -> APIRouter:
    """Return the routes under `/tlog`. They are C2SP's to describe, so the schema leaves them out."""
    router = APIRouter(prefix="/tlog", include_in_schema=False)

    @router.get(
        "/checkpoint", summary="The newest checkpoint, with the cosignatures that have come"
    )
    async def checkpoint() -> Response:
        note = await log.served()
        if note is None:
            raise Problem(404, "no_checkpoint", "the log has signed no checkpoint yet")
        return Response(
            note.encode(),
            headers={"Cache-Control": "no-cache"},
            media_type="text/plain; charset=utf-8",
        )

    @router.get("/tile/{path:path}", summary="A tile of hashes, or a bundle of entries")
    async def tile(path: str, request: Request) -> Response:
        try:
            asked = Tile.parse(path)
        except InvalidTile as error:
            raise Problem(404, "no_tile", "no tile has such a path") from error
        data = await log.tile(asked) if asked.index < 1 << 48 else None
        if data is None:
            raise Problem(404, "no_tile", "the log has no such tile yet")
        headers = {"Cache-Control": _FOR_EVER}
        if asked.is_entries:
            headers["Vary"] = "Accept-Encoding"
            if _GZIP.search(request.headers.get("accept-encoding", "")):
                headers["Content-Encoding"] = "gzip"
                data = gzip.compress(data, 6, mtime=0)
        return Response(data, headers=headers, media_type="application/octet-stream")

    return router
