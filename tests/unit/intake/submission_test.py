from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from dsr_core.errors import RejectedInput
from dsr_core.identity import IDENTIFIER_KINDS
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_core.suppressions import SuppressionKind
from dsr_intake.http.submission import SubjectRequestBody, moment, parse_line, parse_single
from dsr_intake.model import Submission
from dsr_runtime.http.problems import Problem, problem_document
from support.builders import MARKER
from support.submissions import a_submission


def parsed(body: dict[str, Any]) -> Submission:
    return parse_single(orjson.dumps(body), idempotency_key=None)


def test_submission_is_normalised() -> None:
    one = parsed(
        a_submission(
            identity=[{"kind": "email", "value": " Someone@Example.com"[1:]}],
            scope={"categories": ["user.name", "user.contact", "user.name"]},
            received_at="2026-03-02T10:30:00.123456789+01:00",
        )
    )
    assert one.identity.first("email") == "someone@example.com"
    assert one.scope == Scope(("user.contact", "user.name"))
    assert one.received_at == datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-01:00",
        "9999-12-31t23:00:00.999999999-23:59",
        "2026-02-30T00:00:00Z",
    ],
)
def test_a_time_that_no_clock_in_utc_shows_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(RejectedInput) as raised:
        moment(text, field="received_before")
    assert raised.value.field == "received_before"
    with pytest.raises(RejectedInput) as raised:
        parsed(a_submission(received_at=text))
    assert raised.value.field == "received_at"


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "1000-01-01T00:00:00+23:59"])
def test_the_last_and_the_first_time_are_taken_in_utc(text: str) -> None:
    assert moment(text, field="received_before").tzinfo is UTC


def test_content_is_the_same_for_the_same_submission_only() -> None:
    body = a_submission()
    turned = dict(reversed(body.items())) | {"channel": "api", "scope": None}
    spaced = parse_single(orjson.dumps(turned, option=orjson.OPT_INDENT_2), idempotency_key="k")
    assert spaced.content == parsed(body).content
    line = parse_line(orjson.dumps(body | {"idempotency_key": "k"}))
    assert line.content == parsed(body).content
    assert parsed(a_submission(2)).content != parsed(body).content


def test_a_part_of_the_data_is_what_the_person_says() -> None:
    young = parsed(a_submission(scope={"since": "2025-03-01"}))
    assert young.scope == Scope(since=date(2025, 3, 1))
    unsold = parsed(a_submission(right="opt_out", scope={"uses": ["sale_or_sharing"]}))
    assert unsold.scope == Scope(uses=(SuppressionKind.SALE_OR_SHARING,))
    uncalled = parsed(a_submission(right="objection", scope={"uses": ["marketing"]}))
    assert uncalled.scope == Scope(uses=(SuppressionKind.MARKETING,))


def test_keys_from_before_a_part_could_be_named_so_hold() -> None:
    categories = {"categories": ["user.contact"], "organisation_ids": []}
    content = parsed(a_submission(scope=categories)).content
    assert orjson.loads(content)["scope"] == categories
    young = parsed(a_submission(scope=categories | {"since": "2025-03-01"})).content
    assert orjson.loads(young)["scope"]["since"] == "2025-03-01"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"right": "\\ud800"}',
        b'{"right": "del' + b"\x00" + b'etion"}',
        b'{"right": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Problem) as raised:
        parse_single(body, idempotency_key=None)
    assert raised.value.status == 400


@pytest.mark.parametrize(
    "change",
    [
        {MARKER: 1},
        {"right": MARKER},
        {"right": None},
        {"jurisdiction": MARKER},
        {"jurisdiction": "ZZ"},
        {"jurisdiction": "de"},
        {"jurisdiction": "US-CALI"},
        {"identity": []},
        {"identity": [{"kind": "email", "value": f"{MARKER}@example.com"}] * 21},
        {"identity": [{"kind": "email", "value": f"{MARKER}@exa\x00mple.com"}]},
        {"identity": [{"kind": "email", "value": MARKER}]},
        {"identity": [{"kind": MARKER, "value": MARKER}]},
        {"identity": [{"kind": "email", "value": f"{MARKER}@example.com", MARKER: 1}]},
        {"identity": [{"kind": "username", "value": "\u00a0 "}]},
        {"identity": [{"kind": "username", "value": MARKER * 100}]},
        {"identity": [{"kind": "customer_number", "value": " - "}]},
        {"identity": [{"kind": "phone", "value": f"{MARKER}12345"}]},
        {"identity": [{"kind": "phone", "value": "1" * 16}]},
        {"identity": {MARKER: MARKER}},
        {"identity_attested": 1},
        {"requester": {"role": MARKER}},
        {"scope": {"categories": [MARKER]}},
        {"scope": {"organisation_ids": ["Not A Slug"]}},
        {"scope": {"since": MARKER}},
        {"scope": {"since": "2025-02-30"}},
        {"scope": {"since": "2025-03-01"}, "right": "opt_out"},
        {"scope": {"uses": [MARKER]}, "right": "opt_out"},
        {"scope": {"uses": []}, "right": "opt_out"},
        {"scope": {"uses": ["re_import"]}, "right": "opt_out"},
        {"scope": {"uses": ["sale_or_sharing"]}, "right": "objection"},
        {"scope": {"uses": ["re_import"]}},
        {"scope": {"uses": ["marketing"]}, "right": "access"},
        {"channel": "fax"},
        {"received_at": 1_700_000_000},
        {"received_at": "1700000000"},
        {"received_at": "2026-02-30T00:00:00Z"},
        {"received_at": "2026-03-02T09:30:00"},
        {"received_at": "0001-01-01T00:00:00+23:59"},
        {"language": "x" * 40},
    ],
    ids=repr,
)
def test_fault_is_pointed_at_and_nothing_that_was_sent_is_shown(change: dict[str, Any]) -> None:
    with pytest.raises((Problem, Exception)) as raised:
        parsed(a_submission(**change))
    problem = raised.value
    if isinstance(problem, Problem):
        assert problem.status == 422
        assert problem.errors
        shown = orjson.dumps(problem_document(problem)).decode()
    else:
        shown = str(problem)
    assert MARKER not in shown


def test_not_a_number_is_refused() -> None:
    body = orjson.dumps(a_submission()).replace(b"true", b"NaN")
    with pytest.raises(Problem) as raised:
        parse_single(body, idempotency_key=None)
    assert raised.value.status == 422


def test_every_kind_of_identifier_can_be_sent() -> None:
    schema = orjson.dumps(SubjectRequestBody.model_json_schema()).decode()
    assert all(f'"{kind}"' in schema for kind in IDENTIFIER_KINDS)
    values = {"email": "a@example.com", "phone": "+49 (30) 123-45", "ip_address": "::1"}
    one = parsed(
        a_submission(
            identity=[{"kind": kind, "value": values.get(kind, "A-1")} for kind in IDENTIFIER_KINDS]
        )
    )
    assert one.identity.kinds == tuple(sorted(IDENTIFIER_KINDS))


def test_line_needs_its_key() -> None:
    with pytest.raises(Problem) as raised:
        parse_line(orjson.dumps(a_submission()))
    assert raised.value.errors == [{"pointer": "/idempotency_key", "detail": "Field required"}]


def test_a_batch_takes_attested_requests_only() -> None:
    line = orjson.dumps(a_submission(identity_attested=False) | {"idempotency_key": "k"})
    with pytest.raises(Problem) as raised:
        parse_line(line)
    assert raised.value.errors
    assert raised.value.errors[0]["pointer"] == "/identity_attested"
    assert "one by one" in raised.value.errors[0]["detail"]


def test_a_batch_takes_an_opt_out_of_whoever_asks() -> None:
    body = a_submission(identity_attested=False, right="opt_out") | {"idempotency_key": "k"}
    assert parse_line(orjson.dumps(body)).right is Right.OPT_OUT
