"""The repository's own files, as the architecture tests read them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "definitions", "modules", "text_files", "tracked", "tree"]

ROOT = Path(__file__).resolve().parents[2]
_GENERATED = "proto/python/src/dsr_contracts/v1/"
_BINARY = frozenset({".bin", ".binpb", ".png", ".ico", ".gz", ".sqlite", ".woff2"})


@cache
def tracked() -> tuple[str, ...]:
    """Return the paths of every tracked file that is there, from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - the one that made the working copy
        cwd=ROOT, capture_output=True, check=True, text=True,
    )  # fmt: skip
    return tuple(path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file())


def modules(*folders: str) -> list[str]:
    """Return the tracked Python modules below some folders, generated ones apart."""
    return [
        path
        for path in tracked()
        if path.endswith(".py") and not path.startswith(_GENERATED) and path.startswith(folders)
    ]


@cache
def tree(path: str) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse((ROOT / path).read_text(), path)


def text_files() -> Iterator[tuple[str, str]]:
    """Yield every tracked text file with its content."""
    for path in tracked():
        if Path(path).suffix not in _BINARY:
            yield path, (ROOT / path).read_text()


def definitions(path: str) -> Iterator[tuple[int, str]]:
    """Yield every name that a module gives to something, with its line."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case ast.Attribute(ctx=ast.Store()):
                yield node.lineno, node.attr
            case _:
                pass
