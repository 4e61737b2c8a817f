"""What intake says of itself: what is accepted and open, what was promised, and who is told."""

from __future__ import annotations

from dsr_core.metrics import shared
from dsr_core.metrics.shared import DAYS, OUTCOME, REASON, REGIME, RIGHT, SECONDS, SIZES
from dsr_core.metrics.terms import Kind, Label, Metric, collected

_CALL = Label.of(
    "call",
    "how it came: alone, in a batch, or as an appeal",
    ("single", "batch", "appeal"),
)
_LETTER = Label("kind", "the kind of letter", 20)
DUE_WITHIN = tuple(days * 86_400.0 for days in (0, 0.25, 1, 2, 3, 7, 14, 30, 45, 90))
"""The bounds of `OPEN_DUE`, in seconds from now; what is due within nothing is late."""

DUE_LABELS = (*(str(int(one)) for one in DUE_WITHIN), "+Inf")
"""The values of its label `le`."""

ACCEPTED = Metric(
    name="dsr_intake_accepted",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Subject requests accepted",
    labels=(_CALL, RIGHT, REGIME),
)
REFUSED = Metric(
    name="dsr_intake_refused",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Subject requests refused, by reason; `overloaded` and `unavailable` are ours",
    labels=(_CALL, Label("reason", "the code of the problem document", 80)),
)
REPLAYED = Metric(
    name="dsr_intake_replayed",
    kind=Kind.COUNTER,
    unit="submissions",
    meaning="Submissions answered again under their idempotency key",
    labels=(_CALL,),
)
ACCEPT_SECONDS = Metric(
    name="dsr_intake_accept_seconds",
    kind=Kind.HISTOGRAM,
    meaning="Time from a valid submission to its commit",
    buckets=SECONDS,
)
ACCEPT_SIZE = Metric(
    name="dsr_intake_accept_size",
    kind=Kind.HISTOGRAM,
    unit="subject requests",
    meaning="Subject requests in one transaction of acceptance",
    buckets=SIZES,
)
COHORT_SIZE = Metric(
    name="dsr_intake_cohort_size",
    kind=Kind.HISTOGRAM,
    unit="subject requests",
    meaning="Members of a cohort as it was formed",
    buckets=SIZES,
)
OPEN = Metric(
    name="dsr_intake_open_requests",
    kind=Kind.GAUGE,
    unit="subject requests",
    meaning="Subject requests that are accepted and not answered; every replica says the same",
    labels=(RIGHT, REGIME),
)
OPEN_AGE = Metric(
    name="dsr_intake_open_age_seconds",
    kind=Kind.GAUGE,
    meaning="How long ago the oldest of them was received; zero where none is open",
    labels=(RIGHT, REGIME),
)
OPEN_DUE = Metric(
    name="dsr_intake_open_due_seconds_bucket",
    kind=Kind.GAUGE,
    unit="subject requests",
    meaning="Open subject requests whose next legal date is at most so many seconds away, as a"
    " histogram of now; `le` of zero are late. Every replica says the same",
    labels=(
        RIGHT,
        REGIME,
        Label.of("le", "seconds until the date", DUE_LABELS),
    ),
)
ANSWERED = Metric(
    name="dsr_intake_answered",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Subject requests answered, and whether by their legal date",
    labels=(
        RIGHT,
        REGIME,
        OUTCOME,
        Label.of("promise", "whether its legal date was kept", ("kept", "broken")),
    ),
)
ANSWER_SECONDS = Metric(
    name="dsr_intake_answer_seconds",
    kind=Kind.HISTOGRAM,
    meaning="From the receipt of a subject request to its answer",
    labels=(RIGHT, REGIME),
    buckets=DAYS,
)
CLOSURE_SECONDS = Metric(
    name="dsr_intake_closure_seconds",
    kind=Kind.HISTOGRAM,
    meaning="From the acceptance of a subject request to its closure; its count is of the closed",
    labels=(RIGHT, REGIME),
    buckets=DAYS,
)
IDENTITIES = Metric(
    name="dsr_intake_identities",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Subject requests whose requester's identity was awaited, by how that ended",
    labels=(Label("method", "how it was proven, or `never`", 20),),
)
DECISIONS = Metric(
    name="dsr_intake_decisions",
    kind=Kind.COUNTER,
    unit="decisions",
    meaning="What people decided about single subject requests, by what it was",
    labels=(Label("kind", "the event of the lifecycle", 40),),
)
HOLDS_REFUSED = Metric(
    name="dsr_intake_holds_refused",
    kind=Kind.COUNTER,
    unit="tries",
    meaning="Holds that could not be placed or lifted on a request, by reason; each try counts",
    labels=(REASON,),
)
AUTHORITIES = Metric(
    name="dsr_intake_authorities",
    kind=Kind.COUNTER,
    unit="requesters",
    meaning="Requesters who were found to be allowed to ask for another person",
)
LETTERS = Metric(
    name="dsr_intake_letters",
    kind=Kind.COUNTER,
    unit="letters",
    meaning="Letters to requesters that ended, by kind and how",
    labels=(_LETTER, Label("state", "how it ended", 10)),
)
LETTERS_WAITING = Metric(
    name="dsr_intake_letters_waiting",
    kind=Kind.GAUGE,
    unit="letters",
    meaning="Letters that the mail server does not have yet, by kind; every replica says the same",
    labels=(_LETTER,),
)
LETTERS_AGE = Metric(
    name="dsr_intake_letters_waiting_age_seconds",
    kind=Kind.GAUGE,
    meaning="How long the oldest of them has waited, by kind; zero where none does",
    labels=(_LETTER,),
)
LETTERS_GIVEN_UP = Metric(
    name="dsr_intake_letters_given_up",
    kind=Kind.GAUGE,
    unit="letters",
    meaning="Letters that were never sent and that nobody tries any more, by kind, of all time",
    labels=(_LETTER,),
)
RECEIPTS_UNTOLD = Metric(
    name="dsr_intake_receipts_untold",
    kind=Kind.GAUGE,
    unit="subject requests",
    meaning="Subject requests whose person was not told that they arrived, where the law has a date for"
    " telling, by whether it has passed; every replica says the same",
    labels=(REGIME, Label.of("date", "whether it is to come", ("ahead", "passed"))),
)
ESCALATIONS = Metric(
    name="dsr_intake_escalations",
    kind=Kind.COUNTER,
    unit="mails",
    meaning="Mails to teams as a legal date comes near, by what called for them and how they ended",
    labels=(Label("action", "the tier's action", 20), Label("result", "how it ended", 10)),
)
APPEAL_TIERS = Metric(
    name="dsr_intake_appeal_tiers",
    kind=Kind.COUNTER,
    unit="appeals",
    meaning="Appeals that were not decided when a tier of their date came, by what it called for",
    labels=(Label("action", "the tier's action", 20),),
)
DEFERRED = Metric(
    name="dsr_intake_deferred_notices",
    kind=Kind.COUNTER,
    unit="notices",
    meaning="Notices kept until a system is asked again, by what became of them",
    labels=(Label("step", "what became of it", 10),),
)
LINKS = Metric(
    name="dsr_intake_links",
    kind=Kind.COUNTER,
    unit="links",
    meaning="Identifiers that systems found out, each time that one is judged, by the reason of its use or refusal",
    labels=(REASON,),
)
LINKS_MISSED = Metric(
    name="dsr_intake_links_missed",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Subject requests of which systems were told before links on their way had come; they are told anew",
)
DEAD_LETTERS = Metric(
    name="dsr_intake_dead_letters",
    kind=Kind.COUNTER,
    unit="records",
    meaning="Records refused for ever, by reason",
    labels=(REASON,),
)
BAD_REGISTRY_RECORDS = shared.bad_registry_records("intake")
OUTBOX_RECORDS = shared.outbox_records("intake")
OUTBOX_AGE = shared.outbox_age("intake")
CONSUMER_LAG = shared.consumer_lag("intake")
GROUP_PARTITIONS = shared.group_partitions("intake")
GROUP_REBALANCES = shared.group_rebalances("intake")
POOL_CONNECTIONS = shared.pool_connections("intake")
POOL_WAITING = shared.pool_waiting("intake")
MEASURED_AT = shared.measured_at("intake")
SEALED = Metric(
    name="dsr_intake_sealed",
    kind=Kind.COUNTER,
    unit="identities",
    meaning="Identities sealed for systems",
)
KEYS_MISSING = Metric(
    name="dsr_intake_keys_missing",
    kind=Kind.COUNTER,
    unit="subject requests",
    meaning="Requests that could not be sealed since their key is gone though they are not answered",
)
KEYS_UNKNOWN = Metric(
    name="dsr_intake_keys_unknown",
    kind=Kind.GAUGE,
    unit="subject requests",
    meaning="Requests whose key is wrapped under a key-encryption key that is not at hand",
)
LISTENERS = Metric(
    name="dsr_intake_listeners",
    kind=Kind.GAUGE,
    unit="streams",
    meaning="Open streams of events of this replica",
)
BREAKER_REFUSED = Metric(
    name="dsr_intake_breaker_refused",
    kind=Kind.COUNTER,
    unit="calls",
    meaning="Calls to seal that the breaker has stopped; each try of a cohort counts",
)
BREAKER_TRIPPED = Metric(
    name="dsr_intake_breaker_tripped",
    kind=Kind.GAUGE,
    unit="0 or 1",
    meaning="Whether erasures are stopped, for the group (`*`) and for each organisation",
    labels=(Label("scope", "`*`, or an organisation of the registry", 501),),
)
BREAKER_WAITING = Metric(
    name="dsr_intake_breaker_waiting",
    kind=Kind.GAUGE,
    unit="subject requests",
    meaning="Subject requests of which some system waits for the breaker",
)
WEBHOOKS = Metric(
    name="dsr_intake_webhooks",
    kind=Kind.COUNTER,
    unit="messages",
    meaning="Messages to the webhooks of API clients, by how a try ended",
    labels=(Label.of("result", "how the try ended", ("delivered", "failed", "given_up")),),
)
PACKAGES = Metric(
    name="dsr_intake_packages",
    kind=Kind.COUNTER,
    unit="packages",
    meaning="Packages for access, by what became of a try to make one, and of the package",
    labels=(Label.of("result", "what became of it", ("made", "postponed", "failed", "expired")),),
)
PACKAGES_WAITING = Metric(
    name="dsr_intake_packages_waiting",
    kind=Kind.GAUGE,
    unit="packages",
    meaning="Packages that are to be made; every replica says the same",
)
PACKAGES_SET_ASIDE = Metric(
    name="dsr_intake_packages_set_aside",
    kind=Kind.GAUGE,
    unit="packages",
    meaning="Packages that have failed again and again and that nobody tries any more, until an operator"
    " decides so; every replica says the same",
)
PACKAGES_AGE = Metric(
    name="dsr_intake_packages_waiting_age_seconds",
    kind=Kind.GAUGE,
    unit="seconds",
    meaning="Since when the oldest of them is wanted; zero where none is",
)
PACKAGE_BYTES = Metric(
    name="dsr_intake_package_bytes",
    kind=Kind.COUNTER,
    unit="bytes",
    meaning="Bytes of the packages that were made, in the clear",
)
EXPORTS_REFUSED = Metric(
    name="dsr_intake_exports_refused",
    kind=Kind.COUNTER,
    unit="exports",
    meaning="What systems had handed over and could not be used: their packages name it as missing",
    labels=(
        Label.of(
            "reason",
            "why it could not",
            (
                "cannot_open",
                "corrupted_part",
                "invalid_index",
                "invalid_name",
                "part_missing",
                "too_large",
                "too_many_files",
                "unreadable_records",
                "wrong_digest",
                "wrong_index",
                "wrong_length",
            ),
        ),
    ),
)
PROTECTED_HERE = Metric(
    name="dsr_intake_protected_here",
    kind=Kind.COUNTER,
    unit="values",
    meaning="Values that systems had handed over and should have protected; they were, in the package",
    labels=(Label.of("protection", "how they were", ("never_disclosed", "secret", "third_party")),),
)
DOWNLOADS = Metric(
    name="dsr_intake_package_downloads",
    kind=Kind.COUNTER,
    unit="calls",
    meaning="Calls for packages by their links, by how they ended",
    labels=(Label.of("result", "how it ended", ("whole", "range", "locked", "refused", "failed")),),
)

HAND_OVERS = Metric(
    name="dsr_intake_hand_overs",
    kind=Kind.COUNTER,
    unit="packages",
    meaning="Packages for the callbacks of API clients, as each is begun and as it ends; each part is a"
    " message among those to webhooks",
    labels=(
        Label.of(
            "result",
            "what became of it",
            (
                "begun",
                "expired",
                "failed",
                "given_up",
                "handed_over",
                "no_webhook",
                "not_allowed",
                "of_another_client",
                "request_ended",
                "revoked",
            ),
        ),
    ),
)

ALL = collected(dict(globals()))
