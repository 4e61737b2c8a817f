"""What is wrong with files that people write: each fault with its place, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from dsr_cli.errors import CommandError
from dsr_core.ids import is_slug

__all__ = ["Fault", "FaultList", "FileFaults", "as_slug", "known_words", "nearest"]

_LISTED = 12
"""So many known words are named in a line, and no more."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, at one place."""

    file: str
    """The file's path as its reader was given it."""

    line: int | None
    """Counted from 1, which also stands for a whole file; none where the fault is the folder's."""

    message: str
    suggestion: str
    """What would be right."""

    def __str__(self) -> str:
        """Render the fault as one line, the way compilers do."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message}; {self.suggestion}"


class FileFaults(CommandError):  # noqa: N818 - named for what has happened, as the glossary does
    """The files are not what they should be. Holds every fault at once, sorted by place."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda one: (one.file, one.line or 0, one.message))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class FaultList:
    """The faults found so far in one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Fault] = []

    def add(self, line: int, message: str, suggestion: str) -> None:
        """Note one fault; line 1 where it is the whole file's."""
        self.found.append(Fault(self.file, line, message, suggestion))


def nearest(word: str, known: Iterable[str]) -> str:
    """Say which known word was meant; where none looks like this one, which there are."""
    words = sorted(known)
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    close = close or [one for one in words if word in re.split(r"[._-]", one)]
    return f"did you mean '{close[0]}'?" if close else known_words(words, word)


def known_words(known: Iterable[str], word: str = "") -> str:
    """Say which words are known; of many, the one that looks most like this one."""
    words = sorted(known)
    if not words:
        return "there is none: leave it out"
    if len(words) <= _LISTED:
        return f"known are {', '.join(words)}"
    [closest] = get_close_matches(word, words, n=1, cutoff=0.0)
    return f"the nearest of {len(words)} is '{closest}'"


def as_slug(text: str, example: str) -> str:
    """Say how an id is written that is meant to be this text."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"write '{slug}'" if is_slug(slug) else f"write it like '{example}'"
