"""Examples for the API's documentation, on reserved names."""

from __future__ import annotations

from typing import Any

__all__ = ["ACCEPTED", "BATCH", "BATCH_RESULTS", "REQUEST", "SUBMISSIONS"]

_ID = "01978f2e-3c4b-7d5a-8e6f-0a1b2c3d4e5f"
_DIGEST = "5f16f4c7f149ac4f9510d9cf8cf384038ad348b3bcdc01915f95de12df9d1b02"
_BASE = f"/v1/subject-requests/{_ID}"

_LINKS = {
    "self": _BASE,
    "obligations": f"{_BASE}/obligations",
    "closure": f"{_BASE}/closure",
    "events": f"{_BASE}/events",
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
        "requester": {"role": "authorised_agent"},
        "scope": {"categories": ["user.contact"], "organisation_ids": []},
        "channel": "post",
        "received_at": "2026-03-02T09:00:00Z",
        "language": "en-US",
    },
}

ACCEPTED: dict[str, Any] = {
    "id": _ID,
    "state": "open",
    "right": "deletion",
    "jurisdiction": "DE",
    "regime": "default",
    "cohort_id": _ID,
    "registry_digest": _DIGEST,
    "received_at": "2026-03-02T09:00:00Z",
    "accepted_at": "2026-03-02T09:00:00Z",
    "due_at": "2026-04-01T09:00:00Z",
    "links": _LINKS,
}

REQUEST: dict[str, Any] = {
    **ACCEPTED,
    "outcome": None,
    "requester": {"role": "data_subject"},
    "scope": {"categories": [], "organisation_ids": []},
    "identifier_kinds": ["email"],
    "channel": "api",
    "language": None,
    "closed_at": None,
    "answered_at": None,
}

BATCH = (
    '{"idempotency_key":"row-1","right":"deletion","jurisdiction":"DE",'
    '"identity":[{"kind":"email","value":"someone@example.com"}],'
    '"identity_attested":true,"requester":{"role":"data_subject"}}\n'
)

BATCH_RESULTS = f'{{"line":1,"status":202,"id":"{_ID}","cohort_id":"{_ID}"}}\n'
