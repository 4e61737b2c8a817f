"""Every variable that begins as ours is named in the one place that services know them from."""

from __future__ import annotations

import re

from dsr_runtime.known_variables import SERVICE_VARIABLES, SYSTEM_VARIABLES
from dsr_runtime.variables import OTHERS, SETTINGS_FILE
from support.sources import text_files

KNOWN = SERVICE_VARIABLES | SYSTEM_VARIABLES | OTHERS.keys()
NAMED = re.compile(r"\bDSR_[A-Z0-9_]*[A-Z0-9]\b")
READ = re.compile(r"(?:environ(?:\.get)?[(\[]|envvar=|\$\{?)\"?(DSR_[A-Z0-9_]*[A-Z0-9])\b")
LISTS = ("libs/runtime/src/dsr_runtime/", "docs/settings.md")
FORMER = ("docs/adr/", "CHANGELOG.md")
"""Where names may stand that are none any more."""


def named(pattern: re.Pattern[str], *, tests: bool) -> dict[str, str]:
    """Return each variable with a file that names it, among the tests or elsewhere."""
    return {
        name: path
        for path, text in text_files()
        if path.startswith("tests/") is tests and not path.startswith((*LISTS, *FORMER))
        for name in pattern.findall(text)
    }


def test_what_the_product_and_its_documents_name_is_known() -> None:
    found = named(NAMED, tests=False)
    assert {name: path for name, path in found.items() if name not in KNOWN} == {}


def test_what_tests_read_is_known() -> None:
    found = named(READ, tests=True)
    assert {name: path for name, path in found.items() if name not in KNOWN} == {}


def test_nothing_is_known_that_nobody_reads() -> None:
    found = named(NAMED, tests=False).keys() | named(READ, tests=True).keys()
    assert OTHERS.keys() - found - {SETTINGS_FILE} == set()
    assert OTHERS.keys() & (SERVICE_VARIABLES | SYSTEM_VARIABLES) == set()
