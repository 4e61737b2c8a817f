"""Hypothesis profiles: `quick` unless HYPOTHESIS_PROFILE names another; `ci` looks deeper.

Neither keeps a database of examples: a failure prints the seed and the example that shows it. Nor has
either a deadline for one example: on a busy machine that is a failure which is then made smaller for minutes.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

__all__ = ["load_profile"]

_SLOW = [HealthCheck.too_slow]


def load_profile() -> None:
    """Have every property in the process follow the profile."""
    for name, count in (("quick", 60), ("ci", 500)):
        settings.register_profile(
            name,
            max_examples=count,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=_SLOW,
        )
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
