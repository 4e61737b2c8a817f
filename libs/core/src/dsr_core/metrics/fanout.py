"""What fanout says of itself: what it starts, tells and refuses, and how its calls go."""

from __future__ import annotations

from dsr_core.metrics import shared
from dsr_core.metrics.shared import REASON, TOPIC
from dsr_core.metrics.terms import Kind, Label, Metric, collected

COHORTS = Metric(
    name="dsr_fanout_cohorts",
    kind=Kind.COUNTER,
    unit="cohorts",
    meaning="Accepted cohorts read from Kafka, by what became of them",
    labels=(Label("outcome", "started, running, finished or answered", 10),),
)
HINTS = Metric(
    name="dsr_fanout_hints",
    kind=Kind.COUNTER,
    unit="cohorts",
    meaning="CohortAnswered read from Kafka",
    labels=(
        Label.of(
            "outcome",
            "delivered to a workflow, or finished where none runs",
            ("delivered", "finished"),
        ),
    ),
)
PHASES = Metric(
    name="dsr_fanout_phases",
    kind=Kind.COUNTER,
    unit="cohorts",
    meaning="PhaseConfirmed read from Kafka",
    labels=(
        Label.of(
            "outcome",
            "delivered to a workflow, or finished where none runs",
            ("delivered", "finished"),
        ),
    ),
)
COMMANDS = Metric(
    name="dsr_fanout_commands",
    kind=Kind.COUNTER,
    unit="commands",
    meaning="Commands read from Kafka",
    labels=(Label("outcome", "delivered to a workflow, or ended where the cohort has", 10),),
)
TIERS = Metric(
    name="dsr_fanout_tiers",
    kind=Kind.COUNTER,
    unit="cohorts",
    meaning="Tiers that cohorts reached while members were open; a retried try counts again",
    labels=(Label("action", "what the tier calls for", 20),),
)
DEAD_LETTERS = Metric(
    name="dsr_fanout_dead_letters",
    kind=Kind.COUNTER,
    unit="records",
    meaning="Records refused for ever, by topic and reason",
    labels=(TOPIC, REASON),
)
PASSED_OVER = Metric(
    name="dsr_fanout_passed_over",
    kind=Kind.COUNTER,
    unit="records",
    meaning="Records of dsr.lifecycle.v1 that say they are RequestStatesChanged: for observers, and"
    " not decoded here, so rubbish of that type counts as well",
)
BAD_REGISTRY_RECORDS = shared.bad_registry_records("fanout")
CONSUMER_LAG = shared.consumer_lag("fanout")
GROUP_PARTITIONS = shared.group_partitions("fanout")
GROUP_REBALANCES = shared.group_rebalances("fanout")
OBLIGATIONS = Metric(
    name="dsr_fanout_obligations_opened",
    kind=Kind.COUNTER,
    unit="obligations",
    meaning="Obligations put on record; a retried try counts again",
)
AMENDMENTS = Metric(
    name="dsr_fanout_amendments",
    kind=Kind.COUNTER,
    unit="amendments",
    meaning="Amendments published; a retried try counts again",
    labels=(Label("kind", "the kind of the decision", 20),),
)
NOTICES = Metric(
    name="dsr_fanout_notices",
    kind=Kind.COUNTER,
    unit="notices",
    meaning="Notices published; a retried try counts again",
    labels=(
        Label(
            "kind",
            "first, phase (of a later phase of the plan), due (the same at its date, whatever the"
            " earlier ones say), reminder, joined (to a system that joined the plan), stop, suspend,"
            " or perform after a hold",
            10,
        ),
    ),
)
FAILURES = Metric(
    name="dsr_fanout_activity_failures",
    kind=Kind.COUNTER,
    unit="tries",
    meaning="Tries of a workflow's step that failed and will be made again",
    labels=(Label("activity", "the step", 20), REASON),
)
CALLS = Metric(
    name="dsr_fanout_call_seconds",
    kind=Kind.HISTOGRAM,
    meaning="Calls to other services",
    labels=(
        Label.of("part", "the service that is called", ("intake", "verifier")),
        Label("status", "the status of the answer, 0 for none", 15),
    ),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

ALL = collected(dict(globals()))
