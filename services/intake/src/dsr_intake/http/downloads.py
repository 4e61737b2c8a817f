"""The answer that hands a package over: whole or a range of it, never kept on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain

import structlog
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from dsr_core.errors import RejectedInput
from dsr_intake.application.packages.fetching import Content, Part, part_of
from dsr_intake.metrics import Metrics
from dsr_runtime.http.problems import Problem

__all__ = ["PRIVATE", "download"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""What goes with everything about a package."""


async def download(
    request: Request,
    content: Content,
    metrics: Metrics,
    fetched: Callable[[str], Awaitable[None]],
) -> Response:
    """Return a package, or the range that is asked for, in constant memory.

    `fetched` enters it in the audit log before the first byte leaves.
    """
    size = content.package.size
    unchanged = request.headers.get("if-range", content.tag) == content.tag
    try:
        asked = part_of(request.headers.get("range"), size) if unchanged else None
    except RejectedInput as fault:
        headers = PRIVATE | {"Content-Range": f"bytes */{size}"}
        raise Problem(416, "range_refused", fault.detail, headers=headers) from None
    part = asked or Part(0, size)
    pieces = content.read(part)
    try:
        first = await asyncio.to_thread(next, pieces)
    except RejectedInput as fault:
        metrics.downloads.labels("failed").inc()
        log.exception("a package cannot be read", request_id=content.package.request_id)
        raise Problem(500, "package_damaged", "the package cannot be read") from fault
    await fetched(f"bytes {part.start}-{part.end - 1} of {size}")
    metrics.downloads.labels("range" if asked else "whole").inc()
    headers = PRIVATE | {
        "Accept-Ranges": "bytes",
        "Content-Disposition": 'attachment; filename="package.zip"',
        "Content-Length": str(part.end - part.start),
        "ETag": content.tag,
    }
    if asked:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    rest: Iterator[bytes] = chain([first], pieces)
    return StreamingResponse(
        rest, status_code=206 if asked else 200, media_type="application/zip", headers=headers
    )
