"""What verifier says of itself: what was answered, what is missing, and what becomes evidence."""

from __future__ import annotations

from dsr_core.metrics import shared
from dsr_core.metrics.shared import ORGANISATION, OUTCOME, REASON, RIGHT, SYSTEM, TOPIC
from dsr_core.metrics.terms import Kind, Label, Metric, collected
from dsr_core.rights import Disposition

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_DAYS = (
    0.1,
    0.3,
    1,
    3,
    10,
    60,
    600,
    3600,
    21_600,
    *(days * 86_400 for days in (1, 3, 7, 14, 30, 45)),
)
_SIZES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)

UNBELIEVED = ("bad_signature", "unknown_key", "key_revoked", "wrong_system")
"""The reasons for which an answer is not believed to be its system's."""

ANSWERS = Metric(
    name="dsr_verifier_answers",
    kind=Kind.COUNTER,
    unit="acknowledgements",
    meaning="Acknowledgements taken in, by what became of them",
    labels=(
        Label.of(
            "result",
            "recorded, repeated (known already), late (after the closure), contradicts_closure"
            " (after it, and against it: data that was said to be gone is still there), parked"
            " (before the obligations)",
            ("recorded", "repeated", "late", "contradicts_closure", "parked"),
        ),
    ),
)
SYSTEM_ANSWERS = Metric(
    name="dsr_verifier_system_answers",
    kind=Kind.COUNTER,
    unit="acknowledgements",
    meaning="Acknowledgements put on record, by who gave them and what they say",
    labels=(
        ORGANISATION,
        SYSTEM,
        Label.of("disposition", "what it says", (one.value for one in Disposition)),
    ),
)
SYSTEM_ANSWERS_REFUSED = Metric(
    name="dsr_verifier_system_answers_refused",
    kind=Kind.COUNTER,
    unit="records",
    meaning="Records of dsr.acknowledgements.v1 that were refused, wholly or in part, by who they say"
    " they are from",
    labels=(ORGANISATION, REASON),
)
MISSING = Metric(
    name="dsr_verifier_missing_obligations",
    kind=Kind.GAUGE,
    unit="obligations",
    meaning="Obligations of open subject requests that their system has not confirmed; every replica"
    " says the same",
    labels=(ORGANISATION, SYSTEM),
)
MISSING_AGE = Metric(
    name="dsr_verifier_missing_age_seconds",
    kind=Kind.GAUGE,
    meaning="How long ago the oldest of them was opened; zero where none is missing",
    labels=(ORGANISATION, SYSTEM),
)
MISSING_DUE = Metric(
    name="dsr_verifier_missing_due_seconds",
    kind=Kind.GAUGE,
    meaning="How long until the nearest legal date of what is missing, negative once it has passed;"
    " zero where none is missing",
    labels=(ORGANISATION, SYSTEM),
)
CONFIRM_SECONDS = Metric(
    name="dsr_verifier_confirm_seconds",
    kind=Kind.HISTOGRAM,
    meaning="From the opening of an obligation to the record of the answer that confirms it; where a"
    " system waits for others by its phase, with that wait",
    labels=(ORGANISATION,),
    buckets=_DAYS,
)
OPENED = Metric(
    name="dsr_verifier_requests_opened",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Subject requests whose obligations were opened",
)
CLOSURES = Metric(
    name="dsr_verifier_closures",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Subject requests closed",
    labels=(RIGHT, OUTCOME),
)
AMENDMENTS = Metric(
    name="dsr_verifier_amendments",
    kind=Kind.COUNTER,
    unit="amendments",
    meaning="Amendments of what is owed, by what became of them",
    labels=(
        Label("kind", "the kind of the decision", 20),
        Label(
            "effect",
            "applied, after_closure (closing came first), unfit (kept, and changes nothing), waiting"
            " (for the obligations)",
            10,
        ),
    ),
)
BREACHES = Metric(
    name="dsr_verifier_hold_breaches",
    kind=Kind.COUNTER,
    unit="erasures",
    meaning="Erasures under a legal hold; each is shown with its request",
    labels=(SYSTEM,),
)
CONTRADICTIONS = Metric(
    name="dsr_verifier_contradictions",
    kind=Kind.COUNTER,
    unit="acknowledgements",
    meaning="Answers that speak against an earlier answer of the same system",
)
STUCK = Metric(
    name="dsr_verifier_counter_faults",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Requests whose counter said that nothing is open and whose obligations said otherwise;"
    " any is a fault of this service",
)
DEAD_LETTERS = Metric(
    name="dsr_verifier_dead_letters",
    kind=Kind.COUNTER,
    unit="records",
    meaning="Records that were refused, by topic and reason",
    labels=(TOPIC, REASON),
)
SIGNATURES_REFUSED = Metric(
    name="dsr_verifier_signatures_refused",
    kind=Kind.COUNTER,
    unit="records",
    meaning="Records of dsr.acknowledgements.v1 that are not believed to be their system's",
    labels=(Label.of("reason", "a code from docs/operations.md", UNBELIEVED),),
)
BAD_REGISTRY_RECORDS = shared.bad_registry_records("verifier")
RETRIES = Metric(
    name="dsr_verifier_retries",
    kind=Kind.COUNTER,
    unit="micro-batches",
    meaning="Micro-batches tried again because a part was away",
    labels=(TOPIC,),
)
BATCH_RECORDS = Metric(
    name="dsr_verifier_batch_records",
    kind=Kind.HISTOGRAM,
    unit="records",
    meaning="Kafka records in a micro-batch",
    labels=(TOPIC,),
    buckets=_SIZES,
)
BATCH_SECONDS = Metric(
    name="dsr_verifier_batch_seconds",
    kind=Kind.HISTOGRAM,
    meaning="From taking a micro-batch to its commit",
    labels=(TOPIC,),
    buckets=_SECONDS,
)
PARKED_FULL = Metric(
    name="dsr_verifier_parked_full",
    kind=Kind.COUNTER,
    unit="acknowledgements",
    meaning="Acknowledgements refused because their system has as many waiting for obligations as it"
    " may; any are true answers that must be replayed, or a system that makes up requests",
)
PARKED = Metric(
    name="dsr_verifier_parked_answers",
    kind=Kind.GAUGE,
    unit="acknowledgements",
    meaning="Acknowledgements that wait for their obligations; every replica says the same",
)
OUTBOX_RECORDS = shared.outbox_records("verifier")
OUTBOX_AGE = shared.outbox_age("verifier")
CONSUMER_LAG = shared.consumer_lag("verifier")
GROUP_PARTITIONS = shared.group_partitions("verifier")
GROUP_REBALANCES = shared.group_rebalances("verifier")
POOL_CONNECTIONS = shared.pool_connections("verifier")
POOL_WAITING = shared.pool_waiting("verifier")
MEASURED_AT = shared.measured_at("verifier")
LOG_LEAVES = Metric(
    name="dsr_verifier_log_leaves",
    kind=Kind.GAUGE,
    unit="leaves",
    meaning="Leaves of the transparency log; every replica says the same",
)
LOG_APPENDED = Metric(
    name="dsr_verifier_log_appended",
    kind=Kind.COUNTER,
    unit="leaves",
    meaning="Leaves that this process has appended",
)
LOG_PENDING = Metric(
    name="dsr_verifier_log_pending",
    kind=Kind.GAUGE,
    unit="facts",
    meaning="Facts that wait to become leaves; every replica says the same",
)
LOG_PENDING_AGE = Metric(
    name="dsr_verifier_log_pending_age_seconds",
    kind=Kind.GAUGE,
    meaning="How long ago the oldest of them happened; zero where none waits",
)
LOG_FORKED = Metric(
    name="dsr_verifier_log_forked",
    kind=Kind.GAUGE,
    unit="0 or 1",
    meaning="One while nothing is appended, since the database is not what was published",
    labels=(
        Label.of(
            "difference",
            "shorter (put back to an earlier time) or contradicting (other leaves)",
            ("shorter", "contradicting"),
        ),
    ),
)
COSIGNATURES = Metric(
    name="dsr_verifier_log_cosignatures",
    kind=Kind.COUNTER,
    unit="answers",
    meaning="Answers of witnesses",
    labels=(
        Label("witness", "its name in DSR_LOG_WITNESSES", 20),
        Label.of("result", "what it answered", ("cosigned", "unavailable", "refused")),
    ),
)
BAD_CHECKPOINTS = Metric(
    name="dsr_verifier_bad_checkpoints",
    kind=Kind.COUNTER,
    unit="records",
    meaning="Records of the checkpoints topic that could not be read",
    labels=(REASON,),
)

ALL = collected(dict(globals()))
