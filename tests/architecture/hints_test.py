"""What commands tell people to do next is there: the commands that they name, and the runbooks."""

from __future__ import annotations

import ast
import re

from support.command_line import named_in
from support.sources import ROOT, modules, tree

RUNBOOKS = {path.stem for path in (ROOT / "docs" / "runbooks").glob("Dsr*.md")}
ALERT = re.compile(r"\bDsr[A-Z]\w+")
ATTRIBUTES = {"DsrDueAt", "DsrJurisdiction", "DsrRight", "DsrSize", "DsrState"}
"""Search attributes of workflows."""

TEXTS = [
    (path, node.lineno, node.value)
    for path in modules("libs/cli/src/")
    for node in ast.walk(tree(path))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
]


def test_every_command_that_a_text_of_dsr_names_can_be_called() -> None:
    faults = [
        f"{path}:{line} {call}: {fault}"
        for path, line, text in TEXTS
        for call, fault in named_in(text).items()
        if fault and "`" + call in text
    ]
    assert not faults


def test_every_alert_that_a_text_of_dsr_names_has_a_runbook() -> None:
    named = {(path, one) for path, _, text in TEXTS for one in ALERT.findall(text)}
    assert {one for _, one in named} & RUNBOOKS
    assert not {(path, one) for path, one in named if one not in RUNBOOKS | ATTRIBUTES}
