"""Hypothesis profiles: `quick` unless HYPOTHESIS_PROFILE names another; `ci` looks deeper.

Neither keeps a database of examples: a failure prints the seed and the example that shows it.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow]

settings.register_profile(
    "quick", max_examples=60, deadline=None, database=None, print_blob=True,
    suppress_health_check=_SLOW,
)  # fmt: skip
settings.register_profile(
    "ci", max_examples=500, deadline=None, database=None, print_blob=True,
    suppress_health_check=_SLOW,
)  # fmt: skip
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
