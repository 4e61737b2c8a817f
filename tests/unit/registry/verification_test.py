"""How a system verifies its erasures, as the registry says it and as the canonical form keeps it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dsr_cli.files.faults import FileFaults
from dsr_cli.registry import load_registry
from dsr_core.registry import Registry, System
from support.builders import NOW, a_registry, a_system


def read(folder: Path, text: str) -> System:
    (folder / "a.yaml").write_text(text)
    [system] = load_registry(folder).systems
    return system


@pytest.mark.parametrize(
    ("line", "before_closing", "later"),
    [
        ("", False, False),
        ("    verification: before-closing\n", True, False),
        ("    verification: later\n", False, True),
    ],
)
def test_a_system_looks_before_the_closing_or_when_it_is_asked_later(
    tmp_path: Path, good: str, line: str, *, before_closing: bool, later: bool
) -> None:
    system = read(tmp_path, good + line)
    assert (system.looks_again, system.looks_later) == (before_closing, later)
    assert system.verifies == (before_closing or later)


def test_another_way_is_refused_with_the_nearest(tmp_path: Path, good: str) -> None:
    with pytest.raises(FileFaults, match="unknown verification 'latter'"):
        read(tmp_path, f"{good}    verification: latter\n")


def test_the_canonical_form_keeps_it_and_says_nothing_where_there_is_nothing() -> None:
    plain = a_registry(a_system("crm"))
    looking = a_registry(a_system("crm", looks_later=True))
    assert Registry.from_canonical(looking.canonical()) == looking
    assert b"looks_later" not in plain.canonical()


def test_what_is_retired_is_asked_no_more() -> None:
    one = a_system("crm", looks_later=True)
    assert one.verifies
    assert not replace(one, retired_on=NOW.date()).verifies
