"""The list of attacks in docs/security.md: each has a test, each test is there and is run, none is left out."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from support.sources import ROOT, modules, tree

DOCUMENT = (ROOT / "docs" / "security.md").read_text()
NAMED = re.compile(r"`(?P<path>tests/[\w/]+\.py)::(?P<name>test_\w+)`")

TRIED = (
    "forged acknowledgements",
    "replayed acknowledgements",
    "replayed under another request",
    "re-ordered acknowledgements",
    "cross-organisation acknowledgements",
    "an export that is changed, cut, sealed to others, or lies about itself",
    "scripts in what a system hands over",
    "a link to a package that is guessed, expired, revoked, or of another request",
    "a part of a package for a callback that is forged, moved or replayed",
    "whoever ends TLS before a callback reads packages",
    "a callback for packages that points inside",
    "a client that may have no packages asks for one, or gives itself a key",
    "a session of the console that is forged, revoked, or begun by another site",
    "contradicting acknowledgements",
    "stolen system key after revocation",
    "token attacks",
    "key guessing by timing",
    "enumeration of requests",
    "enumeration of addresses",
    "scope escalation",
    "smuggling of a second identity",
    "SQL injection",
    "header injection",
    "log injection",
    "template injection",
    "CSV formula injection",
    "YAML bombs",
    "zip bombs",
    "JSON bombs",
    "SSRF through callbacks",
    "DNS rebinding",
    "path traversal",
    "flooding subscriber",
    "a million erasures",
    "links forged, moved or replayed",
    "a system links what the registry does not let it, or on a weak proof",
    "a system links a person to somebody else's identifier",
    "ten thousand links in one answer",
)
"""Every attack that is to be tried."""


def rows() -> dict[str, str]:
    """The last cell of each row of the table, by its attack."""
    table = DOCUMENT.split("<!-- attacks -->")[1].split("<!-- end of attacks -->")[0]
    cells = [line.strip("|").split(" | ") for line in table.strip().splitlines()[2:]]
    assert {len(one) for one in cells} == {3}
    return {attack.strip(): shown.strip() for attack, _, shown in cells}


@cache
def run() -> set[str]:
    """The modules whose tests are run: test modules, and suites that one of them takes in."""
    found = {path for path in modules("tests/") if path.endswith("_test.py")}
    taken = {
        name
        for path in found
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [
            *(one.name for one in node.names),
            *([node.module] if isinstance(node, ast.ImportFrom) and node.module else []),
        ]
    }
    for path in modules("tests/unit/verifier/"):
        dotted = path.removeprefix("tests/").removesuffix(".py").replace("/", ".")
        if dotted in taken or dotted.rpartition(".")[2] in taken:
            found.add(path)
    return found


def test_every_attack_is_in_the_table_once() -> None:
    assert tuple(rows()) == TRIED


@pytest.mark.parametrize("attack", TRIED)
def test_every_attack_has_tests_that_are_there_and_run(attack: str) -> None:
    shown = rows()[attack]
    named = list(NAMED.finditer(shown))
    assert named
    assert NAMED.sub("", shown).strip(", ") == ""
    for one in named:
        assert one["path"] in run(), one[0]
        functions = {
            node.name
            for node in ast.walk(tree(one["path"]))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert one["name"] in functions, one[0]


def test_a_test_that_is_not_there_would_be_missed() -> None:
    assert "tests/unit/verifier/absent.py" not in run()
    assert NAMED.search("`tests/unit/a_test.py`") is None
