"""What is wrong with a registry's files: each fault with its place and, if there is one, a way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = ["Fault", "FaultList", "RegistryFaults", "nearest"]


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, at one place."""

    file: str
    """The file's path as its reader was given it."""

    line: int | None
    """Counted from 1; none where the fault is the whole file's or folder's."""

    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        """Render the fault as one line, the way compilers do."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{place}: {self.message}{hint}"


class RegistryFaults(Exception):  # noqa: N818 - named for what has happened, as the glossary does
    """The files are not a registry. Holds every fault at once, sorted by place."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda one: (one.file, one.line or 0, one.message))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class FaultList:
    """The faults found so far in one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[Fault] = []

    def add(self, line: int | None, message: str, suggestion: str | None = None) -> None:
        """Note one fault."""
        self.found.append(Fault(self.file, line, message, suggestion))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return `did you mean ...?` with the known word that looks most like this one, or none."""
    close = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else None
