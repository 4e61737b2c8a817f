"""The OpenAPI document: what FastAPI finds out, and what the routes that read their own bodies say."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from dsr_intake.http.doors import Needs
from dsr_intake.http.submission import (
    BatchLine,
    LetterDecisionBody,
    ProofBody,
    SubjectRequestBody,
)
from dsr_intake.http.views import (
    AcceptedDocument,
    ClosureDocument,
    ObligationsDocument,
    RefusalDocument,
    RequestDocument,
    RequestListDocument,
)
from dsr_intake.model.principals import Scope

__all__ = ["ID_PATTERN", "answer", "body", "describe", "parameter", "permissions", "problems"]

ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

_MEANINGS = {
    400: "The request is malformed",
    401: "The key or token is absent, unknown, over or revoked",
    403: "The caller lacks the scope, which the detail names",
    404: "There is nothing of that id, or not for this caller",
    409: "The present state does not allow it, or a call with the same key has not ended",
    413: "The body is too large",
    415: "The body's media type is not accepted",
    416: "There are no such bytes",
    422: "The request is well-formed and cannot be accepted; `errors` says where",
    429: "The caller calls too much; come again after `Retry-After`",
    503: "A part that the service needs is away, or too many requests wait; try again",
}


class ProblemError(BaseModel):
    """One fault of a request."""

    pointer: str
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457). It never echoes a value that was sent."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError] = []


class CohortDocument(BaseModel):
    """How far a cohort is."""

    cohort_id: str
    members: int
    open_members: int
    open_leavers: int
    answered_at: str | None


_MODELS = (
    AcceptedDocument,
    BatchLine,
    ClosureDocument,
    CohortDocument,
    LetterDecisionBody,
    ObligationsDocument,
    Problem,
    ProofBody,
    RefusalDocument,
    RequestDocument,
    RequestListDocument,
    SubjectRequestBody,
)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of answers that are problem documents."""
    schema = {"$ref": "#/components/schemas/Problem"}

    def example(status: int) -> dict[str, Any]:
        phrase = HTTPStatus(status)
        return {
            "type": f"urn:dsr:problem:{phrase.name.lower()}",
            "title": phrase.phrase,
            "status": status,
            "detail": _MEANINGS[status].lower(),
        }

    return {
        status: {
            "description": _MEANINGS[status],
            "content": {"application/problem+json": {"schema": schema, "example": example(status)}},
        }
        for status in sorted(statuses)
    }


def answer(
    model: str | None,
    description: str,
    *,
    media: str = "application/json",
    example: Any = None,
    headers: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the documentation of an answer; a model is named, text has none."""
    schema = {"$ref": f"#/components/schemas/{model}"} if model else {"type": "string"}
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = example
    documented: dict[str, Any] = {"description": description, "content": {media: content}}
    if headers:
        documented["headers"] = headers
    return documented


def body(
    schema: dict[str, Any], *, media: str = "application/json", examples: dict[str, Any]
) -> dict[str, Any]:
    """Return the documentation of a body that a route reads by itself."""
    named = {name: {"value": value} for name, value in examples.items()}
    return {"required": True, "content": {media: {"schema": schema, "examples": named}}}


def parameter(name: str, place: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the documentation of a parameter that a route reads by itself."""
    return {"name": name, "in": place, "description": description, "schema": schema}


def describe(
    app: FastAPI, *, tags: Iterable[dict[str, str]], documents: Iterable[type[BaseModel]]
) -> None:
    """Make `/openapi.json` whole: shared schemas, who may call what, and the answer to who may not.

    Args:
        app: Whose document it is.
        tags: The groups of routes.
        documents: Answers that are described besides those of the requests themselves.
    """
    models: tuple[type[BaseModel], ...] = (*_MODELS, *documents)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, list(tags), models)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _document(
    app: FastAPI, tags: list[dict[str, str]], models: Iterable[type[BaseModel]]
) -> dict[str, Any]:
    found = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=tags,
    )
    _, shared = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(shared["$defs"])
    components["securitySchemes"] = {
        "apiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "dsr_<client>_<secret>"},
        "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "internalToken": {"type": "http", "scheme": "bearer"},
    }
    needed = permissions(app)
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            operation["security"] = _security(needed[method.upper(), path])
            operation["responses"].update(
                {str(status): text for status, text in problems(401, 403, 429, 503).items()}
            )
    return found


def permissions(app: FastAPI) -> dict[tuple[str, str], Scope]:
    """Return the scope that each operation needs, by its method and path.

    Raises:
        RuntimeError: One declares none, or several.
    """
    found: dict[tuple[str, str], Scope] = {}
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, APIRoute) or not route.include_in_schema:
            continue
        declared = [
            one.dependency.permission
            for one in route.dependencies
            if isinstance(one.dependency, Needs)
        ]
        if len(declared) != 1:
            raise RuntimeError(
                f"{route.path} declares {len(declared)} scopes, and must declare one"
            )
        for method in route.methods or ():
            found[method, route.path or ""] = declared[0]
    return found


def _security(permission: Scope) -> list[dict[str, list[str]]]:
    if permission is Scope.SERVICES:
        return [{"internalToken": []}]
    return [{"apiKey": [permission.value]}, {"token": [permission.value]}]
