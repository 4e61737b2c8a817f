"""Every metric that the services show, named once: what each is, and what its labels can be.

The services build what they count from `intake`, `fanout` and `verifier`; `catalogue` has all of
them, from which `docs/metrics.md` is generated. Dashboards and alerts may name nothing else of ours.
"""

from __future__ import annotations

from dsr_core.metrics.terms import OTHER, Kind, Label, Metric

__all__ = ["OTHER", "Kind", "Label", "Metric"]
