"""What intake's login may do with each table: what its statements need, and nothing else.

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
    "intake.api_clients": _CHANGED,
    "intake.appeal_tiers": _KEPT,
    "intake.audit": _KEPT,
    "intake.breaker_cohorts": (*_CHANGED, "delete"),
    "intake.breaker_counts": (*_CHANGED, "delete"),
    "intake.breaker_refusals": _CHANGED,
    "intake.breaker_releases": _CHANGED,
    "intake.breaker_scopes": _CHANGED,
    "intake.cohorts": _CHANGED,
    "intake.decisions": _KEPT,
    "intake.deferred_notices": (*_CHANGED, "delete"),
    "intake.hand_overs": (*_CHANGED, "delete"),
    "intake.held_requests": _CHANGED,
    "intake.hold_hashes": _PASSING,
    "intake.holds": _CHANGED,
    "intake.idempotency_keys": _PASSING,
    "intake.identity_codes": _CHANGED,
    "intake.letters": _CHANGED,
    "intake.link_answers": _KEPT,
    "intake.link_rulings": _KEPT,
    "intake.link_steps": _KEPT,
    "intake.opt_ins": _KEPT,
    "intake.outbox": _PASSING,
    "intake.package_links": (*_CHANGED, "delete"),
    "intake.packages": (*_CHANGED, "delete"),
    "intake.settlements": _CHANGED,
    "intake.subject_requests": _CHANGED,
    "intake.suppression_sources": _PASSING,
    "intake.suppressions": (*_CHANGED, "delete"),
    "intake.told_without": _KEPT,
    "intake.webhook_deliveries": (*_CHANGED, "delete"),
    "intake.webhooks": (*_CHANGED, "delete"),
    "intake_keys.link_hashes": _PASSING,
    "intake_keys.lookup_keys": _KEPT,
    # Vacuumed by intake itself, so that a destroyed key does not stay on the disk as a dead row.
    "intake_keys.package_keys": (*_CHANGED, "delete", "maintain"),
    "intake_keys.request_keys": (*_CHANGED, "delete", "maintain"),
    "intake_keys.ring_keys": (*_CHANGED, "delete"),
}
