"""Problem documents (RFC 9457): the one place where an error becomes an HTTP answer.

No document ever echoes a value that the caller sent.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable

__all__ = [
    "KNOWN",
    "Problem",
    "from_error",
    "install",
    "problem_response",
    "validation_errors",
]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the RFC's word
    """An HTTP answer that is a problem document."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers


KNOWN = (Problem, RejectedInput, RuleViolation, Unavailable, OSError)
"""The errors that `from_error` knows; every other one is a fault of the service."""


def problem_response(problem: Problem) -> Response:
    """Return the answer that states a problem."""
    return Response(
        orjson.dumps(problem_document(problem)),
        status_code=problem.status,
        media_type=_MEDIA_TYPE,
        headers=problem.headers,
    )


def problem_document(problem: Problem) -> dict[str, Any]:
    """Return the document that states a problem."""
    document: dict[str, Any] = {
        "type": f"urn:dsr:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        document["errors"] = list(problem.errors)
    return document


def validation_errors(errors: Sequence[Any]) -> list[dict[str, str]]:
    """Return pydantic's faults as JSON pointers and texts, without the values."""
    return [
        {
            "pointer": "/" + "/".join(_name(part) for part in _within(error["loc"])),
            "in": str(error["loc"][0]) if error["loc"] else "body",
            "detail": _without_value(error),
        }
        for error in errors
    ]


def from_error(error: Exception) -> Problem:
    """Return the problem that one of the known errors is."""
    match error:
        case Problem():
            return error
        case RejectedInput():
            errors = [{"pointer": f"/{error.field}", "detail": error.detail}] if error.field else []
            return Problem(422, error.reason, error.detail, errors=errors)
        case RuleViolation():
            return Problem(409, error.reason, error.detail)
        case Unavailable():
            return Problem(503, "unavailable", str(error), headers={"Retry-After": "2"})
        case _:
            detail = "a part that this service needs is away; try again"
            return Problem(503, "unavailable", detail, headers={"Retry-After": "2"})


def install(app: FastAPI) -> None:
    """Make an application answer every fault with a problem document."""

    def known(_request: Request, error: Exception) -> Response:
        return problem_response(from_error(error))

    def invalid(_request: Request, error: Exception) -> Response:
        errors = error.errors() if isinstance(error, RequestValidationError) else []
        malformed = any(fault["type"] == "json_invalid" for fault in errors)
        problem = Problem(
            400 if malformed else 422,
            "malformed_json" if malformed else "invalid_request",
            "the request is not as the API documents it; errors says where",
            errors=validation_errors(errors),
        )
        return problem_response(problem)

    def http(_request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):  # pragma: no cover - registered for no other
            raise error
        headers = dict(error.headers) if error.headers else None
        code = HTTPStatus(error.status_code).name.lower()
        return problem_response(
            Problem(error.status_code, code, str(error.detail), headers=headers)
        )

    def gone(_request: Request, _error: Exception) -> Response:
        return Response(status_code=400)  # the caller has hung up: nobody reads it

    def unexpected(_request: Request, error: Exception) -> Response:
        log.error("an unexpected fault", exc_info=error)
        detail = "this is a fault of the service; it has been recorded"
        return problem_response(Problem(500, "internal", detail))

    for kind in KNOWN:
        app.add_exception_handler(kind, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unexpected)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


_PLACES = {"body", "cookie", "header", "path", "query"}


def _within(loc: Sequence[Any]) -> Sequence[Any]:
    """Return where a fault is within the part of the call that it is in."""
    return loc[1:] if loc and loc[0] in _PLACES else loc


_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,47}")


def _name(part: Any) -> str:
    # A caller chooses the names of unknown fields, so not every name is shown.
    text = str(part)
    return text if isinstance(part, int) or _FIELD_NAME.fullmatch(text) else "…"


def _without_value(error: Any) -> str:
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error" | "assertion_error":
            return str(context.get("error", "invalid"))
        case "union_tag_invalid":
            return f"expected one of {context['expected_tags']}"
        case _:
            return str(error["msg"])
