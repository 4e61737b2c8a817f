"""Calls that are generated from a service's own OpenAPI document, and answers that must be as it says."""

from __future__ import annotations

import re
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

__all__ = ["documented", "live_document", "search", "verify"]

_EXAMPLES = 12
_TIMEOUT_S = 20
_CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


def live_document(url: str) -> Any:
    """Return what a running service says of itself."""
    generation = GenerationConfig(with_security_parameters=False, database="none")
    projects = ProjectsConfig(default=ProjectConfig(generation=generation))
    return schemathesis.openapi.from_url(
        f"{url}/openapi.json", config=SchemathesisConfig(projects=projects)
    )


def documented(schema: Any) -> set[tuple[str, str]]:
    """Return every method and path of a document."""
    return {
        (method.upper(), path)
        for path, operations in schema.raw_schema["paths"].items()
        for method in operations
    }


def search(operation: Any, mode: GenerationMode, *, token: str, refuses_whole: bool = True) -> None:
    """Make generated calls, and hold that each is answered as documented.

    Args:
        operation: Of a live document.
        mode: Whether the calls are right or wrong.
        token: The bearer token.
        refuses_whole: Whether a wrong call is an error, and not part of an answer.
    """
    is_wrong = mode is GenerationMode.NEGATIVE
    if is_wrong and not (operation.body or operation.query or operation.path_parameters):
        return
    checks = [*_CHECKS, *([negative_data_rejection] if is_wrong and refuses_whole else ())]
    with requests.Session() as session:

        @settings(
            max_examples=_EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            _call(case, session, token, checks)

        one()


def verify(operation: Any, *, token: str, **parts: Any) -> requests.Response:
    """Make one call, hold that it is answered as documented, and return the answer."""
    with requests.Session() as session:
        return _call(operation.Case(**parts), session, token, list(_CHECKS))


def _call(case: Any, session: requests.Session, token: str, checks: list[Any]) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    answer: requests.Response = case.call(session=session, headers=headers, timeout=_TIMEOUT_S)
    case.validate_response(answer, checks=checks, headers=headers)
    assert not re.search(r"Traceback|File \\\"", answer.text)
    return answer
