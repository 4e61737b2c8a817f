"""What a command says when it cannot go on."""

from __future__ import annotations

__all__ = ["CommandError"]


class CommandError(Exception):
    """One line for a person: what is wrong, and what to do."""
