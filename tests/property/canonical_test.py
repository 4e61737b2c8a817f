"""What a library does fast is what another one says: canonical JSON, and protobuf's times."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import example, given
from hypothesis import strategies as st

from dsr_core.errors import RejectedInput
from dsr_wire.canonical import canonical, read_canonical
from dsr_wire.codec.fields import time_from_wire

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)
INT64 = st.integers(-(2**63), 2**63 - 1)


@given(DOCUMENTS)
@example({"\ufb33": 1, "\U0001f600": 2, '\x7f\x1f\n"\\/': 3})
def test_the_form_of_a_document_is_that_of_the_standard_library(document: Any) -> None:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(document) == text.encode()
    assert read_canonical(text.encode()) == document


@given(
    INT64 | st.integers(-62_135_596_801, 253_402_300_800),
    st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 10**9),
)
@example(0, 999)
@example(253_402_300_799, 999_999_999)
def test_a_time_is_read_as_protobuf_s_own_reader_does(seconds: int, nanos: int) -> None:
    message = Timestamp(seconds=seconds, nanos=nanos)
    try:
        expected = message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        expected = None
    try:
        found = time_from_wire(message, field="at")
    except RejectedInput:
        found = None
    is_missing = expected is not None and expected.timestamp() == 0
    assert found == (None if is_missing else expected)
