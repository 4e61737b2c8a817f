"""A dry run is one: whatever changes something stands behind the question whether --yes was given."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

import pytest

from support.sources import modules, tree

COMMANDS = modules("libs/cli/src/dsr_cli/commands/")
API = "libs/cli/src/dsr_cli/api/internal.py"

Function = ast.FunctionDef | ast.AsyncFunctionDef

FLAGS = {"apply", "yes"}

ELSEWHERE = {
    "announce",
    "create_topics",
    "grant",
    "make",
    "mend",
    "reset",
    "rewind",
    "send",
    "set_passwords",
    "withdraw",
}
"""What changes something elsewhere than by the operators' API: Kafka, PostgreSQL, the stack, a program's API."""

READS = {"check_suppressions"}
"""Calls that are no GET and change nothing."""

LOOKED_AT = {
    "reconcile.py:command": "`_reconciled` is given no reason, without which it mends nothing",
    "stack.py:reset": "it asks, where --yes is not given",
}
"""Where it is held in another way, each with which."""


def changing() -> set[str]:
    """Return the names by which something is changed."""
    methods = {node.name: node for node in ast.walk(tree(API)) if isinstance(node, ast.FunctionDef)}
    found = {name for name, node in methods.items() if _calls_by_another_method_than_get(node)}
    while more := {name for name, node in methods.items() if _names(node) & found} - found:
        found |= more
    assert {"decide", "grant_appeal", "revoke_client"} <= found, "else the search is broken"
    return (found | ELSEWHERE) - READS


def _calls_by_another_method_than_get(node: ast.FunctionDef) -> bool:
    return any(
        isinstance(one, ast.Call)
        and ast.unparse(one.func) == "self._call"
        and isinstance(one.args[0], ast.Constant)
        and one.args[0].value != "GET"
        for one in ast.walk(node)
    )


def _names(node: ast.AST) -> set[str]:
    return {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def before_the_flag(body: Sequence[ast.stmt], flag: str) -> Iterator[ast.AST]:
    """Yield what is done whether or not a flag is given."""
    for statement in body:
        match statement:
            case ast.If(test=ast.Name(id=name), orelse=orelse) if name == flag:
                yield from before_the_flag(orelse, flag)
            case ast.If(
                test=ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)), body=[*_, last]
            ) if name == flag and isinstance(last, ast.Return | ast.Raise):
                yield from before_the_flag(statement.body, flag)
                return
            case ast.With(items=items, body=inner) | ast.AsyncWith(items=items, body=inner):
                yield from items
                yield from before_the_flag(inner, flag)
            case _:
                yield statement


def done(nodes: Iterator[ast.AST], functions: Mapping[str, Function]) -> set[str]:
    """Return every name that is made use of, by functions of the module too that take no flag themselves."""
    found: set[str] = set()
    ahead = list(nodes)
    while ahead:
        for one in ast.walk(ahead.pop()):
            name = one.id if isinstance(one, ast.Name) else getattr(one, "attr", None)
            if name is not None and name not in found:
                found.add(name)
                called = functions.get(name)
                if called is not None and flag_of(called) is None:
                    ahead.extend(called.body)
    return found


def flag_of(function: Function) -> str | None:
    """Return the flag that a function takes, if it takes one."""
    taken = FLAGS & {one.arg for one in function.args.kwonlyargs}
    return taken.pop() if taken else None


def changed_without_the_flag(content: ast.Module) -> dict[str, set[str]]:
    """Return each function that takes the flag, with what it changes without it."""
    functions = {node.name: node for node in content.body if isinstance(node, Function)}
    return {
        name: done(before_the_flag(node.body, flag), functions) & changing()
        for name, node in functions.items()
        if (flag := flag_of(node)) is not None
    }


def test_nothing_is_changed_before_it_is_asked_whether_to() -> None:
    found = {
        f"{path.rpartition('/')[2]}:{name}": changed
        for path in COMMANDS
        for name, changed in changed_without_the_flag(tree(path)).items()
    }
    assert len(found) > 30, "else the search is broken"
    assert {name for name, changed in found.items() if changed} == LOOKED_AT.keys(), found


@pytest.mark.parametrize(
    "body",
    [
        "api.revoke_client(one)\n    if not yes:\n        return",
        "if not yes:\n        print('would')\n    api.revoke_client(one)",
        "if yes:\n        print('done')\n    else:\n        api.revoke_client(one)",
        "if not yes:\n        api.revoke_client(one)\n        return",
        "if not yes or one:\n        return\n    api.revoke_client(one)",
        "with opened() as api:\n        api.revoke_client(one)",
        "helper(api)",
    ],
)
def test_a_change_before_the_question_would_be_seen(body: str) -> None:
    text = f"def revoke(*, yes):\n    {body}\ndef helper(api):\n    api.revoke_client(one)\n"
    assert changed_without_the_flag(ast.parse(text)) == {"revoke": {"revoke_client"}}
