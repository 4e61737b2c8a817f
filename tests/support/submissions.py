"""Bodies of submissions, whose identifiers carry the marker."""

from __future__ import annotations

from typing import Any

import orjson

from support.builders import MARKER

__all__ = ["a_submission", "ndjson"]


def a_submission(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return the body of a deletion."""
    return {
        "right": "deletion",
        "jurisdiction": "DE",
        "identity": [
            {"kind": "email", "value": f"{MARKER}-{number}@example.com"},
            {"kind": "customer_number", "value": f"{MARKER}-{number}"},
        ],
        "identity_attested": True,
        "requester": {"role": "data_subject"},
        **changes,
    }


def ndjson(lines: list[Any]) -> bytes:
    """Return lines as the body of a batch; bytes are taken as they are."""
    return b"".join(
        (line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n" for line in lines
    )
