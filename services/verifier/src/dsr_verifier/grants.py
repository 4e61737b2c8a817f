"""What the verifier's login may do with each table: what its statements need, and nothing else.

`dsr_runtime.migrations` makes it so after each migration. A new table needs a line here; one that may
only be read and added to also needs `dsr_runtime.append_only`.
"""

from __future__ import annotations

from dsr_runtime.grants import Grants

__all__ = ["GRANTS"]

_KEPT = ("select", "insert")
_CHANGED = ("select", "insert", "update")
_PASSING = ("select", "insert", "delete")

GRANTS: Grants = {
    "verifier.acknowledgements": _KEPT,
    "verifier.awaited": _KEPT,
    "verifier.amendments": (*_KEPT, "update(effect, effect_at)"),
    "verifier.batches": _KEPT,
    "verifier.breaches": _PASSING,
    "verifier.changes": (*_CHANGED, "delete"),
    "verifier.closures": _KEPT,
    "verifier.closures_told": ("select",),
    "verifier.copies_settled": _KEPT,
    "verifier.late_answers": _KEPT,
    "verifier.links_told": _KEPT,
    "verifier.log_checkpoints": _KEPT,
    "verifier.log_cosignatures": _KEPT,
    "verifier.log_leaves": _KEPT,
    "verifier.log_pending": _PASSING,
    "verifier.log_tiles": (*_KEPT, "update(hashes)"),
    "verifier.obligations": _CHANGED,
    "verifier.outbox": _PASSING,
    "verifier.parked": (*_CHANGED, "delete"),  # it is locked while it is taken
    "verifier.parked_records": (*_CHANGED, "delete"),
    "verifier.phases": _CHANGED,
    "verifier.plans": _KEPT,
    "verifier.requests": _CHANGED,
    "verifier.statements": _KEPT,
    "verifier.traces": _PASSING,
}
