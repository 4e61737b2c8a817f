"""All metrics, by the service that shows them."""

from __future__ import annotations

from dsr_core.metrics import fanout, intake, verifier
from dsr_core.metrics.terms import Metric

__all__ = ["CATALOGUE"]

CATALOGUE: dict[str, tuple[Metric, ...]] = {
    "intake": intake.ALL,
    "fanout": fanout.ALL,
    "verifier": verifier.ALL,
}
