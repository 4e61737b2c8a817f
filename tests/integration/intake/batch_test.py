from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

import orjson
import pytest

from dsr_contracts.v1 import requests_pb2
from dsr_core.cohorts import COHORT_LIMIT
from dsr_intake.http.batch import LINES_LIMIT
from dsr_wire.codec.requests import cohort_accepted_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import REQUESTS
from support.builders import MARKER
from support.intake import Intake, Topics
from support.submissions import a_submission, ndjson
from support.waiting import eventually

BATCH = "/v1/subject-requests:batch"
HEADERS = {"content-type": "application/x-ndjson"}


def a_line(number: int, **changes: Any) -> dict[str, Any]:
    return a_submission(number, idempotency_key=f"line-{number}", **changes)


async def submit(intake: Intake, body: bytes, **headers: str) -> list[dict[str, Any]]:
    answer = await intake.http.post(BATCH, content=body, headers=HEADERS | headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [orjson.loads(line) for line in answer.text.splitlines()]


async def test_broken_lines_in_the_middle_are_refused_alone(intake: Intake) -> None:
    headers = await intake.client()
    body = ndjson(
        [
            a_line(1),
            b'{"broken": ',
            b"\xff\xfe",
            b'{"right": "' + b"x" * 70_000 + b'"}',
            {key: value for key, value in a_line(5).items() if key != "idempotency_key"},
            a_line(1),
            a_line(7, identity=[{"kind": "email", "value": f"{MARKER}\x00@example.com"}]),
            b"[" * 10_000,
            a_line(9, received_at="2999-01-01T00:00:00Z"),
            b"   ",
            a_line(11),
        ]
    )
    results = await submit(intake, body, **headers)
    assert [(one["line"], one["status"]) for one in results] == [
        (1, 202),
        (2, 400),
        (3, 400),
        (4, 413),
        (5, 422),
        (6, 422),
        (7, 422),
        (8, 400),
        (9, 422),
        (11, 202),
    ]
    assert results[5]["problem"]["type"] == "urn:dsr:problem:duplicate_idempotency_key"
    assert MARKER not in orjson.dumps(results).decode()


async def test_batch_interrupted_and_sent_again_gives_the_same_ids(intake: Intake) -> None:
    headers = await intake.client()
    lines = [a_line(n) for n in range(1200)]
    whole = ndjson(lines)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(intake.url.rpartition(":")[2]))
    head = (
        f"POST {BATCH} HTTP/1.1\r\nhost: x\r\nauthorization: {headers['authorization']}\r\n"
        f"content-type: application/x-ndjson\r\ncontent-length: {len(whole)}\r\n\r\n"
    )
    writer.write(head.encode() + ndjson(lines[:700]))
    await writer.drain()
    client_id = headers["authorization"].split("_")[1]

    async def stored() -> dict[str, str]:
        rows = await intake.pool.fetch(
            "select id, cohort_id from intake.subject_requests where client_id = $1", client_id
        )
        return {str(row["id"]): str(row["cohort_id"]) for row in rows}

    before = await eventually(stored)
    writer.transport.abort()
    del reader
    again = await submit(intake, whole, **headers)
    third = await submit(intake, whole, **headers)
    assert {one["status"] for one in again} == {202}
    assert again == third
    ids = {one["id"]: one["cohort_id"] for one in again}
    assert len(ids) == 1200
    assert before.items() <= ids.items()
    assert await stored() == ids


async def test_cohorts_share_what_decides_plan_and_dates(intake: Intake, topics: Topics) -> None:
    headers = await intake.client()
    lines = [
        a_line(
            n,
            jurisdiction=("DE", "FR")[n % 2],
            scope={"categories": [("user.contact", "user.payment")[n // 2 % 2]]},
        )
        for n in range(600)
    ] + [a_line(n, received_at=f"2026-03-0{n - 600}T23:00:00-02:00") for n in range(601, 605)]
    results = await submit(intake, ndjson(lines), **headers)
    sizes = Counter(one["cohort_id"] for one in results)
    assert max(sizes.values()) <= COHORT_LIMIT
    assert len(sizes) == 8 + 4
    records = await topics.find(REQUESTS.name, set(sizes), len(sizes))
    told = {}
    for record in records:
        cohort = cohort_accepted_from_wire(
            decode(record.value, record.headers, requests_pb2.CohortAccepted)
        )
        assert dict(record.headers)["ce_id"].decode() == cohort.cohort_id == record.key.decode()
        told |= dict.fromkeys(cohort.request_ids, cohort.cohort_id)
        assert MARKER.encode() not in record.value
    assert told == {one["id"]: one["cohort_id"] for one in results}


async def test_two_clients_send_the_same_lines_at_once_without_deadlock(intake: Intake) -> None:
    headers = await intake.client()
    lines = [a_line(n) for n in range(1000)]
    forward, backward = await asyncio.gather(
        submit(intake, ndjson(lines), **headers), submit(intake, ndjson(lines[::-1]), **headers)
    )
    assert {one["status"] for one in forward + backward} == {202}
    assert [one["id"] for one in forward] == [one["id"] for one in backward][::-1]


async def test_lines_beyond_the_limit_are_refused_and_the_rest_is_not_lost(intake: Intake) -> None:
    headers = await intake.client()
    body = ndjson([a_line(1)]) + b"\n" * (LINES_LIMIT - 2) + ndjson([a_line(2), a_line(3), b"{"])
    results = await submit(intake, body, **headers)
    assert [(one["line"], one["status"]) for one in results] == [
        (1, 202),
        (LINES_LIMIT, 202),
        (LINES_LIMIT + 1, 413),
    ]
    assert results[-1]["problem"]["type"] == "urn:dsr:problem:too_many_lines"


@pytest.mark.parametrize(
    ("begin", "part", "last"),
    [
        (b"\n" * LINES_LIMIT, b"{}\n" * 20_000, (LINES_LIMIT + 1, "too_many_lines")),
        (b"\n", b"x" * 65_536, (2, "line_too_long")),
    ],
    ids=["lines", "one line"],
)
async def test_a_body_without_end_is_cut_off(
    intake: Intake, begin: bytes, part: bytes, last: tuple[int, str]
) -> None:
    headers = await intake.client()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(intake.url.rpartition(":")[2]))
    head = (
        f"POST {BATCH} HTTP/1.1\r\nhost: x\r\nauthorization: {headers['authorization']}\r\n"
        "content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    writer.write(head.encode() + b"%x\r\n%b\r\n" % (len(begin), begin))

    async def send_for_ever() -> None:
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await writer.drain()

    sending = asyncio.create_task(send_for_ever())
    async with asyncio.timeout(60):
        head_of_answer = await reader.readuntil(b"\r\n\r\n")
        line = await reader.readuntil(b"}}\n")
    assert b"\r\nconnection: close\r\n" in head_of_answer.lower()
    result = orjson.loads(line.split(b"\r\n")[-1])
    assert (result["line"], result["problem"]["type"]) == (last[0], f"urn:dsr:problem:{last[1]}")
    sending.cancel()
    with suppress(ConnectionError, asyncio.CancelledError):
        await sending
    writer.transport.abort()


@pytest.mark.parametrize("media", ["application/json", "text/plain"])
async def test_batch_of_another_media_type_is_refused(intake: Intake, media: str) -> None:
    refused = await intake.http.post(BATCH, content=b"{}", headers={"content-type": media})
    assert refused.status_code == 415


async def test_empty_batch_has_no_results(intake: Intake) -> None:
    assert await submit(intake, b"") == []
