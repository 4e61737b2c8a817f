"""Examples for the API's documentation, on reserved names."""

from __future__ import annotations

from typing import Any

__all__ = [
    "ACCEPTED",
    "AGE_KEY",
    "BATCH",
    "BATCH_RESULTS",
    "BLOCKERS",
    "LETTERS",
    "REQUEST",
    "SUBMISSIONS",
    "TIMELINE",
]

AGE_KEY = "age1cz84afs0c7rs2paavc8maarar5x4kl67qup6v259ngd7rr2fkeaqt5nvt2"
"""A public key of age, whose private half nobody has."""

_ID = "01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f"
_DIGEST = "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"
_RULES = "a5c9f0d1f59a3a0c21c9b7a2c1ce0ad5c2d5f1d4a3c5c7a9d8e7f6a5b4c3d2e1"
_BASE = f"/v1/subject-requests/{_ID}"

_LINKS = {
    "self": _BASE,
    "obligations": f"{_BASE}/obligations",
    "closure": f"{_BASE}/closure",
    "events": f"{_BASE}/events",
    "timeline": f"{_BASE}/timeline",
    "blockers": f"{_BASE}/blockers",
    "letters": f"{_BASE}/letters",
}

SUBMISSIONS: dict[str, Any] = {
    "erasure": {
        "right": "deletion",
        "jurisdiction": "DE",
        "identity": [{"kind": "email", "value": "someone@example.com"}],
        "identity_attested": True,
        "requester": {"role": "data_subject"},
    },
    "erasure of some data, through an agent": {
        "right": "deletion",
        "jurisdiction": "US-CA",
        "identity": [
            {"kind": "email", "value": "someone@example.com"},
            {"kind": "customer_number", "value": "C-1002"},
        ],
        "identity_attested": True,
        "requester": {
            "role": "authorised_agent",
            "authority": {"kind": "power_of_attorney", "reference": "archive/2026-117"},
        },
        "scope": {"categories": ["user.contact"], "organisation_ids": [], "since": "2025-03-01"},
        "channel": "post",
        "received_at": "2026-03-02T09:00:00Z",
        "language": "en-US",
    },
    "correction of a name": {
        "right": "correction",
        "jurisdiction": "DE",
        "identity": [{"kind": "email", "value": "someone@example.com"}],
        "identity_attested": True,
        "requester": {"role": "data_subject"},
        "corrections": [{"category": "user.name", "old": "Jon Doe", "new": "Jane Doe"}],
        "statement": "I have always spelt it so.",
    },
    "opt-out that a visitor's browser asks for": {
        "right": "opt_out",
        "jurisdiction": "US-CA",
        "identity": [{"kind": "cookie_id", "value": "ck1f0c"}],
        "identity_attested": False,
        "requester": {"role": "data_subject"},
    },
}

LETTERS: dict[str, Any] = {
    "request_id": _ID,
    "letters": [
        {
            "kind": "received",
            "number": 1,
            "state": "sent",
            "tries": 1,
            "next_try_at": None,
            "waiting_since": "2026-03-02T09:00:00Z",
            "settled_at": "2026-03-02T09:00:01Z",
            "reason": None,
        }
    ],
}

ACCEPTED: dict[str, Any] = {
    "id": _ID,
    "state": "open",
    "right": "deletion",
    "jurisdiction": "DE",
    "regime": "gdpr",
    "cohort_id": _ID,
    "registry_digest": _DIGEST,
    "rules_digest": _RULES,
    "received_at": "2026-03-02T09:00:00Z",
    "accepted_at": "2026-03-02T09:00:00Z",
    "due_at": "2026-04-02T21:59:59Z",
    "links": _LINKS,
}

REQUEST: dict[str, Any] = {
    **ACCEPTED,
    "regime_why": "General Data Protection Regulation applies in DE",
    "outcome": None,
    "requester": {"role": "data_subject", "evidence": None},
    "scope": {
        "categories": [],
        "organisation_ids": [],
        "system_ids": [],
        "since": None,
        "uses": [],
    },
    "identifier_kinds": ["email"],
    "channel": "api",
    "language": None,
    "identity_proven_at": "2026-03-02T09:00:00Z",
    "closed_at": None,
    "answered_at": None,
    "letters": True,
    "is_duplicate": False,
    "duplicate_of": None,
    "related_to": None,
    "follows": None,
    "follows_why": None,
}

BATCH = (
    '{"idempotency_key":"row-1","right":"deletion","jurisdiction":"DE",'
    '"identity":[{"kind":"email","value":"someone@example.com"}],'
    '"identity_attested":true,"requester":{"role":"data_subject"}}\n'
)

BATCH_RESULTS = f'{{"line":1,"status":202,"id":"{_ID}","cohort_id":"{_ID}"}}\n'

TIMELINE: dict[str, Any] = {
    "right": "deletion",
    "jurisdiction": "DE",
    "regime": "gdpr",
    "regime_why": REQUEST["regime_why"],
    "rules_digest": _RULES,
    "zone": "Europe/Berlin",
    "facts": [{"kind": "received", "at": "2026-03-02T09:00:00+00:00"}],
    "entries": [
        {
            "name": "respond_by",
            "at": "2026-04-02T23:59:59+02:00",
            "rule": "GDPR art. 12(3) (version 1)",
            "why": "1 month after 2026-03-02 is 2026-04-02",
        }
    ],
}

FOLLOW_UPS: dict[str, Any] = {
    "request_id": _ID,
    "follow_ups": [
        {
            "id": "019dc001-6400-7000-8000-00000000002b",
            "why": "verification",
            "state": "answered",
            "outcome": "fulfilled",
            "system_ids": ["payment-methods"],
            "received_at": "2026-05-14T07:21:33Z",
            "due_at": "2026-06-15T21:59:59Z",
            "answered_at": "2026-05-14T07:21:41Z",
            "looks": [
                {
                    "system_id": "payment-methods",
                    "at": "2026-05-14T07:21:40Z",
                    "is_back": False,
                    "records": 0,
                }
            ],
        }
    ],
}

BLOCKERS: dict[str, Any] = {
    "request_id": _ID,
    "state": "open",
    "is_duplicate": False,
    "duplicate_of": None,
    "at_risk": None,
    "blockers": [
        {
            "kind": "system_failed",
            "what": "billing could not do it: the archive is locked",
            "system_id": "billing",
            "hold_id": None,
            "organisation_id": "cloud-europe",
            "owner": "Billing team",
            "contact": "billing@cloud-europe.example.com",
            "since": "2026-03-02T09:00:05Z",
            "next": {"at": "2026-03-02T10:00:00Z", "what": "billing tries again"},
        }
    ],
    "next_date": TIMELINE["entries"][0],
}
