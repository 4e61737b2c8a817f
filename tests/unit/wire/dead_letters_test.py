"""Dead letters: the record as it came, and why it was refused; digging it up gives it back."""

from __future__ import annotations

import pytest

from dsr_core.errors import RejectedInput
from dsr_wire.dead_letters import HEADER_PREFIX, bury, exhume
from dsr_wire.envelope import Headers, Outgoing, header
from dsr_wire.topics import is_dead_letter, origin_of
from support.builders import NOW, days

HEADERS: Headers = (("ce_id", b"1"), ("ce_type", b"\xff"), ("ce_id", b"2"))


def a_letter(
    *,
    value: bytes | None = b"\x00value",
    key: bytes | None = b"key",
    headers: Headers = HEADERS,
    fault: RejectedInput | None = None,
    days_later: int = 0,
) -> Outgoing:
    return bury(
        topic="dsr.closures.v1",
        partition=3,
        offset=41,
        key=key,
        value=value,
        headers=headers,
        fault=fault or RejectedInput("undecodable", "not a closure"),
        refused_by="intake",
        at=NOW + days(days_later),
    )


def test_the_letter_says_who_refused_it_when_and_why() -> None:
    letter = a_letter()
    said = {
        name.removeprefix(HEADER_PREFIX): data.decode()
        for name, data in letter.headers
        if name.startswith(HEADER_PREFIX)
    }
    assert said == {
        "reason": "undecodable",
        "detail": "not a closure",
        "topic": "dsr.closures.v1",
        "partition": "3",
        "offset": "41",
        "refused_by": "intake",
        "refused_at": NOW.isoformat(),
    }


def test_the_letter_goes_to_the_dead_letter_topic_of_its_own() -> None:
    letter = a_letter()
    assert letter.topic == "dsr.closures.v1.dead-letter"
    assert is_dead_letter(letter.topic)
    assert origin_of(letter.topic) == "dsr.closures.v1"


def test_exhuming_gives_the_record_again_byte_for_byte() -> None:
    letter = a_letter()
    found = exhume(origin_of(letter.topic), letter.key, letter.value, letter.headers)
    assert found == Outgoing("dsr.closures.v1", b"key", b"\x00value", tuple(HEADERS))


def test_burying_again_gives_the_same_letter() -> None:
    assert a_letter() == a_letter()


def test_a_record_buried_dug_up_and_buried_again_tells_its_last_refusal_only() -> None:
    first = a_letter()
    second = a_letter(headers=first.headers, days_later=1)
    names = [name for name, _ in second.headers if name.startswith(HEADER_PREFIX)]
    assert len(names) == len(set(names)) == 7
    when = header(second.headers, f"{HEADER_PREFIX}refused_at")
    assert when == (NOW + days(1)).isoformat()


def test_null_keys_values_and_headers_become_empty_ones() -> None:
    letter = a_letter(key=None, value=None, headers=(("a", None),))
    assert (letter.key, letter.value, letter.headers[0]) == (b"", b"", ("a", b""))
    assert exhume("t", None, None, letter.headers) == Outgoing("t", b"", b"", (("a", b""),))


def test_a_long_detail_is_cut() -> None:
    letter = a_letter(fault=RejectedInput("undecodable", "x" * 9000))
    assert header(letter.headers, f"{HEADER_PREFIX}detail") == "x" * 500


def _size(letter: Outgoing) -> int:
    named = sum(len(name.encode()) + len(data) for name, data in letter.headers)
    return len(letter.key) + len(letter.value) + named


def test_a_record_too_large_for_any_letter_loses_its_end_and_says_so() -> None:
    """One that came packed stopped its stream for ever, since it could not be dead-lettered."""
    value = bytes(range(256)) * 16_384
    letter = a_letter(value=value)
    assert _size(letter) < 1_010_000
    assert value.startswith(letter.value)
    assert len(letter.value) > 900_000
    assert header(letter.headers, f"{HEADER_PREFIX}truncated_from") == str(len(value))
    assert letter.headers[: len(HEADERS)] == HEADERS


def test_a_key_or_headers_too_large_for_any_letter_are_cut_too() -> None:
    letter = a_letter(key=b"k" * 2_000_000, value=b"v" * 2_000_000)
    assert _size(letter) < 1_010_000
    letter = a_letter(headers=(("a", b"h" * 2_000_000),))
    assert _size(letter) < 1_010_000
    assert header(letter.headers, f"{HEADER_PREFIX}offset") == "41"


def test_what_was_cut_cannot_be_dug_up_whole() -> None:
    letter = a_letter(value=b"v" * 2_000_000)
    with pytest.raises(RejectedInput, match="too large to be kept whole") as caught:
        exhume(origin_of(letter.topic), letter.key, letter.value, letter.headers)
    assert caught.value.reason == "truncated"


def test_a_record_of_900_kb_is_kept_whole() -> None:
    value = b"v" * 900_000
    letter = a_letter(value=value)
    assert exhume(origin_of(letter.topic), letter.key, letter.value, letter.headers).value == value


def test_a_dead_letter_and_what_is_sent_again_of_it_keep_their_trace() -> None:
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    letter = a_letter(headers=[("traceparent", trace)])
    assert header(letter.headers, "traceparent") == trace.decode()
    again = exhume("dsr.closures.v1", letter.key, letter.value, letter.headers)
    assert again.headers == (("traceparent", trace),)
