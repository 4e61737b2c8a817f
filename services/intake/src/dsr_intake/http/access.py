"""The body of a call: read here, and never beyond its limit."""

from __future__ import annotations

from fastapi import Request

from dsr_runtime.http.problems import Problem

__all__ = [
    "PASSED_OVER",
    "SINGLE_LIMIT",
    "media_type",
    "read_body",
    "require_json",
]

SINGLE_LIMIT = 1_048_576
"""Bytes of a body that is not a batch."""

PASSED_OVER = 16 * SINGLE_LIMIT
"""Bytes that are read and forgotten: who is cut off while sending may never see our answer."""


def media_type(request: Request) -> str:
    """Return the media type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request) -> None:
    """Return when the body is declared to be JSON.

    Raises:
        Problem: It is not.
    """
    if media_type(request) != "application/json":
        raise Problem(415, "unsupported_media_type", "send application/json")


async def read_body(request: Request, limit: int = SINGLE_LIMIT) -> bytes:
    """Return the whole body.

    Raises:
        Problem: It is longer than the limit, whether it says so beforehand or not.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
        elif size > PASSED_OVER:
            raise _too_large(limit, headers={"Connection": "close"})
    if size > limit:
        raise _too_large(limit)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int, headers: dict[str, str] | None = None) -> Problem:
    detail = f"a body has {limit} bytes at most"
    return Problem(413, "content_too_large", detail, headers=headers)
