"""Bodies that are small to send and would be large to read, and those that say two things at once."""

from __future__ import annotations

import gzip
import tracemalloc
from typing import Any

import orjson
import pytest

from dsr_intake.http.submission import parse_line, parse_single
from dsr_runtime.http.problems import Problem
from support.submissions import a_submission

LIMIT = 65_536
"""What the call reads at most (`tests/e2e/http_test.py`)."""

SOUND = orjson.dumps(a_submission())


def put_in(name: str, value: bytes) -> bytes:
    """A sound submission with one more member, or with that one again."""
    return SOUND[:-1] + b',"' + name.encode() + b'":' + value + b"}"


def nested(opening: bytes, closing: bytes) -> bytes:
    depth = (LIMIT - 2_000) // (len(opening) + len(closing))
    return opening * depth + b"1" + closing * depth


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(nested(b"[", b"]"), id="lists"),
        pytest.param(nested(b'{"a":', b"}"), id="objects"),
        pytest.param(put_in("scope", nested(b"[", b"]")), id="lists in a field"),
        pytest.param(put_in("scope", nested(b'{"categories":', b"}")), id="objects in a field"),
        pytest.param(put_in("scope", b"1e999999999"), id="a huge power"),
        pytest.param(put_in("received_at", b"9" * (LIMIT - 2_000)), id="a huge number"),
        pytest.param(put_in("received_at", b"-0." + b"9" * (LIMIT - 2_000)), id="a long fraction"),
        pytest.param(put_in("scope", b"NaN"), id="not a number"),
        pytest.param(
            put_in("scope", b'{"categories":[' + b'"a",' * 15_000 + b'"a"]}'), id="a long list"
        ),
        pytest.param(
            put_in("identity", b"[" + b'{"kind":"x"},' * 4_000 + b"{}]"), id="many identifiers"
        ),
        pytest.param(gzip.compress(SOUND), id="a packed body"),
        pytest.param(gzip.compress(b"[" * 10_000_000), id="a packed bomb"),
        pytest.param(SOUND.decode().encode("utf-16"), id="another encoding"),
    ],
)
@pytest.mark.parametrize("parse", ["single", "line"])
def test_a_bomb_is_refused_in_little_memory(parse: str, body: bytes) -> None:
    assert len(body) <= LIMIT
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as raised:
            _ = parse_line(body) if parse == "line" else parse_single(body, idempotency_key=None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert raised.value.status in {400, 422}
    assert peak < 16_000_000


def test_the_blame_for_ten_thousand_faults_is_short() -> None:
    unknown = ",".join(f'"f{n}":1' for n in range(6_000))
    with pytest.raises(Problem) as raised:
        parse_single(SOUND[:-1] + b"," + unknown.encode() + b"}", idempotency_key=None)
    assert len(raised.value.errors) <= 100


def an_identity(value: str) -> list[dict[str, Any]]:
    return [{"kind": "email", "value": value}]


def test_of_two_identities_in_one_body_one_counts_for_everything() -> None:
    """The last, as for most readers of JSON: what is hashed, sealed and told of is that one alone."""
    second = an_identity("second@example.com")
    twice = parse_single(put_in("identity", orjson.dumps(second)), idempotency_key=None)
    once = parse_single(orjson.dumps(a_submission(identity=second)), idempotency_key=None)
    assert twice.identity == once.identity
    assert twice.content == once.content
    assert [one.value for one in twice.identity.identifiers] == ["second@example.com"]
