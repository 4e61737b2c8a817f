"""HTTP as callers get it wrong: each fault is a 4xx problem that says where, and never what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis.generation import GenerationMode

from dsr_cli.connection import OFFICER
from dsr_cli.demo.people import submission
from dsr_cli.group.bring_up import api_key
from dsr_cli.group.principals import key_of
from support.documented import documented, live_document, search
from support.forging import a_new_id, internal_token
from support.loop import Loop

BASE = "/v1/subject-requests"
BATCH = f"{BASE}:batch"
NDJSON = "application/x-ndjson"
SECRET = "quite-personal-7f3a"
"""Stands in every value that is sent, and in no answer."""

UNKNOWN = "019a0000-0000-7000-8000-00000000abcd"
"""Well-formed, and of no request or cohort."""

_TIMEOUT_S = 20
_A_CLIENT_S = (
    "requests:submit",
    "requests:read",
    "requests:withdraw",
    "requests:identify",
    "webhooks:manage",
)
_ENDLESS = {"/v1/events", f"{BASE}/{{request_id}}/events"}
_PUBLIC = [
    ("POST", BASE),
    ("POST", BATCH),
    ("GET", BASE),
    ("GET", f"{BASE}/{UNKNOWN}"),
    ("GET", f"{BASE}/{UNKNOWN}/obligations"),
    ("GET", f"{BASE}/{UNKNOWN}/closure"),
    ("GET", f"{BASE}/{UNKNOWN}/certificate"),
    ("GET", "/v1/evidence-keys"),
    ("GET", f"{BASE}/{UNKNOWN}/events"),
    ("GET", "/v1/events"),
]
_INTERNAL = [
    ("POST", f"/internal/v1/cohorts/{UNKNOWN}/identities:seal"),
    ("GET", f"/internal/v1/cohorts/{UNKNOWN}"),
]
_OFFICERS = [
    ("POST", "/internal/v1/clients"),
    ("GET", "/internal/v1/clients"),
    ("DELETE", "/internal/v1/clients/0123456789abcdef"),
]


@pytest.fixture(scope="module")
def http(loop: Loop) -> Iterator[httpx.Client]:
    """A caller with the local API key."""
    with httpx.Client(
        base_url=loop.stack.settings.intake_url,
        headers={"Authorization": f"Bearer {api_key(loop.stack)}"},
        timeout=_TIMEOUT_S,
    ) as client:
        yield client


def _problem(answer: httpx.Response, *statuses: int, pointer: str | None = None) -> dict[str, Any]:
    """Return the problem that an answer must be; it says where, and nothing of what was sent."""
    assert answer.status_code in statuses, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)
    if pointer is not None:
        assert pointer in {one["pointer"] for one in document["errors"]}, document
    return document


def _body(**changes: Any) -> dict[str, Any]:
    return {
        "right": "deletion",
        "jurisdiction": "DE",
        "identity": [{"kind": "email", "value": f"{SECRET}@example.com"}],
        "identity_attested": True,
        "requester": {"role": "data_subject"},
        **changes,
    }


_WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("right of a wrong type", {"right": [SECRET]}, "/right"),
    ("unknown right", {"right": SECRET}, "/right"),
    ("jurisdiction of a wrong type", {"jurisdiction": 7}, "/jurisdiction"),
    ("unknown jurisdiction", {"jurisdiction": SECRET}, "/jurisdiction"),
    ("identity that is an object", {"identity": {"email": SECRET}}, "/identity"),
    ("no identity", {"identity": []}, "/identity"),
    (
        "too many identifiers",
        {"identity": [{"kind": "email", "value": f"{SECRET}{n}@x.test"} for n in range(21)]},
        "/identity",
    ),
    ("unknown kind", {"identity": [{"kind": SECRET, "value": SECRET}]}, "/identity/0"),
    ("no email", {"identity": [{"kind": "email", "value": SECRET}]}, "/identity/0/email/value"),
    (
        "value of a wrong type",
        {"identity": [{"kind": "email", "value": {"x": SECRET}}]},
        "/identity/0/email/value",
    ),
    (
        "character zero",
        {"identity": [{"kind": "username", "value": f"{SECRET}\u0000"}]},
        "/identity/0/username/value",
    ),
    (
        "value that is too long",
        {"identity": [{"kind": "username", "value": SECRET * 50}]},
        "/identity/0/username/value",
    ),
    ("attested by text", {"identity_attested": "true"}, "/identity_attested"),
    ("no role", {"requester": {}}, "/requester/role"),
    ("unknown role", {"requester": {"role": SECRET}}, "/requester/role"),
    ("null requester", {"requester": None}, "/requester"),
    ("unknown category", {"scope": {"categories": [f"{SECRET}!"]}}, "/scope/categories/0"),
    ("unknown organisation", {"scope": {"organisation_ids": [f"{SECRET}!"]}}, None),
    ("time without a zone", {"received_at": "2026-01-01T00:00:00"}, "/received_at"),
    ("no such day", {"received_at": "2026-02-31T00:00:00Z"}, "/received_at"),
    ("number for a time", {"received_at": 1}, "/received_at"),
    ("unknown channel", {"channel": SECRET}, "/channel"),
    ("language that is none", {"language": f"{SECRET} "}, "/language"),
]


@pytest.mark.parametrize(("changes", "pointer"), [pytest.param(*c[1:], id=c[0]) for c in _WRONG])
def test_wrong_field_is_named_and_its_value_is_not(
    http: httpx.Client, changes: dict[str, Any], pointer: str | None
) -> None:
    _problem(http.post(BASE, json=_body(**changes)), 422, pointer=pointer)
    line = json.dumps({**_body(**changes), "idempotency_key": a_new_id()}).encode()
    answer = http.post(BATCH, content=line, headers={"Content-Type": NDJSON})
    assert answer.status_code == 200
    [result] = [json.loads(one) for one in answer.text.splitlines()]
    assert result["status"] == 422
    assert SECRET not in answer.text


def test_unknown_field_is_refused_and_its_name_is_not_given_back(http: httpx.Client) -> None:
    _problem(http.post(BASE, json=_body(**{SECRET: 1})), 422)
    inner = {"identity": [{"kind": "email", "value": "a@x.test", SECRET: SECRET}]}
    _problem(http.post(BASE, json=_body(**inner)), 422, pointer="/identity/0/email")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b'{"right": "' + SECRET.encode() + b'\xff"}', id="not UTF-8"),
        pytest.param(b"\xff\xfe" + f'{{"{SECRET}": 1}}'.encode("utf-16-le"), id="UTF-16"),
        pytest.param(b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", id="10,000 arrays deep"),
        pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="10,000 objects deep"),
        pytest.param(b'{"right": NaN}', id="NaN"),
        pytest.param(b'{"right": "\\ud800' + SECRET.encode() + b'"}', id="lone surrogate"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'"' + SECRET.encode() + b'"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"1e999999", id="a large number"),
        pytest.param(b"{}" * 2, id="two documents"),
        pytest.param(b"\x00" * 1000, id="zeros"),
    ],
)
def test_body_that_is_no_json_object_is_refused(http: httpx.Client, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    _problem(http.post(BASE, content=content, headers=headers), 400, 422)


def test_lone_surrogate_in_an_identifier_is_refused(http: httpx.Client) -> None:
    content = json.dumps(_body()).replace(SECRET, "\\udc00" + SECRET).encode()
    headers = {"Content-Type": "application/json"}
    _problem(http.post(BASE, content=content, headers=headers), 400, 422)


def test_body_of_10_mb_is_refused(http: httpx.Client) -> None:
    large = json.dumps(_body(language=SECRET * 600_000))
    assert len(large) > 10_000_000
    headers = {"Content-Type": "application/json"}
    _problem(http.post(BASE, content=large, headers=headers), 413)

    def parts() -> Iterator[bytes]:
        for _ in range(160):
            yield b" " * 65_536

    _problem(http.post(BASE, content=parts(), headers=headers), 413)


def test_broken_lines_in_the_middle_of_a_batch_are_refused_alone(
    loop: Loop, http: httpx.Client
) -> None:
    good = [
        json.dumps({**submission(loop.person()), "idempotency_key": a_new_id()}).encode()
        for _ in range(2)
    ]
    broken = [
        b"{",
        b"\xff" + SECRET.encode(),
        b"[" * 10_000,
        json.dumps(_body()).encode(),
        b'"' + SECRET.encode() * 6_000 + b'"',
        json.dumps({**_body(), "idempotency_key": SECRET + " "}).encode(),
        good[0],
    ]
    content = b"\n".join([good[0], *broken, b"", good[1]])
    answer = http.post(BATCH, content=content, headers={"Content-Type": NDJSON})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(NDJSON)
    assert SECRET not in answer.text
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["line"] for one in results] == [1, 2, 3, 4, 5, 6, 7, 8, 10]
    assert [one["status"] for one in results] == [202, 400, 400, 400, 422, 413, 422, 422, 202]
    assert all(one["problem"]["detail"] for one in results[1:8])


@pytest.mark.parametrize("media", ["text/plain", "application/xml", "", "application/json5"])
def test_wrong_media_type_is_refused(http: httpx.Client, media: str) -> None:
    content = json.dumps(_body()).encode()
    _problem(http.post(BASE, content=content, headers={"Content-Type": media}), 415)
    _problem(http.post(BATCH, content=content, headers={"Content-Type": media}), 415)


@pytest.mark.parametrize(("method", "path"), _PUBLIC)
def test_wrong_method_is_refused_and_the_right_ones_are_named(
    http: httpx.Client, method: str, path: str
) -> None:
    del method
    for wrong in ("PUT", "PATCH", "DELETE"):
        answer = http.request(wrong, path)
        _problem(answer, 405)
        assert answer.headers["allow"]


@pytest.mark.parametrize(("method", "path"), _PUBLIC + _INTERNAL + _OFFICERS)
@pytest.mark.parametrize(
    "given_key",
    [
        None,
        "",
        "Bearer",
        f"Bearer {SECRET}",
        f"Basic {SECRET}",
        "Bearer dsr_0123456789abcdef_" + "0" * 43,
        f"Bearer {SECRET}\xff",
    ],
)
def test_no_or_a_wrong_key_is_refused_on_every_route(
    loop: Loop, method: str, path: str, given_key: str | None
) -> None:
    url = loop.stack.settings.intake_url + path
    headers = {} if given_key is None else {"Authorization": given_key.encode("latin-1")}
    _problem(httpx.request(method, url, headers=headers, timeout=_TIMEOUT_S), 401)


@pytest.mark.parametrize(("method", "path"), _INTERNAL + _OFFICERS)
def test_a_client_s_key_opens_no_internal_route(http: httpx.Client, method: str, path: str) -> None:
    assert "scope" in _problem(http.request(method, path), 403)["detail"]


def test_internal_token_opens_no_public_route(loop: Loop) -> None:
    headers = {"Authorization": f"Bearer {internal_token(loop)}"}
    answer = httpx.get(loop.stack.settings.intake_url + BASE, headers=headers)
    assert "requests:read" in _problem(answer, 403)["detail"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cursor", SECRET),
        ("cursor", ""),
        ("cursor", "A" * 21 + "="),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", SECRET),
        ("state", SECRET),
        ("right", SECRET),
        ("jurisdiction", SECRET),
        ("received_after", SECRET),
        ("received_after", "2026-02-31T00:00:00Z"),
        ("received_before", "2026-01-01"),
    ],
)
def test_bad_query_is_named(http: httpx.Client, name: str, text: str) -> None:
    _problem(http.get(BASE, params={name: text}), 422, pointer=f"/{name}")


@pytest.mark.parametrize("path", ["/v1/events", f"{BASE}/{{id}}/events"])
@pytest.mark.parametrize("given_id", [SECRET, "-1", "9" * 30, "1.2.3", "é"])
async def test_bad_last_event_id_is_refused(loop: Loop, path: str, given_id: str) -> None:
    request_id = await loop.submit()
    url = loop.stack.settings.intake_url + path.format(id=request_id)
    headers = {
        "Authorization": f"Bearer {api_key(loop.stack)}",
        "Last-Event-ID": given_id.encode(),
    }
    async with httpx.AsyncClient() as client, client.stream("GET", url, headers=headers) as answer:
        await answer.aread()
    _problem(answer, 400)
    assert "Last-Event-ID" in answer.text


@pytest.mark.parametrize("request_id", [SECRET, "0" * 36, UNKNOWN.upper(), "%00", "..%2f.."])
@pytest.mark.parametrize("rest", ["", "/obligations", "/closure", "/events"])
def test_bad_id_in_the_path_is_refused(http: httpx.Client, request_id: str, rest: str) -> None:
    _problem(http.get(f"{BASE}/{request_id}{rest}"), 404, 422)


@pytest.mark.parametrize("key", ["a b", "é", "x" * 256, f"{SECRET} {SECRET}"])
def test_bad_idempotency_key_is_refused(http: httpx.Client, key: str) -> None:
    answer = http.post(BASE, json=_body(), headers={"Idempotency-Key": key.encode()})
    assert "Idempotency-Key" in _problem(answer, 400)["detail"]


def test_used_idempotency_key_for_another_body_is_refused(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": a_new_id()}
    first = http.post(BASE, json=_body(), headers=headers)
    assert first.status_code == 202
    again = http.post(BASE, json=_body(), headers=headers)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    _problem(http.post(BASE, json=_body(jurisdiction="FR"), headers=headers), 422)


def _operations() -> list[tuple[str, str]]:
    return [
        ("POST", BASE),
        ("POST", BATCH),
        ("GET", BASE),
        ("GET", f"{BASE}/{{request_id}}"),
        ("GET", f"{BASE}/{{request_id}}/obligations"),
        ("GET", f"{BASE}/{{request_id}}/closure"),
        ("GET", f"{BASE}/{{request_id}}/certificate"),
        ("GET", "/v1/evidence-keys"),
        ("GET", f"{BASE}/{{request_id}}/timeline"),
        ("GET", f"{BASE}/{{request_id}}/blockers"),
        ("GET", f"{BASE}/{{request_id}}/letters"),
        ("GET", f"{BASE}/{{request_id}}/follow-ups"),
        ("GET", f"{BASE}/{{request_id}}/package"),
        ("GET", f"{BASE}/{{request_id}}/package/content"),
        ("GET", "/v1/package-keys"),
        ("POST", "/v1/suppressions/check"),
        ("POST", "/v1/suppressions/opt-in"),
        ("POST", f"{BASE}/{{request_id}}/identity/code"),
        ("POST", f"{BASE}/{{request_id}}/identity/proof"),
        ("GET", "/internal/v1/subject-requests/{request_id}"),
        ("GET", "/internal/v1/subject-requests/{request_id}/letters"),
        ("POST", "/internal/v1/subject-requests/{request_id}/letters:give-up"),
        ("POST", "/internal/v1/subject-requests/{request_id}/letters:send-again"),
        ("POST", "/internal/v1/subject-requests/{request_id}/authority:prove"),
        ("POST", "/internal/v1/letters/bounces"),
        ("POST", "/internal/v1/subject-requests/{request_id}/identity:prove"),
        ("POST", "/internal/v1/cohorts/{cohort_id}/identity:give-up"),
        ("POST", f"{BASE}/{{request_id}}/withdrawal"),
        ("POST", "/internal/v1/subject-requests/{request_id}/refusal"),
        ("POST", "/internal/v1/subject-requests/{request_id}/referral"),
        ("POST", "/internal/v1/subject-requests/{request_id}/extension"),
        ("POST", "/internal/v1/subject-requests/{request_id}/clarification:ask"),
        ("POST", "/internal/v1/subject-requests/{request_id}/clarification:give"),
        ("POST", "/internal/v1/subject-requests/{request_id}/settlements"),
        ("GET", "/internal/v1/subject-requests/{request_id}/settlements"),
        ("POST", "/internal/v1/subject-requests/{request_id}/settlements/{settlement_id}/approval"),
        ("POST", "/internal/v1/subject-requests/{request_id}/appeal:grant"),
        ("GET", "/internal/v1/links"),
        ("GET", "/internal/v1/subject-requests/{request_id}/links"),
        ("POST", "/internal/v1/subject-requests/{request_id}/links/{link_id}/acceptance"),
        ("POST", "/internal/v1/subject-requests/{request_id}/links/{link_id}/refusal"),
        ("POST", "/internal/v1/holds"),
        ("GET", "/internal/v1/holds"),
        ("POST", "/internal/v1/holds/{hold_id}/lift"),
        ("POST", "/internal/v1/cohorts/{cohort_id}/stopping:give-up"),
        ("POST", "/internal/v1/cohorts/{cohort_id}/identities:seal"),
        ("GET", "/internal/v1/cohorts/{cohort_id}"),
        ("GET", "/internal/v1/breaker"),
        ("POST", "/internal/v1/breaker/releases"),
        ("POST", "/internal/v1/breaker/releases/{release_id}/approval"),
        ("GET", "/internal/v1/breaker/refusals"),
        ("POST", "/internal/v1/breaker/refusals"),
        ("POST", "/internal/v1/breaker/refusals/{refusal_id}/approval"),
        ("GET", "/internal/v1/subject-requests/{request_id}/package"),
        ("POST", "/internal/v1/subject-requests/{request_id}/package:link"),
        ("POST", "/internal/v1/subject-requests/{request_id}/package:accept"),
        ("POST", "/internal/v1/subject-requests/{request_id}/package:release"),
        ("POST", "/internal/v1/subject-requests/{request_id}/package:revoke"),
        ("GET", "/internal/v1/suppressions"),
        ("POST", "/internal/v1/audit"),
        ("GET", "/internal/v1/audit"),
        ("GET", "/internal/v1/audit/{entry_id}"),
        ("GET", "/internal/v1/keys"),
        ("POST", "/internal/v1/keys:renew"),
        ("POST", "/internal/v1/keys:rewrap"),
        ("POST", "/internal/v1/keys:rehash"),
        ("DELETE", "/internal/v1/keys/{kek_id}"),
        ("PUT", "/v1/webhook"),
        ("GET", "/v1/webhook"),
        ("POST", "/v1/webhook/secret:rotate"),
        ("POST", "/v1/webhook:replay"),
        ("DELETE", "/v1/webhook"),
        ("POST", "/internal/v1/clients"),
        ("GET", "/internal/v1/clients"),
        ("POST", "/internal/v1/clients/{client_id}/key:rotate"),
        ("PUT", "/internal/v1/clients/{client_id}/package-recipient"),
        ("DELETE", "/internal/v1/clients/{client_id}/package-recipient"),
        ("DELETE", "/internal/v1/clients/{client_id}"),
        ("POST", "/internal/v1/key:rotate"),
    ]


@pytest.fixture(scope="module")
def schema(loop: Loop) -> Any:
    """The live document."""
    for media in (NDJSON, "application/protobuf", "message/rfc822"):
        schemathesis.serializer(media)(_as_bytes)
    return live_document(loop.stack.settings.intake_url)


def _token(loop: Loop, security: list[dict[str, list[str]]]) -> str:
    """Return a credential that may do what an operation needs."""
    [first, *_] = security
    if "internalToken" in first:
        return internal_token(loop)
    may_be_a_client_s = first["apiKey"][0] in _A_CLIENT_S
    return api_key(loop.stack) if may_be_a_client_s else key_of(loop.stack, OFFICER)


def _as_bytes(_context: Any, value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")


def test_every_route_is_searched(schema: Any) -> None:
    endless = {("GET", path) for path in _ENDLESS}
    assert documented(schema) == set(_operations()) | endless


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), _operations())
def test_generated_calls_are_answered_as_documented(
    loop: Loop, schema: Any, method: str, path: str, mode: GenerationMode
) -> None:
    token = _token(loop, schema[path][method].definition.raw["security"])
    # A batch's lines are refused one by one.
    search(schema[path][method], mode, token=token, refuses_whole=path != BATCH)
