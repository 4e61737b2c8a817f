"""The rules with each day as a second, for a demonstration that lives through months in a minute."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["write_in_seconds"]

_TERM = re.compile(r"(?<=term: )(\d+) (business day|day|month)s?")
_DAYS = {"day": 1.0, "business day": 7 / 5, "month": 30.0}


def write_in_seconds(rules: Path, folder: Path) -> Path:
    """Write each rules file into a folder, its terms in seconds, and return the folder.

    A day is a second, a business day 7/5 of one, a month thirty. All else stays as it is, so the
    same rules are told of, by the same citations. Safe to repeat.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(rules.glob("*.yaml")):
        (folder / file.name).write_text(_TERM.sub(_in_seconds, file.read_text()))
    return folder


def _in_seconds(term: re.Match[str]) -> str:
    return f"{round(int(term[1]) * _DAYS[term[2]])} seconds"
