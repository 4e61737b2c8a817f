"""The four dashboards: what each asks of Prometheus.

A gauge of which every replica says the same is taken once, by `max`; counters are added.
"""

from __future__ import annotations

from dashboards.panels import Dashboard, Panel, Query, Row

__all__ = ["DASHBOARDS"]

_OPEN = "max by (right, regime) (dsr_intake_open_requests)"
_MISSING = "max by (organisation_id, system_id) (dsr_verifier_missing_obligations)"
_MISSING_AGE = "max by (organisation_id, system_id) (dsr_verifier_missing_age_seconds)"


def _due(le: str) -> str:
    return f'sum(max by (right, regime) (dsr_intake_open_due_seconds_bucket{{le="{le}"}}))'


def _rate(metric: str, *by: str, where: str = "") -> str:
    return f"sum by ({', '.join(by)}) (rate({metric}{where}[$__rate_interval]))"


def _quantile(share: float, metric: str, *by: str, where: str = "") -> str:
    return f"histogram_quantile({share}, {_rate(f'{metric}_bucket', 'le', *by, where=where)})"


def _quantiles(metric: str, *by: str, legend: str = "") -> tuple[Query, ...]:
    return tuple(
        Query(_quantile(share, metric, *by), f"{legend} {name}".strip())
        for share, name in ((0.5, "half"), (0.95, "19 of 20"))
    )


def _mean(metric: str, *by: str) -> str:
    return f"{_rate(f'{metric}_sum', *by)} / {_rate(f'{metric}_count', *by)}"


def _stat(title: str, expr: str, unit: str = "short", says: str = "") -> Panel:
    return Panel(title, (Query(expr),), unit, "stat", says)


def _lines(
    title: str,
    expr: str,
    legend: str = "",
    unit: str = "short",
    *,
    says: str = "",
    may_be_empty: bool = False,
) -> Panel:
    return Panel(title, (Query(expr, legend),), unit, says=says, may_be_empty=may_be_empty)


_PROMISES = Dashboard(
    "dsr-promises",
    "dsr: promises",
    "What will be late, by when, and who holds it up.",
    (
        Row(
            (
                _stat("Late", _due("0"), says="Open, and past the legal date."),
                _stat("Due within a day or late", _due("86400")),
                _stat("Due within a week or late", _due("604800")),
                _stat("Open", f"sum({_OPEN})"),
                _stat(
                    "Receipts untold",
                    "sum(max by (regime, date) (dsr_intake_receipts_untold))",
                    says="Open, and the law has a date for telling that it arrived.",
                ),
                _stat(
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
                _lines("Open, by law", _OPEN, "{{right}} {{regime}}"),
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
                _lines(
                    "Missing, by organisation",
                    f"sum by (organisation_id) ({_MISSING})",
                    "{{organisation_id}}",
                ),
                _lines(
                    "Missing for how long",
                    f"max by (organisation_id) ({_MISSING_AGE})",
                    "{{organisation_id}}",
                    "s",
                ),
            )
        ),
        Row(
            (
                _lines(
                    "Age of the oldest open request",
                    "max by (right, regime) (dsr_intake_open_age_seconds)",
                    "{{right}} {{regime}}",
                    "s",
                ),
                Panel(
                    "From receipt to answer",
                    _quantiles("dsr_intake_answer_seconds", "regime", legend="{{regime}}"),
                    "s",
                ),
            )
        ),
        Row(
            (
                _lines(
                    "Answered late",
                    _rate("dsr_intake_answered_total", "regime", where='{promise="broken"}'),
                    "{{regime}}",
                    "reqps",
                    may_be_empty=True,
                ),
                _lines(
                    "Decided by people",
                    _rate("dsr_intake_decisions_total", "kind"),
                    "{{kind}}",
                    "reqps",
                    may_be_empty=True,
                ),
                _lines(
                    "Tiers reached while open",
                    _rate("dsr_fanout_tiers_total", "action"),
                    "{{action}}",
                    "reqps",
                    may_be_empty=True,
                ),
            )
        ),
    ),
)

_LOOP = Dashboard(
    "dsr-loop",
    "dsr: the loop",
    "Rates, what waits, and how long each hop takes.",
    (
        Row(
            (
                _lines(
                    "Accepted",
                    _rate("dsr_intake_accepted_total", "call", "right"),
                    "{{call}} {{right}}",
                    "reqps",
                ),
                _lines(
                    "Closed",
                    _rate("dsr_verifier_closures_total", "outcome"),
                    "{{outcome}}",
                    "reqps",
                ),
                _lines(
                    "Answered",
                    _rate("dsr_intake_answered_total", "outcome"),
                    "{{outcome}}",
                    "reqps",
                ),
            )
        ),
        Row(
            (
                _lines(
                    "Accepted, by law",
                    _rate("dsr_intake_accepted_total", "right", "regime"),
                    "{{right}} {{regime}}",
                    "reqps",
                ),
                _lines(
                    "Closed, by law",
                    _rate("dsr_intake_closure_seconds_count", "right", "regime"),
                    "{{right}} {{regime}}",
                    "reqps",
                ),
            )
        ),
        Row(
            (
                _lines(
                    "Unread records",
                    'max by (topic) ({__name__=~"dsr_(intake|fanout|verifier)_consumer_lag_records"})',
                    "{{topic}}",
                ),
                Panel(
                    "Outbox: how long the oldest record has waited",
                    (
                        Query("max(dsr_intake_outbox_age_seconds)", "intake"),
                        Query("max(dsr_verifier_outbox_age_seconds)", "verifier"),
                    ),
                    "s",
                ),
                Panel(
                    "Outbox: records",
                    (
                        Query("max(dsr_intake_outbox_records)", "intake"),
                        Query("max(dsr_verifier_outbox_records)", "verifier"),
                    ),
                ),
            )
        ),
        Row(
            (
                Panel("Accepting", _quantiles("dsr_intake_accept_seconds"), "s"),
                Panel(
                    "Fanout's calls",
                    _quantiles("dsr_fanout_call_seconds", "part", legend="{{part}}"),
                    "s",
                ),
                Panel(
                    "Recording",
                    _quantiles("dsr_verifier_batch_seconds", "topic", legend="{{topic}}"),
                    "s",
                ),
                Panel(
                    "From acceptance to closure",
                    _quantiles("dsr_intake_closure_seconds", "right", legend="{{right}}"),
                    "s",
                ),
            )
        ),
        Row(
            (
                Panel(
                    "Batches",
                    (
                        Query(_mean("dsr_intake_accept_size"), "requests accepted together"),
                        Query(_mean("dsr_intake_cohort_size"), "members of a cohort"),
                        Query(_mean("dsr_verifier_batch_records", "topic"), "records of {{topic}}"),
                    ),
                ),
                _lines("Notices", _rate("dsr_fanout_notices_total", "kind"), "{{kind}}", "reqps"),
                _lines(
                    "Answers of systems",
                    _rate("dsr_verifier_answers_total", "result"),
                    "{{result}}",
                    "reqps",
                ),
            )
        ),
        Row(
            (
                _lines(
                    "Refused submissions",
                    _rate("dsr_intake_refused_total", "reason"),
                    "{{reason}}",
                    "reqps",
                    may_be_empty=True,
                ),
                _lines(
                    "Dead letters",
                    'sum by (reason) (rate({__name__=~"dsr_(intake|fanout|verifier)_dead_letters_total"}[$__rate_interval]))',
                    "{{reason}}",
                    "reqps",
                    may_be_empty=True,
                ),
                _lines(
                    "Answers not believed",
                    _rate("dsr_verifier_signatures_refused_total", "reason"),
                    "{{reason}}",
                    "reqps",
                ),
                _lines(
                    "Batches tried again",
                    _rate("dsr_verifier_retries_total", "topic"),
                    "{{topic}}",
                    "reqps",
                    may_be_empty=True,
                ),
            )
        ),
        Row(
            (
                _lines(
                    "Log: what waits to become a leaf", "max(dsr_verifier_log_pending)", "facts"
                ),
                _lines(
                    "Letters that wait", "max by (kind) (dsr_intake_letters_waiting)", "{{kind}}"
                ),
                _lines("Waiting for the breaker", "max(dsr_intake_breaker_waiting)", "requests"),
                _lines(
                    "Answers without obligations", "max(dsr_verifier_parked_answers)", "answers"
                ),
            ),
            height=6,
        ),
        Row(
            (
                _lines(
                    "CPU",
                    "sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]))",
                    "{{job}}",
                    "percentunit",
                ),
                _lines(
                    "Memory",
                    "max by (job, instance) (process_resident_memory_bytes)",
                    "{{job}} {{instance}}",
                    "bytes",
                ),
            ),
            height=6,
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
                _stat("Owes", f"sum(max by (system_id) (dsr_verifier_missing_obligations{_ONE}))"),
                _stat("For how long", f"max(dsr_verifier_missing_age_seconds{_ONE})", "s"),
                _stat(
                    "Stopped by the breaker",
                    'max(dsr_intake_breaker_tripped{scope=~"\\\\*|$organisation"})',
                ),
            ),
            height=5,
        ),
        Row(
            (
                _lines(
                    "Owed, by system",
                    f"max by (system_id) (dsr_verifier_missing_obligations{_ONE})",
                    "{{system_id}}",
                ),
                _lines(
                    "Owed for how long",
                    f"max by (system_id) (dsr_verifier_missing_age_seconds{_ONE})",
                    "{{system_id}}",
                    "s",
                ),
            )
        ),
        Row(
            (
                _lines(
                    "Answers",
                    _rate("dsr_verifier_system_answers_total", "disposition", where=_ONE),
                    "{{disposition}}",
                    "reqps",
                ),
                _lines(
                    "Answers, by system",
                    _rate("dsr_verifier_system_answers_total", "system_id", where=_ONE),
                    "{{system_id}}",
                    "reqps",
                ),
                _lines(
                    "Could not do it",
                    _rate(
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
    ),
    (("organisation", "label_values(dsr_verifier_missing_obligations, organisation_id)"),),
)

_TASK = "temporal_workflow_task"
_TEMPORAL = Dashboard(
    "dsr-temporal",
    "dsr: Temporal",
    "Workflows as fanout's worker sees them; the server has dashboards of its own.",
    (
        Row(
            (
                _lines(
                    "Cohorts taken in",
                    _rate("dsr_fanout_cohorts_total", "outcome"),
                    "{{outcome}}",
                    "reqps",
                ),
                _lines(
                    "Workflows that ended",
                    _rate("temporal_workflow_completed_total", "workflow_type"),
                    "{{workflow_type}}",
                    "reqps",
                ),
                _lines(
                    "Steps that failed",
                    _rate("dsr_fanout_activity_failures_total", "activity", "reason"),
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
                    _quantiles(f"{_TASK}_schedule_to_start_latency_seconds"),
                    "s",
                ),
                Panel(
                    "Workflow tasks: in hand", _quantiles(f"{_TASK}_execution_latency_seconds"), "s"
                ),
                Panel(
                    "Replays", _quantiles(f"{_TASK}_replay_latency_seconds"), "s", may_be_empty=True
                ),
            )
        ),
        Row(
            (
                Panel(
                    "Steps: in hand",
                    _quantiles(
                        "temporal_local_activity_execution_latency_seconds",
                        "activity_type",
                        legend="{{activity_type}}",
                    ),
                    "s",
                    says="They are local activities: none waits for a worker of its own.",
                ),
                Panel(
                    "Steps: until one has succeeded",
                    _quantiles(
                        "temporal_local_activity_succeed_endtoend_latency_seconds",
                        "activity_type",
                        legend="{{activity_type}}",
                    ),
                    "s",
                ),
            )
        ),
        Row(
            (
                _lines(
                    "Free slots",
                    "min by (worker_type) (temporal_worker_task_slots_available)",
                    "{{worker_type}}",
                ),
                _lines("Workflows in the cache", "sum(temporal_sticky_cache_size)", "workflows"),
                Panel(
                    "Calls to the server",
                    _quantiles(
                        "temporal_request_latency_seconds", "operation", legend="{{operation}}"
                    ),
                    "s",
                ),
                _lines(
                    "Calls that failed",
                    _rate("temporal_request_failure_total", "operation", "status_code"),
                    "{{operation}} {{status_code}}",
                    "reqps",
                    may_be_empty=True,
                ),
            )
        ),
    ),
)

DASHBOARDS = (_PROMISES, _LOOP, _ORGANISATION, _TEMPORAL)
