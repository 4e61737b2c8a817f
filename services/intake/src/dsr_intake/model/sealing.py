"""What is sealed of a cohort."""

from __future__ import annotations

from dataclasses import dataclass

from dsr_core.rights import Right
from dsr_intake.model import Member

__all__ = ["ToSeal"]


@dataclass(frozen=True, slots=True, repr=False)
class ToSeal:
    """A cohort, and those of its members whom systems may be asked for."""

    right: Right
    size: int
    """How many members it has, whether or not they are asked for."""

    members: list[Member]
