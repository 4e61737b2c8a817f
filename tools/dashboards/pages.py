"""The four dashboards: what each asks of Prometheus.

A gauge of which every replica says the same is taken once, by `max`; counters are added.
"""

from __future__ import annotations

from dashboards.loop import LOOP
from dashboards.panels import Dashboard, Panel, Query, Row
from dashboards.queries import lines, quantiles, rate, stat

__all__ = ["DASHBOARDS"]

_OPEN = "max by (right, regime) (dsr_intake_open_requests)"
_MISSING = "max by (organisation_id, system_id) (dsr_verifier_missing_obligations)"
_MISSING_AGE = "max by (organisation_id, system_id) (dsr_verifier_missing_age_seconds)"


def _due(le: str) -> str:
    return f'sum(max by (right, regime) (dsr_intake_open_due_seconds_bucket{{le="{le}"}}))'


_PROMISES = Dashboard(
    "dsr-promises",
    "dsr: promises",
    "What will be late, by when, and who holds it up.",
    (
        Row(
            (
                stat("Late", _due("0"), says="Open, and past the legal date."),
                stat("Due within a day or late", _due("86400")),
                stat("Due within a week or late", _due("604800")),
                stat("Open", f"sum({_OPEN})"),
                stat(
                    "Receipts untold",
                    "sum(max by (regime, date) (dsr_intake_receipts_untold))",
                    says="Open, and the law has a date for telling that it arrived.",
                ),
                stat(
                    "Answered by the legal date",
                    'sum(increase(dsr_intake_answered_total{promise="kept"}[30d]))'
                    " / sum(increase(dsr_intake_answered_total[30d]))",
                    "percentunit",
                    "Of 30 days; 99.9 % is promised.",
                ),
            ),
            height=5,
        ),
        Row(
            (
                lines("Open, by law", _OPEN, "{{right}} {{regime}}"),
                Panel(
                    "Open, by the time that is left",
                    (
                        Query(
                            "sum by (le) (max by (right, regime, le)"
                            " (dsr_intake_open_due_seconds_bucket))",
                            "{{le}}",
                        ),
                    ),
                    kind="bargauge",
                    says="How many have their date within so many seconds.",
                ),
            )
        ),
        Row(
            (
                lines(
                    "Missing, by organisation",
                    f"sum by (organisation_id) ({_MISSING})",
                    "{{organisation_id}}",
                ),
                lines(
                    "Missing for how long",
                    f"max by (organisation_id) ({_MISSING_AGE})",
                    "{{organisation_id}}",
                    "s",
                ),
            )
        ),
        Row(
            (
                lines(
                    "Age of the oldest open request",
                    "max by (right, regime) (dsr_intake_open_age_seconds)",
                    "{{right}} {{regime}}",
                    "s",
                ),
                Panel(
                    "From receipt to answer",
                    quantiles("dsr_intake_answer_seconds", "regime", legend="{{regime}}"),
                    "s",
                ),
            )
        ),
        Row(
            (
                lines(
                    "Answered late",
                    rate("dsr_intake_answered_total", "regime", where='{promise="broken"}'),
                    "{{regime}}",
                    "reqps",
                    may_be_empty=True,
                ),
                lines(
                    "Decided by people",
                    rate("dsr_intake_decisions_total", "kind"),
                    "{{kind}}",
                    "reqps",
                    may_be_empty=True,
                ),
                lines(
                    "Tiers reached while open",
                    rate("dsr_fanout_tiers_total", "action"),
                    "{{action}}",
                    "reqps",
                    may_be_empty=True,
                ),
            )
        ),
    ),
)

_ONE = '{organisation_id="$organisation"}'
_ORGANISATION = Dashboard(
    "dsr-organisation",
    "dsr: one organisation",
    "What an organisation owes, what it has answered, and what it could not do.",
    (
        Row(
            (
                stat("Owes", f"sum(max by (system_id) (dsr_verifier_missing_obligations{_ONE}))"),
                stat("For how long", f"max(dsr_verifier_missing_age_seconds{_ONE})", "s"),
                stat(
                    "Until the nearest legal date",
                    f"min(max by (system_id) (dsr_verifier_missing_due_seconds{_ONE})"
                    f" and max by (system_id) (dsr_verifier_missing_obligations{_ONE}) > 0)",
                    "s",
                    "Of what it owes; negative once it has passed.",
                    may_be_empty=True,
                ),
                stat(
                    "Stopped by the breaker",
                    'max(dsr_intake_breaker_tripped{scope=~"\\\\*|$organisation"})',
                ),
            ),
            height=5,
        ),
        Row(
            (
                lines(
                    "Owed, by system",
                    f"max by (system_id) (dsr_verifier_missing_obligations{_ONE})",
                    "{{system_id}}",
                ),
                lines(
                    "Owed for how long",
                    f"max by (system_id) (dsr_verifier_missing_age_seconds{_ONE})",
                    "{{system_id}}",
                    "s",
                ),
            )
        ),
        Row(
            (
                lines(
                    "Answers",
                    rate("dsr_verifier_system_answers_total", "disposition", where=_ONE),
                    "{{disposition}}",
                    "reqps",
                ),
                lines(
                    "Answers, by system",
                    rate("dsr_verifier_system_answers_total", "system_id", where=_ONE),
                    "{{system_id}}",
                    "reqps",
                ),
                lines(
                    "Could not do it",
                    rate(
                        "dsr_verifier_system_answers_total",
                        "system_id",
                        "disposition",
                        where='{organisation_id="$organisation",disposition=~"failed|unresolvable|present"}',
                    ),
                    "{{system_id}} {{disposition}}",
                    "reqps",
                    may_be_empty=True,
                ),
            )
        ),
        Row(
            (
                Panel(
                    "From being told to having confirmed",
                    quantiles("dsr_verifier_confirm_seconds", where=_ONE),
                    "s",
                    says="Where its systems wait for others, that wait is in it.",
                ),
                lines(
                    "Answers refused",
                    rate("dsr_verifier_system_answers_refused_total", "reason", where=_ONE),
                    "{{reason}}",
                    "reqps",
                    says="They say that they are from it: a wrong key, or what cannot be taken in.",
                    may_be_empty=True,
                ),
            )
        ),
    ),
    (("organisation", "label_values(dsr_verifier_missing_obligations, organisation_id)"),),
)

_TASK = "temporal_workflow_task"
_OURS = '{application="dsr"}'
"""Other programs' workers give their metrics the same names."""

_ASKED = '{service_name="frontend",namespace!="temporal_system"}'
"""What the server was asked for, without what it asks itself."""

_TEMPORAL = Dashboard(
    "dsr-temporal",
    "dsr: Temporal",
    "Workflows as fanout's worker sees them, and the server that keeps them.",
    (
        Row(
            (
                lines(
                    "Cohorts taken in",
                    rate("dsr_fanout_cohorts_total", "outcome"),
                    "{{outcome}}",
                    "reqps",
                ),
                lines(
                    "Workflows that ended",
                    rate("temporal_workflow_completed_total", "workflow_type", where=_OURS),
                    "{{workflow_type}}",
                    "reqps",
                ),
                lines(
                    "Steps that failed",
                    rate("dsr_fanout_activity_failures_total", "activity", "reason"),
                    "{{activity}} {{reason}}",
                    "reqps",
                    may_be_empty=True,
                ),
            )
        ),
        Row(
            (
                Panel(
                    "Workflow tasks: until a worker takes them",
                    quantiles(f"{_TASK}_schedule_to_start_latency_seconds", where=_OURS),
                    "s",
                ),
                Panel(
                    "Workflow tasks: in hand",
                    quantiles(f"{_TASK}_execution_latency_seconds", where=_OURS),
                    "s",
                ),
                Panel(
                    "Replays",
                    quantiles(f"{_TASK}_replay_latency_seconds", where=_OURS),
                    "s",
                    may_be_empty=True,
                ),
            )
        ),
        Row(
            (
                Panel(
                    "Steps: in hand",
                    quantiles(
                        "temporal_local_activity_execution_latency_seconds",
                        "activity_type",
                        legend="{{activity_type}}",
                        where=_OURS,
                    ),
                    "s",
                    says="They are local activities: none waits for a worker of its own.",
                ),
                Panel(
                    "Steps: until one has succeeded",
                    quantiles(
                        "temporal_local_activity_succeed_endtoend_latency_seconds",
                        "activity_type",
                        legend="{{activity_type}}",
                        where=_OURS,
                    ),
                    "s",
                ),
            )
        ),
        Row(
            (
                lines(
                    "Free slots",
                    f"min by (worker_type) (temporal_worker_task_slots_available{_OURS})",
                    "{{worker_type}}",
                ),
                lines(
                    "Workflows in the cache", f"sum(temporal_sticky_cache_size{_OURS})", "workflows"
                ),
                Panel(
                    "Calls to the server",
                    quantiles(
                        "temporal_request_latency_seconds",
                        "operation",
                        legend="{{operation}}",
                        where=_OURS,
                    ),
                    "s",
                ),
                lines(
                    "Calls that failed",
                    rate("temporal_request_failure_total", "operation", "status_code", where=_OURS),
                    "{{operation}} {{status_code}}",
                    "reqps",
                    may_be_empty=True,
                ),
            )
        ),
        Row(
            (
                lines(
                    "Server: calls",
                    rate("service_requests", "operation", where=_ASKED),
                    "{{operation}}",
                    "reqps",
                ),
                lines(
                    "Server: errors",
                    rate("service_error_with_type", "operation", "error_type", where=_ASKED),
                    "{{operation}} {{error_type}}",
                    "reqps",
                    may_be_empty=True,
                ),
                Panel(
                    "Server: its database",
                    quantiles("persistence_latency", "service_name", legend="{{service_name}}"),
                    "s",
                ),
                Panel(
                    "Server: its own tasks, until done",
                    quantiles("task_latency"),
                    "s",
                ),
            )
        ),
    ),
)

DASHBOARDS = (_PROMISES, LOOP, _ORGANISATION, _TEMPORAL)
