"""What the members of consumer groups show of themselves."""

from __future__ import annotations

from typing import Protocol

from dsr_core.metrics import Metric
from dsr_runtime.metrics import Instruments

__all__ = ["GroupGauges", "Member"]


class Member(Protocol):
    """What reads as a member of a group."""

    @property
    def group_id(self) -> str:
        """The group."""

    @property
    def partitions(self) -> int:
        """How many partitions it reads now."""

    @property
    def rebalances(self) -> int:
        """How often it was given its share of them."""


class GroupGauges:
    """Looks at members whenever metrics are read, and never else."""

    def __init__(self, made: Instruments, partitions: Metric, rebalances: Metric) -> None:
        """Show nobody yet."""
        self._partitions = made.gauges(partitions)
        self._rebalances = made.gauges(rebalances)

    def show(self, member: Member) -> None:
        """Show a member from now on."""
        self._partitions.labels(member.group_id).set_function(lambda: member.partitions)
        self._rebalances.labels(member.group_id).set_function(lambda: member.rebalances)
