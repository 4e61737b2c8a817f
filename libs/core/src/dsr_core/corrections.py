"""Corrections: what is wrong in the data on a person, and what is right.

A value of this module never shows itself, as those of `dsr_core.identity` do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dsr_core.plan import at_or_below

__all__ = ["NOTHING", "Correction", "Rectification"]


@dataclass(frozen=True, slots=True, repr=False)
class Correction:
    """One value that is to be put right."""

    category: str
    """What kind of value it is: a key of the fideslang taxonomy."""

    new: str
    old: str = ""
    """What stands there now, as far as the person knows; empty where they do not."""

    def __repr__(self) -> str:
        """Show the category and hide the values."""
        return f"Correction({self.category}=…)"


@dataclass(frozen=True, slots=True, repr=False)
class Rectification:
    """Everything that a person wants put right."""

    corrections: tuple[Correction, ...]
    statement: str = ""
    """The person's own words, which a system attaches to a value that it does not correct; empty where
    there are none (GDPR article 16, second sentence; 11 CCR 7023(f))."""

    def __repr__(self) -> str:
        """Show how many there are and hide them."""
        return f"Rectification({len(self.corrections)} corrections)"

    @property
    def categories(self) -> tuple[str, ...]:
        """What kinds of values it is about, sorted."""
        return tuple(sorted({one.category for one in self.corrections}))

    def only(self, categories: Iterable[str]) -> Rectification:
        """Keep what is about some categories, so that a system sees no more than it holds."""
        held = tuple(categories)
        return replace(
            self,
            corrections=tuple(
                one
                for one in self.corrections
                if any(
                    at_or_below(own, one.category) or at_or_below(one.category, own) for own in held
                )
            ),
        )


NOTHING = Rectification(())
"""Nothing is to be put right."""
