"""Every message delivered twice, a batch call interrupted and sent again, and acknowledgements before
their obligations: the same final record.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path
from typing import Any

from temporalio.client import Client

from dsr_cli.demo.holdings import holdings
from dsr_cli.demo.people import submission
from dsr_cli.group.bring_up import api_key
from dsr_contracts.v1 import obligations_pb2
from dsr_core.rights import Disposition
from dsr_wire.envelope import encode, header
from dsr_wire.topics import CLOSURES, LIFECYCLE, OBLIGATIONS
from support.forging import (
    GROUPS,
    a_new_id,
    acknowledge,
    an_answer,
    consumed,
    metric,
    records,
    send,
)
from support.loop import Loop
from support.waiting import eventually


async def _record(loop: Loop, request_id: str) -> dict[str, Any]:
    """Return everything that the group says of a request, from every place that keeps something."""
    temporal = await Client.connect(loop.stack.temporal_address)
    history = await temporal.get_workflow_handle(f"dsr-{request_id}").fetch_history()
    async with loop.client() as client:
        public = {
            "request": await client.show(request_id),
            "obligations": await client.obligations(request_id),
            "closure": await client.closure(request_id),
        }
    answers = await loop.query(
        "select leaf_hash, recorded_at from verifier.acknowledgements"
        " where request_id::text = $1 order by leaf_hash",
        request_id,
    )
    return {
        **public,
        "closures": await loop.closures(request_id),
        "answers": [tuple(row.values()) for row in answers],
        "workflow events": len(history.events),
    }


async def test_every_message_of_a_request_delivered_twice_changes_nothing(loop: Loop) -> None:
    person = loop.person()
    request_id = await loop.submit(person)
    await loop.answered(request_id)
    await consumed(loop, *GROUPS)
    before, held = await _record(loop, request_id), await holdings(loop.stack, [person])
    sent = records(loop, GROUPS)
    mine = [one for one in sent if request_id.encode() in (one.value or b"")]
    topics = {one.topic for one in mine}
    access = {name for name in GROUPS if name.startswith("dsr.access.")}
    assert topics == set(GROUPS) - access, "a deletion leaves something in every topic but access's"
    answered = await metric(loop, "intake", "dsr_intake_answered_total")

    send(loop, *mine)
    await consumed(loop, *GROUPS)

    assert await _record(loop, request_id) == before
    assert await holdings(loop.stack, [person]) == held
    assert before["closures"] == 1
    assert await metric(loop, "intake", "dsr_intake_answered_total") == answered
    again = [one for one in records(loop, GROUPS) if request_id.encode() in (one.value or b"")]
    new = [one for one in again if one not in sent]
    copies = {(one.topic, one.value) for one in mine}
    # The systems answer a notice that comes again with the answer that they gave; nobody else speaks.
    assert {one.topic for one in new if (one.topic, one.value) not in copies} == set()
    assert len([one for one in new if one.topic in {CLOSURES.name, LIFECYCLE.name}]) == len(
        [one for one in mine if one.topic in {CLOSURES.name, LIFECYCLE.name}]
    )


async def test_a_batch_cut_off_in_the_middle_and_sent_again_makes_each_line_one_request(
    loop: Loop,
) -> None:
    people = [loop.person() for _ in range(8)]
    keys = [str(uuid.uuid4()) for _ in range(600)]
    lines = [
        {**submission(people[n % len(people)]), "idempotency_key": key}
        for n, key in enumerate(keys)
    ]
    content = b"".join(json.dumps(one).encode() + b"\n" for one in lines)
    log = loop.stack.settings.logs_dir / "intake.log"
    logged = log.stat().st_size
    before = await _requests(loop)
    await _cut_off(loop, content, at=len(content) * 9 // 10)

    async def some_are_in() -> bool:
        return await _requests(loop) > before

    await eventually(some_are_in, within=30, what="some lines of the broken call are accepted")

    async with loop.client() as client:
        results = [one async for one in client.submit_batch(lines)]

    assert [one["status"] for one in results] == [202] * len(lines)
    assert len({one["id"] for one in results}) == len(lines)
    assert await _requests(loop) == before + len(lines)
    async with loop.client() as client:
        again = [one async for one in client.submit_batch(lines)]
    assert [one["id"] for one in again] == [one["id"] for one in results]
    assert await _requests(loop) == before + len(lines)
    await loop.answered(*(one["id"] for one in results[:: len(lines) // 8]), within=120)
    assert "unexpected fault" not in _since(log, logged), "a caller that hangs up is no fault"


async def test_an_answer_before_its_obligations_is_joined_to_them(loop: Loop) -> None:
    loop.stack.stop(loop.system("newsletter"))
    try:
        # The verifier sees the answer first, and its obligations half a moment later.
        loop.stack.stop("fanout")
        try:
            request_id = await loop.submit()
            parked = await metric(loop, "verifier", "dsr_verifier_answers_total", result="parked")
            acknowledge(loop, an_answer(request_id, "newsletter", Disposition.ERASED, records=3))

            async def is_parked() -> bool:
                now = await metric(loop, "verifier", "dsr_verifier_answers_total", result="parked")
                return now == parked + 1

            await eventually(is_parked, within=30, what="the early answer is parked")
            assert await loop.closures(request_id) == 0
        finally:
            loop.stack.start("fanout")
        await loop.answered(request_id)
    finally:
        loop.stack.start(loop.system("newsletter"))

    owed = await loop.obligations(request_id)
    assert (owed["newsletter"]["disposition"], owed["newsletter"]["records"]) == ("erased", 3)
    assert await loop.closures(request_id) == 1
    left = await loop.query("select 1 from verifier.parked where request_id::text = $1", request_id)
    assert not left


async def test_obligations_opened_again_with_another_plan_are_refused(loop: Loop) -> None:
    request_id = await loop.submit()
    await loop.answered(request_id)
    [opened] = [
        one
        for one in records(loop, [OBLIGATIONS.name])
        if request_id.encode() in (one.value or b"")
        and header(one.headers, "ce_type") == obligations_pb2.ObligationsOpened.DESCRIPTOR.full_name
    ]
    message = obligations_pb2.ObligationsOpened.FromString(opened.value or b"")
    del message.systems[1:]
    message.expected_systems = 1
    before = await loop.obligations(request_id)
    forged = encode(
        message,
        topic=OBLIGATIONS.name,
        key=message.cohort_id,
        event_id=a_new_id(),
        source="fanout",
        at=message.opened_at.ToDatetime(),
    )

    send(loop, forged)

    def is_refused() -> bool:
        return any(
            one.value == forged.value and one.said("reason") == "conflicting_obligations"
            for one in loop.dead_letters(OBLIGATIONS.name)
        )

    await eventually(is_refused, within=30, what="the other plan is dead-lettered")
    assert await loop.obligations(request_id) == before
    assert await loop.closures(request_id) == 1


async def _requests(loop: Loop) -> int:
    [row] = await loop.query("select count(*) as n from intake.subject_requests")
    return int(row["n"])


async def _cut_off(loop: Loop, content: bytes, *, at: int) -> None:
    """Send the beginning of a batch call, and hang up."""
    settings = loop.stack.settings
    _, writer = await asyncio.open_connection(settings.host, settings.intake_port)
    head = (
        "POST /v1/subject-requests:batch HTTP/1.1\r\n"
        f"Host: {settings.host}\r\nAuthorization: Bearer {api_key(loop.stack)}\r\n"
        f"Content-Type: application/x-ndjson\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    writer.write(head.encode() + content[:at])
    await writer.drain()
    writer.transport.abort()


def _since(log: Path, size: int) -> str:
    with log.open("rb") as file:
        file.seek(size)
        return file.read().decode(errors="replace")
