"""Two people: what one proposes takes effect once another has approved it."""

from __future__ import annotations

from dsr_core.errors import RuleViolation

__all__ = ["require_another"]


def require_another(proposed_by: str, approved_by: str) -> None:
    """Return where they are two; letters' case and spaces make nobody another person.

    Raises:
        RuleViolation: Who approves has proposed it.
    """
    if _name(proposed_by) == _name(approved_by):
        detail = f"{proposed_by} has proposed it: another person approves"
        raise RuleViolation("same_person", detail)


def _name(person: str) -> str:
    return " ".join(person.split()).casefold()
