"""The one kind of error that only this package has; all others are `dsr_core`'s."""

from __future__ import annotations

from collections.abc import Iterable

from dsr_core.errors import RejectedInput

__all__ = ["ConfigurationError"]


class ConfigurationError(RejectedInput):
    """The subscriber cannot run as it is configured.

    Attributes:
        faults: One readable line a fault, all of them at once. None holds a secret.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("configuration", "; ".join(self.faults))

    def __str__(self) -> str:
        """Show one fault a line."""
        return "\n".join(self.faults)
