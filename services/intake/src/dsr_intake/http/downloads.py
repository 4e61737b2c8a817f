"""The answer that hands a package over: whole or a range of it, never kept on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import chain

import structlog
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from dsr_core.errors import RejectedInput, Unavailable
from dsr_intake.application.packages.fetching import Content, Part, part_of
from dsr_intake.metrics import Metrics
from dsr_intake.ports import PartMissing
from dsr_runtime.http.problems import Problem

__all__ = ["PRIVATE", "BrokenOff", "download"]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
"""What goes with everything about a package."""


class BrokenOff(Exception):  # noqa: N818 - named for what has happened
    """An answer that had begun does not go on: its caller sees that there is less of it than was said."""


async def download(
    request: Request,
    content: Content,
    metrics: Metrics,
    fetched: Callable[[str], Awaitable[None]],
) -> Response:
    """Return a package, or the range that is asked for, in constant memory.

    `fetched` enters it in the audit log before the first byte leaves.
    """
    size = content.size
    unchanged = request.headers.get("if-range", content.tag) == content.tag
    try:
        asked = part_of(request.headers.get("range"), size) if unchanged else None
    except RejectedInput as fault:
        headers = PRIVATE | {"Content-Range": f"bytes */{size}"}
        raise Problem(416, "range_refused", fault.detail, headers=headers) from None
    part = asked or Part(0, size)
    is_locked = content.age_file is not None
    rest = await _begun(content, content.read(part), metrics)
    under = ", under the requester's key" if is_locked else ""
    await fetched(f"bytes {part.start}-{part.end - 1} of {size}{under}")
    metrics.downloads.labels("locked" if is_locked else "range" if asked else "whole").inc()
    name = "package.zip.age" if is_locked else "package.zip"
    headers = PRIVATE | {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(part.end - part.start),
        "ETag": content.tag,
    }
    if asked:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return StreamingResponse(
        rest,
        status_code=206 if asked else 200,
        media_type="application/octet-stream" if is_locked else "application/zip",
        headers=headers,
    )


async def _begun(content: Content, pieces: Iterator[bytes], metrics: Metrics) -> Iterator[bytes]:
    """Return the pieces once there is a first one: until then a fault can be answered.

    Threads that wait for the store are none of those that identities are sealed in.
    """
    try:
        first = await run_in_threadpool(next, pieces)
    except (RejectedInput, PartMissing) as fault:
        metrics.downloads.labels("failed").inc()
        log.exception("a package cannot be read", request_id=content.package.request_id)
        raise Problem(500, "package_damaged", "the package cannot be read") from fault
    return chain([first], _to_the_end(content, pieces, metrics))


def _to_the_end(content: Content, pieces: Iterator[bytes], metrics: Metrics) -> Iterator[bytes]:
    """Yield the pieces; where one cannot be read, the connection is broken off, as the log says."""
    try:
        yield from pieces
    except (RejectedInput, PartMissing, Unavailable) as fault:
        metrics.downloads.labels("failed").inc()
        error = str(fault) or type(fault).__name__
        log.warning("a download is broken off", request_id=content.package.request_id, error=error)
        raise BrokenOff("a download could not be gone on with") from fault
