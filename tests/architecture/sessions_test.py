"""Connections of a pool are given back as they are, so no statement may change its session."""

from __future__ import annotations

import ast
import re

import pytest

from support.sources import modules, tree

POOLED = [
    path
    for path in modules("libs/runtime/", "services/")
    if not path.endswith(("/migrations.py", "/env.py")) and "/migrations/" not in path
]
"""What works with the pools of `dsr_runtime.postgres`; who migrates has a connection of its own."""

OF_THE_SESSION = re.compile(
    r"""
    \A\s*set\s+(?:session\b|(?!local\b)[\w.]+\s*(?:=|to\s+['"$\d]))
    | set_config\([^)]*false\s*\)
    | pg_(?:try_)?advisory_lock\b | pg_(?:try_)?advisory_lock_shared\b
    | \A\s*(?:un)?listen\s+\w+\s*(?:;|\Z)
    | \bcreate\s+temp(?:orary)?\s+table\b | \A\s*declare\b.*\bwith\s+hold\b
    | \A\s*prepare\s+\w+\s+as\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


def texts(path: str) -> list[str]:
    """Every text of a module that is not a docstring."""
    documented = {id(node.value) for node in ast.walk(tree(path)) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documented
    ]


def test_no_statement_changes_its_session() -> None:
    wrong = [
        f"{path}: {text.strip()[:60]}"
        for path in POOLED
        for text in texts(path)
        if OF_THE_SESSION.search(text)
    ]
    assert wrong == []
    asked = [text for path in POOLED for text in texts(path) if "pg_advisory_xact_lock" in text]
    assert asked  # else the search is broken


def test_nobody_listens() -> None:
    callers = [
        f"{path}:{node.lineno}"
        for path in POOLED
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"add_listener", "set_type_codec"}
    ]
    assert callers == []


@pytest.mark.parametrize(
    "statement",
    [
        "set statement_timeout = '1s'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "select set_config('search_path', $1, false)",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_lock($1)",
        "listen closures",
        "create temporary table t (id int)",
        "declare c cursor with hold for select 1",
    ],
)
def test_what_changes_a_session_would_be_seen(statement: str) -> None:
    assert OF_THE_SESSION.search(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "set local statement_timeout = '1s'",
        "set transaction read only",
        "update t set a = 1",
        "update t\n    set a = $1",
        "select pg_try_advisory_xact_lock(1)",
    ],
)
def test_what_ends_with_its_transaction_may_be(statement: str) -> None:
    assert not OF_THE_SESSION.search(statement)
