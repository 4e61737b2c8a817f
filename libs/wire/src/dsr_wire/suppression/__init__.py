"""The suppression list as it travels: how rows are hashed, and the file that rows are checked with."""

from dsr_wire.suppression.filters import Filter, FilterFile
from dsr_wire.suppression.hashing import SuppressionKey

__all__ = ["Filter", "FilterFile", "SuppressionKey"]
