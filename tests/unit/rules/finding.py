"""Looking for the faults of rules files."""

from __future__ import annotations

from collections.abc import Callable

from dsr_cli.files.faults import Fault

__all__ = ["FindFaults", "the_fault"]

FindFaults = Callable[..., list[Fault]]
"""Loads files by their texts, and returns what is wrong with them."""


def the_fault(faults: list[Fault]) -> str:
    """Return the one fault there is, as people read it."""
    assert len(faults) == 1, [str(fault) for fault in faults]
    return str(faults[0])
