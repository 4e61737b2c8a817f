"""Between values of the domain and columns of the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

import asyncpg

from dsr_core.acknowledgements import Acknowledgement, Exemption, SettledBy, Standing
from dsr_core.exports import Delivery
from dsr_core.plan import Scope
from dsr_core.rights import Disposition, Right
from dsr_wire.canonical import canonical, read_canonical
from dsr_wire.certificate.asked import read_scope, scope_value
from dsr_wire.envelope import Headers

__all__ = [
    "delivery_text",
    "delivery_value",
    "exemptions_text",
    "exemptions_value",
    "headers_text",
    "headers_value",
    "scope_of",
    "scope_text",
    "settled_by_text",
    "standing_of",
]

# Looking a member up by its value is several times faster than calling the enumeration.
_DISPOSITIONS = {one.value: one for one in Disposition}


def exemptions_value(exemptions: tuple[Exemption, ...]) -> list[dict[str, Any]]:
    """Return exemptions as JSON values."""
    return [
        {
            "ground": one.ground,
            "review_at": one.review_at.isoformat(),
            "categories": list(one.categories),
            "records": one.records,
        }
        for one in exemptions
    ]


def exemptions_text(exemptions: tuple[Exemption, ...]) -> str | None:
    """Return exemptions as a column holds them; none for none."""
    if not exemptions:
        return None
    return json.dumps(exemptions_value(exemptions), separators=(",", ":"))


def delivery_value(delivery: Delivery | None) -> dict[str, Any] | None:
    """Return what was handed over as a JSON value; bytes in hexadecimal."""
    if delivery is None:
        return None
    return {
        **asdict(delivery),
        "sealed_key": delivery.sealed_key.hex(),
        "index_digest": delivery.index_digest.hex(),
    }


def delivery_text(delivery: Delivery | None) -> str | None:
    """Return what was handed over as a column holds it; none for nothing."""
    value = delivery_value(delivery)
    return None if value is None else json.dumps(value, separators=(",", ":"))


def settled_by_text(by: SettledBy | None) -> str | None:
    """Return who answered in place of a system as a column holds it; none where the system did."""
    return None if by is None else json.dumps(asdict(by), separators=(",", ":"))


def standing_of(row: asyncpg.Record, right: Right) -> Standing:
    """Return the standing that a row with `STANDING_COLUMNS` holds."""
    (
        request_id, system_id, sequence, records, contradictions, is_confirmed, is_contradicted,
        answered_at, retry_at, disposition, reason, exemptions, settled_by, delivery,
    ) = row  # fmt: skip
    answer = Acknowledgement(
        request_id=request_id,
        system_id=system_id,
        right=right,
        disposition=_DISPOSITIONS[disposition],
        sequence=sequence,
        answered_at=answered_at,
        records=records,
        exemptions=_exemptions(exemptions),
        reason=reason or "",
        retry_at=retry_at,
        settled_by=_settled_by(settled_by),
        delivery=_delivery(delivery),
    )
    return Standing(answer, is_confirmed, is_contradicted, contradictions)


def headers_text(headers: Headers) -> str:
    """Return Kafka headers as a column holds them."""
    return json.dumps([[name, (value or b"").hex()] for name, value in headers])


def headers_value(text: str) -> tuple[tuple[str, bytes], ...]:
    """Return the Kafka headers that a column holds."""
    return tuple((name, bytes.fromhex(value)) for name, value in json.loads(text))


def scope_text(scope: Scope) -> str | None:
    """Return what part of the data is meant as a column holds it; none where nothing is limited."""
    return None if scope == Scope() else canonical(scope_value(scope)).decode()


def scope_of(text: str | None) -> Scope:
    """Return what part of the data is meant, from its column."""
    return Scope() if text is None else read_scope(read_canonical(text.encode()), "")


def _settled_by(text: str | None) -> SettledBy | None:
    return None if text is None else SettledBy(**json.loads(text))


def _delivery(text: str | None) -> Delivery | None:
    if text is None:
        return None
    fields = json.loads(text)
    for name in ("sealed_key", "index_digest"):
        fields[name] = bytes.fromhex(fields[name])
    return Delivery(**fields)


def _exemptions(text: str | None) -> tuple[Exemption, ...]:
    if text is None:
        return ()
    return tuple(
        Exemption(
            ground=one["ground"],
            review_at=datetime.fromisoformat(one["review_at"]),
            categories=tuple(one["categories"]),
            records=one["records"],
        )
        for one in json.loads(text)
    )
