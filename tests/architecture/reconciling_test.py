"""Each kind of difference that `dsr reconcile` knows is made by a test, and has a row in the documents."""

from __future__ import annotations

import ast
import re

from dsr_cli.reconcile.differences import MENDED, Kind
from support.parts import ROOT
from support.sources import tree

CASES, RESTORE = "tests/e2e/reconciling_test.py", "tests/e2e/restore_test.py"
ROW = re.compile(r"^\| (\*\*[a-z_*, ]+\*\*) \|", re.MULTILINE)
KINDS = {one.value for one in Kind}


def table() -> set[str]:
    """Return the names of the differences that are made one by one."""
    for node in tree(CASES).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "CASES":
            return {one.id for one in ast.walk(node.value or node) if isinstance(one, ast.Name)}
    raise AssertionError("there is no table of cases")


def compared(path: str) -> set[str]:
    """Return the kinds that a file compares with what is found."""
    comparisons = [one for one in ast.walk(tree(path)) if isinstance(one, ast.Assert)]
    dry = [one for each in comparisons for one in ast.walk(each) if isinstance(one, ast.Constant)]
    names = {one.value for one in dry if isinstance(one.value, str)}
    return names & KINDS


def test_each_kind_is_made_by_a_test() -> None:
    assert table() <= KINDS
    assert table() | compared(CASES) | compared(RESTORE) == KINDS


def test_each_kind_has_a_row_and_what_mends_it() -> None:
    text = (ROOT / "docs" / "restoring.md").read_text(encoding="utf-8")
    rows = [name for row in ROW.findall(text) for name in re.findall(r"[a-z_]+", row)]
    assert sorted(rows) == sorted(KINDS)
    assert MENDED.keys() == set(Kind)
