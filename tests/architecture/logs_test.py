"""Logs: every field that code logs is one that may be logged, so that no line loses its reason."""

from __future__ import annotations

import ast

import pytest

from dsr_runtime.logs import ALLOWED_FIELDS
from support.sources import modules, tree

LOGGERS = {"log", "_log", "logger"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}

MODULES = [path for path in modules("libs/", "services/") if "/src/" in path]


def fields(code: ast.AST) -> list[tuple[int, str]]:
    """The fields of every line that some code logs, each with where; `**` for what cannot be read."""
    return [
        (call.lineno, keyword.arg or "**")
        for call in ast.walk(code)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in LEVELS
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in LOGGERS
        for keyword in call.keywords
    ]


def test_every_field_that_is_logged_is_allowed() -> None:
    lost = [
        f"{path}:{line} {name}"
        for path in MODULES
        for line, name in fields(tree(path))
        if name not in ALLOWED_FIELDS
    ]
    assert not lost


def test_lines_with_fields_are_found() -> None:
    named = {name for path in MODULES for _, name in fields(tree(path))}
    assert {"request_id", "reason", "error"} <= named


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("log.warning('said', fault=1)", ["fault"]),
        ("log.info('said', **fields)", ["**"]),
        ("catalogue.info('said', fault=1)", []),
    ],
)
def test_a_field_of_a_call_is_seen(code: str, found: list[str]) -> None:
    assert [name for _, name in fields(ast.parse(code))] == found
