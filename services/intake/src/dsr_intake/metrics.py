"""Intake's metrics: each is named here and nowhere else. No label ever holds a personal value."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["Metrics"]

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 1.0, 5.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 250, 500, 1000)


class Metrics:
    """The numbers that intake keeps of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = Counter(
            "dsr_intake_accepted",
            "Subject requests accepted",
            ["call", "right"],
            registry=registry,
        )
        self.refused = Counter(
            "dsr_intake_refused",
            "Subject requests refused, by reason",
            ["call", "reason"],
            registry=registry,
        )
        self.replayed = Counter(
            "dsr_intake_replayed",
            "Submissions answered again under their idempotency key",
            ["call"],
            registry=registry,
        )
        self.accept_seconds = Histogram(
            "dsr_intake_accept_seconds",
            "Time from a valid submission to its commit",
            buckets=_SECONDS,
            registry=registry,
        )
        self.accept_size = Histogram(
            "dsr_intake_accept_size",
            "Subject requests in one transaction of acceptance",
            buckets=_SIZES,
            registry=registry,
        )
        self.cohort_size = Histogram(
            "dsr_intake_cohort_size",
            "Members of a cohort as it was formed",
            buckets=_SIZES,
            registry=registry,
        )
        self.answered = Counter(
            "dsr_intake_answered", "Subject requests answered", registry=registry
        )
        self.identities = Counter(
            "dsr_intake_identities",
            "Subject requests whose requester's identity was awaited, by how that ended",
            ["method"],
            registry=registry,
        )
        self.decisions = Counter(
            "dsr_intake_decisions",
            "What people decided about single subject requests, by what it was",
            ["kind"],
            registry=registry,
        )
        self.holds_refused = Counter(
            "dsr_intake_holds_refused",
            "Holds that could not be placed or lifted on a request, by reason; each try counts",
            ["reason"],
            registry=registry,
        )
        self.authorities = Counter(
            "dsr_intake_authorities",
            "Requesters who were found to be allowed to ask for another person",
            registry=registry,
        )
        self.letters = Counter(
            "dsr_intake_letters",
            "Letters to requesters that ended, by kind and how",
            ["kind", "state"],
            registry=registry,
        )
        self.letters_waiting = Gauge(
            "dsr_intake_letters_waiting",
            "Letters that the mail server does not have yet, by kind; every replica says the same",
            ["kind"],
            registry=registry,
        )
        self.letters_age = Gauge(
            "dsr_intake_letters_waiting_age_seconds",
            "How long the oldest of them has waited, by kind; zero where none does",
            ["kind"],
            registry=registry,
        )
        self.letters_given_up = Gauge(
            "dsr_intake_letters_given_up",
            "Letters that were never sent and that nobody tries any more, by kind, of all time",
            ["kind"],
            registry=registry,
        )
        self.escalations = Counter(
            "dsr_intake_escalations",
            "Mails to teams as a legal date comes near, by what called for them and how they ended",
            ["action", "result"],
            registry=registry,
        )
        self.appeal_tiers = Counter(
            "dsr_intake_appeal_tiers",
            "Appeals that were not decided when a tier of their date came, by what it called for",
            ["action"],
            registry=registry,
        )
        self.deferred = Counter(
            "dsr_intake_deferred_notices",
            "Notices kept until an exemption is reviewed, by what became of them",
            ["step"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "dsr_intake_dead_letters", "Records refused, by reason", ["reason"], registry=registry
        )
        self.bad_registry_records = Counter(
            "dsr_intake_bad_registry_records",
            "Records of the registry topic that could not be read",
            ["reason"],
            registry=registry,
        )
        self.outbox_records = Gauge(
            "dsr_intake_outbox_records",
            "Records that wait in the outbox to be published; every replica says the same",
            registry=registry,
        )
        self.outbox_age = Gauge(
            "dsr_intake_outbox_age_seconds",
            "How long the oldest of them has waited; zero where none does",
            registry=registry,
        )
        self.sealed = Counter(
            "dsr_intake_sealed", "Identities sealed for systems", registry=registry
        )
        self.keys_missing = Counter(
            "dsr_intake_keys_missing",
            "Requests that could not be sealed since their key is gone though they are not answered",
            registry=registry,
        )
        self.keys_unknown = Gauge(
            "dsr_intake_keys_unknown",
            "Requests whose key is wrapped under a key-encryption key that is not at hand",
            registry=registry,
        )
        self.listeners = Gauge("dsr_intake_listeners", "Open streams of events", registry=registry)
        self.breaker_refused = Counter(
            "dsr_intake_breaker_refused",
            "Calls to seal that the breaker has stopped; each try of a cohort counts",
            registry=registry,
        )
        self.breaker_tripped = Gauge(
            "dsr_intake_breaker_tripped",
            "Whether erasures are stopped, for the group (*) and for each organisation",
            ["scope"],
            registry=registry,
        )
        self.breaker_waiting = Gauge(
            "dsr_intake_breaker_waiting",
            "Subject requests of which some system waits for the breaker",
            registry=registry,
        )
        self.webhooks = Counter(
            "dsr_intake_webhooks",
            "Messages to the webhooks of API clients, by how a try ended",
            ["result"],
            registry=registry,
        )
