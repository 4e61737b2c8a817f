"""Who is not told of a correction: systems that hold what others correct, and do not register the right."""

from __future__ import annotations

from dsr_core.ids import SystemId
from dsr_core.plan import at_or_below
from dsr_core.registry import Registry
from dsr_core.rights import Right

__all__ = ["untold_of_corrections"]


def untold_of_corrections(registry: Registry) -> dict[SystemId, tuple[str, ...]]:
    """Return the systems in use, each with those of its categories that other systems correct, sorted.

    A recipient that corrects nothing itself registers the right as well, and answers `informed`.
    """
    used = [one for one in registry.systems if one.retired_on is None]
    corrected = {
        category for one in used if Right.CORRECTION in one.rights for category in one.categories
    }
    found = {
        one.id: tuple(
            sorted(
                held
                for held in one.categories
                if any(at_or_below(held, each) or at_or_below(each, held) for each in corrected)
            )
        )
        for one in used
        if Right.CORRECTION not in one.rights
    }
    return {system_id: held for system_id, held in sorted(found.items()) if held}
