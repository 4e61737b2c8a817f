"""Each alert is fired by a real fault in a test, and the runbooks say by which."""

from __future__ import annotations

import ast
import re

import yaml

from dsr_cli.stack.prometheus import RULES
from support.parts import ROOT

_ROW = re.compile(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \| ([\w-]+) \| (.+) \|$", re.MULTILINE)


def alerts() -> dict[str, dict[str, str]]:
    """The labels of every alert."""
    groups = yaml.safe_load((ROOT / RULES).read_text())["groups"]
    return {rule["alert"]: rule["labels"] for group in groups for rule in group["rules"]}


def fired() -> dict[str, str]:
    """The alerts that tests wait for, each with the fault after which the first of them is named."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "tests" / "chaos").glob("alerts_*test.py")):
        for test in ast.parse(file.read_text()).body:
            if isinstance(test, ast.AsyncFunctionDef) and test.name.startswith("test_"):
                fault = test.name.removeprefix("test_").replace("_", " ")
                for name in waited_for(test):
                    found.setdefault(name, fault)
    return found


def waited_for(test: ast.AsyncFunctionDef) -> list[str]:
    """The names of alerts in a test that says of each that it fires."""
    text = ast.unparse(test)
    assert "prometheus.fires(" in text, test.name
    return re.findall(r"'(Dsr\w+)'", text)


def table() -> dict[str, tuple[str, str, str]]:
    """What the runbooks' own page says of each alert."""
    rows = _ROW.findall((ROOT / "docs" / "runbooks" / "README.md").read_text())
    return {name: (severity, owner, fault) for name, severity, owner, fault in rows}


def test_every_alert_is_fired_by_a_fault() -> None:
    assert set(alerts()) == set(fired())


def test_the_runbooks_say_by_which_fault() -> None:
    faults = {name: fault for name, (_, _, fault) in table().items()}
    assert faults == fired()


def test_the_runbooks_say_who_is_told() -> None:
    told = {name: (severity, owner) for name, (severity, owner, _) in table().items()}
    assert told == {name: (one["severity"], one["owner"]) for name, one in alerts().items()}
