"""The dashboard of the loop: rates, what waits, and how long each hop takes."""

from __future__ import annotations

from dashboards.panels import Dashboard, Panel, Query, Row
from dashboards.queries import lines, mean, quantiles, rate

__all__ = ["LOOP"]

_OURS = (
    "and on (job, instance) "
    'count by (job, instance) ({__name__=~"dsr_(intake|fanout|verifier)_group_rebalances"})'
)
"""Every exporter gives what it tells of its process the same names."""

LOOP = Dashboard(
    "dsr-loop",
    "dsr: the loop",
    "Rates, what waits, and how long each hop takes.",
    (
        Row(
            (
                lines(
                    "Accepted",
                    rate("dsr_intake_accepted_total", "call", "right"),
                    "{{call}} {{right}}",
                    "reqps",
                ),
                lines(
                    "Closed",
                    rate("dsr_verifier_closures_total", "outcome"),
                    "{{outcome}}",
                    "reqps",
                ),
                lines(
                    "Answered",
                    rate("dsr_intake_answered_total", "outcome"),
                    "{{outcome}}",
                    "reqps",
                ),
            )
        ),
        Row(
            (
                lines(
                    "Accepted, by law",
                    rate("dsr_intake_accepted_total", "right", "regime"),
                    "{{right}} {{regime}}",
                    "reqps",
                ),
                lines(
                    "Closed, by law",
                    rate("dsr_intake_closure_seconds_count", "right", "regime"),
                    "{{right}} {{regime}}",
                    "reqps",
                ),
            )
        ),
        Row(
            (
                lines(
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
                Panel("Accepting", quantiles("dsr_intake_accept_seconds"), "s"),
                Panel(
                    "Fanout's calls",
                    quantiles("dsr_fanout_call_seconds", "part", legend="{{part}}"),
                    "s",
                ),
                Panel(
                    "Systems, from being told to having confirmed",
                    quantiles("dsr_verifier_confirm_seconds"),
                    "s",
                ),
                Panel(
                    "Recording",
                    quantiles("dsr_verifier_batch_seconds", "topic", legend="{{topic}}"),
                    "s",
                ),
                Panel(
                    "From acceptance to closure",
                    quantiles("dsr_intake_closure_seconds", "right", legend="{{right}}"),
                    "s",
                ),
            )
        ),
        Row(
            (
                Panel(
                    "Batches",
                    (
                        Query(mean("dsr_intake_accept_size"), "requests accepted together"),
                        Query(mean("dsr_intake_cohort_size"), "members of a cohort"),
                        Query(mean("dsr_verifier_batch_records", "topic"), "records of {{topic}}"),
                    ),
                ),
                lines("Notices", rate("dsr_fanout_notices_total", "kind"), "{{kind}}", "reqps"),
                lines(
                    "Answers of systems",
                    rate("dsr_verifier_answers_total", "result"),
                    "{{result}}",
                    "reqps",
                ),
            )
        ),
        Row(
            (
                lines(
                    "PostgreSQL: connections of each replica",
                    'sum by (instance, state) ({__name__=~"dsr_(intake|verifier)_postgres_connections"})',
                    "{{instance}} {{state}}",
                ),
                lines(
                    "Kafka: partitions of each replica",
                    'sum by (instance, group_id) ({__name__=~"dsr_(intake|fanout|verifier)_group_partitions"})',
                    "{{instance}} {{group_id}}",
                ),
                lines(
                    "PostgreSQL: callers that wait for one",
                    'sum by (instance) ({__name__=~"dsr_(intake|verifier)_postgres_waiting"})',
                    "{{instance}}",
                ),
            )
        ),
        Row(
            (
                lines(
                    "Refused submissions",
                    rate("dsr_intake_refused_total", "reason"),
                    "{{reason}}",
                    "reqps",
                    may_be_empty=True,
                ),
                lines(
                    "Dead letters",
                    'sum by (reason) (rate({__name__=~"dsr_(intake|fanout|verifier)_dead_letters_total"}[$__rate_interval]))',
                    "{{reason}}",
                    "reqps",
                    may_be_empty=True,
                ),
                lines(
                    "Answers not believed",
                    rate("dsr_verifier_signatures_refused_total", "reason"),
                    "{{reason}}",
                    "reqps",
                ),
                lines(
                    "Batches tried again",
                    rate("dsr_verifier_retries_total", "topic"),
                    "{{topic}}",
                    "reqps",
                    may_be_empty=True,
                ),
            )
        ),
        Row(
            (
                lines("Log: what waits to become a leaf", "max(dsr_verifier_log_pending)", "facts"),
                lines(
                    "Letters that wait", "max by (kind) (dsr_intake_letters_waiting)", "{{kind}}"
                ),
                lines("Waiting for the breaker", "max(dsr_intake_breaker_waiting)", "requests"),
                lines("Answers without obligations", "max(dsr_verifier_parked_answers)", "answers"),
            ),
            height=6,
        ),
        Row(
            (
                lines(
                    "CPU",
                    f"sum by (job) (rate(process_cpu_seconds_total[$__rate_interval]) {_OURS})",
                    "{{job}}",
                    "percentunit",
                ),
                lines(
                    "Memory",
                    f"max by (job, instance) (process_resident_memory_bytes {_OURS})",
                    "{{job}} {{instance}}",
                    "bytes",
                ),
            ),
            height=6,
        ),
    ),
)
