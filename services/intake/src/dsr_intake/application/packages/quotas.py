"""Quotas: how much systems may hand over for one package; what is beyond is named in it as missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dsr_core.exports import FILES_LIMIT
from dsr_intake.application.packages.assembling import BadExport, SystemAssembly

__all__ = ["Quotas"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """So much may be handed over for one request."""

    system_bytes: int
    """By one system."""

    system_files: int = FILES_LIMIT
    """By one system."""

    files: int = 5 * FILES_LIMIT
    """By all of them together."""

    def check(self, systems: Sequence[SystemAssembly]) -> None:
        """Pass if nothing is beyond.

        Where all together are, it is the system with the most files whose export is refused, so that one
        that hands over crumbs takes nobody else's place.

        Raises:
            BadExport: One system's export is beyond; the text says of what.
        """
        handed_over = [(one.system_id, one.delivery) for one in systems if one.delivery is not None]
        for system_id, delivery in handed_over:
            if delivery.size > self.system_bytes:
                detail = (
                    f"{delivery.size:,} bytes, and one system may hand over {self.system_bytes:,}"
                )
                raise BadExport(system_id, "too_large", detail)
            if delivery.files > self.system_files:
                detail = (
                    f"{delivery.files:,} files, and one system may hand over {self.system_files:,}"
                )
                raise BadExport(system_id, "too_many_files", detail)
        together = sum(delivery.files for _, delivery in handed_over)
        if together > self.files:
            most, delivery = max(handed_over, key=lambda one: (one[1].files, one[0]))
            detail = (
                f"{delivery.files:,} of {together:,} files, and a package may have {self.files:,}"
            )
            raise BadExport(most, "too_many_files", detail)
