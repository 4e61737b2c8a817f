"""No record, however it is made, gives a secret or a card's number away; and protecting twice is once."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dsr_core.exports import ProtectedField, Protection
from dsr_core.protecting import RecordProtector

PLANTED = "marked-value-that-must-not-leave"
CARD = "4111 1111 1111 1111"

names = st.sampled_from(["id", "note", "agent", "name", "password", "apiKey", "passport_number"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([CARD, f"x {CARD}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
records = st.dictionaries(names | st.text(max_size=5), values, max_size=6)
FIELDS = [
    ProtectedField("*.agent", Protection.THIRD_PARTY),
    ProtectedField("people.name", Protection.NEVER_DISCLOSED),
]


def protector() -> RecordProtector:
    return RecordProtector(FIELDS, file="people")


def planted(record: Any) -> Any:
    """Put the marked value wherever a protected name stands."""
    if isinstance(record, dict):
        return {
            key: PLANTED if key in {"password", "apiKey", "passport_number"} else planted(value)
            for key, value in record.items()
        }
    return [planted(one) for one in record] if isinstance(record, list) else record


@given(records)
def test_no_record_gives_a_secret_or_a_card_away(record: dict[str, Any]) -> None:
    text = json.dumps(protector().protect(planted(record)), ensure_ascii=False)
    assert PLANTED not in text
    assert CARD not in text


@given(records)
def test_protecting_twice_is_protecting_once(record: dict[str, Any]) -> None:
    once = protector().protect(record)
    again = protector()
    assert again.protect(json.loads(json.dumps(once))) == json.loads(json.dumps(once))
    assert not again.counts


@given(
    st.dictionaries(st.sampled_from(["id", "note", "at"]), st.integers(0, 10**9) | st.booleans())
)
def test_what_needs_no_protection_is_left_alone(record: dict[str, Any]) -> None:
    one = protector()
    assert (one.protect(record), one.counts) == (record, {})
