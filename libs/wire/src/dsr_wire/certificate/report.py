"""What was checked of a certificate, or of a package, in words: one line a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Check", "Mark", "Report", "failed", "good", "unchecked"]


class Mark(StrEnum):
    """How a check ended."""

    GOOD = "good"
    FAILED = "failed"
    UNCHECKED = "unchecked"
    """It cannot be checked with what was given, or at all: somebody's word stands for it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check."""

    part: str
    """Of the certificate: `statement`, `answers[2]`, `amendments[0]`, `log.checkpoint`, `file`; of a package: the
    path of a file in it, `archive`, `file`."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Every check, in the order in which they were made."""

    checks: tuple[Check, ...]

    @property
    def is_good(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(one for one in self.checks if one.mark is Mark.FAILED)


def good(part: str, text: str) -> Check:
    """Return a check that held."""
    return Check(part, Mark.GOOD, text)


def failed(part: str, text: str) -> Check:
    """Return a check that did not hold."""
    return Check(part, Mark.FAILED, text)


def unchecked(part: str, text: str) -> Check:
    """Return what could not be checked."""
    return Check(part, Mark.UNCHECKED, text)
