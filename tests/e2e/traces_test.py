"""One request is one trace, from the call that brought it to its letter, with what each system did."""

from __future__ import annotations

import json
import secrets
import uuid
from collections import Counter

import httpx

from dsr_cli.demo.people import submission
from dsr_cli.group.bring_up import api_key
from dsr_examples.catalogue import EXAMPLES
from support.collector import Collector, Exported
from support.loop import Loop
from support.waiting import eventually

SYSTEMS = {f"dsr-system-{one.system_id}" for one in EXAMPLES}
SERVICES = {"dsr-intake", "dsr-fanout", "dsr-verifier"}


def chain(spans: list[Exported], last: Exported) -> list[str]:
    """Return the names from a span up to the one that the trace began with."""
    by_id = {one.span_id: one for one in spans}
    names = [last.name]
    while last.parent_id in by_id:
        last = by_id[last.parent_id]
        names.append(last.name)
    return names


async def submitted(loop: Loop, *, traceparent: str, right: str = "deletion") -> str:
    headers = {"Authorization": f"Bearer {api_key(loop.stack)}", "traceparent": traceparent}
    url = loop.stack.settings.intake_url
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as http:
        answer = await http.post(
            "/v1/subject-requests", json=submission(loop.person()) | {"right": right}
        )
    assert answer.status_code == 202
    return str(answer.json()["id"])


async def test_one_request_is_one_trace_from_the_call_to_the_letter(
    loop: Loop, collected: Collector
) -> None:
    trace_id, caller = secrets.token_hex(16), secrets.token_hex(8)
    request_id = await submitted(loop, traceparent=f"00-{trace_id}-{caller}-01")
    await loop.answered(request_id)

    def is_whole() -> bool:
        spans = collected.trace(trace_id)
        services = {one.service for one in spans}
        return services >= SERVICES | SYSTEMS and any(one.name == "send a letter" for one in spans)

    await eventually(is_whole, what="every process has told of the request")
    spans = collected.trace(trace_id)
    assert {one.service for one in spans} == SERVICES | SYSTEMS
    by_id = {one.span_id for one in spans}
    above = [one for one in spans if one.parent_id not in by_id]
    assert [(one.name, one.parent_id) for one in above] == [
        ("POST /v1/subject-requests", caller)
    ], "the only span without its parent is the call that began it"
    [letter] = [
        one for one in spans if one.name == "send a letter" and "take closures" in chain(spans, one)
    ]
    assert letter.attributes["dsr.request_id"] == request_id
    assert chain(spans, letter) == [
        "send a letter",
        "answer a request",
        "take closures",
        "close",
        "take records",
        "open_and_notify",
        "take a cohort",
        "POST /v1/subject-requests",
    ]
    answering = {one.service for one in spans if one.name == "answer notices"}
    assert answering == SYSTEMS
    [request] = {
        one.attributes["dsr.request_id"] for one in spans if "dsr.request_id" in one.attributes
    }
    assert request == request_id


async def test_a_cohort_of_many_is_a_trace_of_its_own_that_is_linked_to_the_call(
    loop: Loop, collected: Collector
) -> None:
    people = [loop.person() for _ in range(6)]
    lines = [{**submission(one), "idempotency_key": str(uuid.uuid4())} for one in people]
    async with loop.client() as client:
        ids = [one["id"] async for one in client.submit_batch(lines)]
    await loop.answered(*ids)
    cohorts = Counter([(await loop.show(one))["cohort_id"] for one in ids])
    [(cohort_id, size), *_] = cohorts.most_common()
    assert size > 1

    def taken() -> list[Exported]:
        return [
            one
            for one in collected.spans()
            if one.name == "take a cohort" and one.attributes["dsr.cohort_id"] == cohort_id
        ]

    await eventually(lambda: bool(taken()), what="fanout has told of the cohort")
    [one] = taken()
    assert one.parent_id == ""
    [called] = one.links
    assert "POST /v1/subject-requests:batch" in {span.name for span in collected.trace(called)}


async def test_the_letter_keeps_its_trace_and_the_ledger_forgets_it_with_the_closing(
    loop: Loop,
) -> None:
    trace_id = secrets.token_hex(16)
    request_id = await submitted(loop, traceparent=f"00-{trace_id}-{secrets.token_hex(8)}-01")
    await loop.answered(request_id)
    rows = await loop.query(
        "select traceparent from intake.letters where request_id::text = $1", request_id
    )
    assert {row["traceparent"].split("-")[1] for row in rows if row["traceparent"]} == {trace_id}
    left = await loop.query("select 1 from verifier.traces where request_id::text = $1", request_id)
    assert not left, "what was kept until the closing is gone"


async def test_each_line_of_the_logs_about_a_request_names_its_trace(
    loop: Loop, collected: Collector
) -> None:
    trace_id = secrets.token_hex(16)
    traceparent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
    request_id = await submitted(loop, traceparent=traceparent, right="access")
    await loop.answered(request_id)
    logs = [
        loop.stack.settings.logs_dir / f"{name}.log" for name in ("intake", "fanout", "verifier")
    ]
    lines = [
        json.loads(line)
        for log in logs
        for line in log.read_text().splitlines()
        if request_id in line
    ]
    assert "a package is made" in {one["event"] for one in lines}
    assert {one.get("trace_id") for one in lines} == {trace_id}
    assert collected.trace(trace_id), "what a line names is a trace that was told"
