from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import orjson

from dsr_core.ids import CohortId, RequestId
from dsr_runtime.kafka import Publisher
from dsr_wire.codec.closures import closures_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.topics import CLOSURES
from support.builders import a_closure
from support.intake import Intake, VerifierDouble
from support.submissions import a_submission
from support.waiting import eventually

BASE = "/v1/subject-requests"


def closing(request_id: str) -> Outgoing:
    closures = [a_closure(request_id=RequestId(request_id), cohort_id=CohortId(request_id))]
    return encode(
        closures_to_wire(CohortId(request_id), closures),
        topic=CLOSURES.name,
        key=request_id,
        event_id="1",
        source="verifier",
        at=datetime.now(UTC),
    )


class Stream:
    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.aiter_lines()

    async def event(self) -> tuple[str, dict[str, Any]] | None:
        """Return the next event that has data; none at the end."""
        kind, data = "", ""
        async for line in self._lines:
            name, _, value = line.partition(": ")
            match name:
                case "event":
                    kind = value
                case "data":
                    data = value
                case "id":
                    self.last_id = value
                case "" if kind:
                    return kind, orjson.loads(data)
        return None


@asynccontextmanager
async def stream(intake: Intake, path: str, **headers: str) -> AsyncIterator[Stream]:
    async with asyncio.timeout(30), intake.http.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


async def test_stream_of_a_request_ends_with_its_answer(
    intake: Intake, publisher: Publisher, verifier: VerifierDouble
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    verifier.obligations[one["id"]] = {
        "obligations": [
            {
                "system_id": "billing",
                "disposition": None,
                "is_confirmed": False,
                "recorded_at": None,
            }
        ]
    }
    async with stream(intake, one["links"]["events"]) as events:
        assert await events.event() == (
            "obligation",
            {
                "request_id": one["id"],
                "system_id": "billing",
                "disposition": None,
                "is_confirmed": False,
                "at": None,
            },
        )
        kind, data = await events.event() or ("", {})
        assert (kind, data["state"]) == ("state", "open")
        verifier.confirm(one["id"], "billing")
        kind, data = await events.event() or ("", {})
        assert (kind, data["system_id"], data["is_confirmed"]) == ("obligation", "billing", True)
        await publisher.publish([closing(one["id"])])
        kind, data = await events.event() or ("", {})
        assert (kind, data["state"], data["outcome"]) == ("state", "answered", "fulfilled")
        assert await events.event() is None
    seen = await intake.http.get(one["links"]["events"], headers={"last-event-id": events.last_id})
    assert seen.status_code == 204


async def test_stream_goes_on_where_it_was_cut_off(
    intake: Intake, publisher: Publisher, verifier: VerifierDouble
) -> None:
    headers = await intake.client()
    first = (await intake.http.post(BASE, json=a_submission(), headers=headers)).json()
    async with stream(intake, "/v1/events", **headers) as events:
        verifier.confirm(first["id"], "billing")
        kind, data = await events.event() or ("", {})
        while kind == "state":  # its acceptance may be told as well
            kind, data = await events.event() or ("", {})
        assert data["system_id"] == "billing"
    foreign = (await intake.http.post(BASE, json=a_submission())).json()
    verifier.confirm(foreign["id"], "crm")
    verifier.confirm(first["id"], "crm")
    second = (await intake.http.post(BASE, json=a_submission(), headers=headers)).json()
    await publisher.publish([closing(first["id"])])
    told: list[tuple[str, str, Any]] = []
    async with stream(
        intake, "/v1/events", **headers, **{"last-event-id": events.last_id}
    ) as again:
        while not {"answered", "open"} <= {what for _, _, what in told}:
            kind, data = await again.event() or ("", {})
            told.append((kind, data["request_id"], data.get("state") or data.get("system_id")))
    assert ("obligation", first["id"], "crm") in told
    assert ("obligation", first["id"], "billing") not in told
    assert ("state", second["id"], "open") in told
    assert ("state", first["id"], "answered") in told
    assert foreign["id"] not in {request_id for _, request_id, _ in told}


async def test_an_open_stream_goes_on_after_the_store_was_away(
    intake: Intake, publisher: Publisher, database: str
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    async with stream(intake, one["links"]["events"]) as events:
        kind, data = await events.event() or ("", {})
        assert (kind, data["state"]) == ("state", "open")
        connection = await asyncpg.connect(database)
        ended = 0

        async def five_have_ended() -> bool:
            nonlocal ended
            rows = await connection.fetch(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            ended += len(rows)
            return ended >= 5

        await eventually(five_have_ended, within=30, what="five connections were cut off")
        await connection.close()
        await publisher.publish([closing(one["id"])])
        while data["state"] == "open":  # its acceptance may be told twice
            kind, data = await events.event() or ("", {})
        assert (kind, data["state"]) == ("state", "answered")
    assert intake.process is not None
    assert not intake.process.stopping.is_set()


async def test_many_listeners_cost_one_reader_and_none_cost_nothing(
    intake: Intake, verifier: VerifierDouble
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    async with httpx.AsyncClient(
        base_url=intake.url,
        headers={"authorization": intake.api_key},
        limits=httpx.Limits(max_connections=60),
        timeout=30,
    ) as http:
        intake_of_many = type("Many", (), {"http": http})()

        async def follow() -> dict[str, Any]:
            async with stream(intake_of_many, one["links"]["events"]) as events:
                while found := await events.event():
                    if found[1].get("system_id") == "crm":
                        return found[1]
            raise AssertionError("ended early")

        before = verifier.polls
        following = [asyncio.create_task(follow()) for _ in range(50)]

        async def polled() -> bool:
            return verifier.polls > before + 2

        await eventually(polled)
        verifier.confirm(one["id"], "crm")
        await asyncio.gather(*following)
        assert verifier.polls - before < 50

    async def nobody_listens() -> bool:
        text = (await intake.http.get("/metrics")).text
        return "dsr_intake_listeners 0.0" in text

    await eventually(nobody_listens)


async def test_wrong_last_event_id_is_refused(intake: Intake) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    for path in ("/v1/events", one["links"]["events"]):
        refused = await intake.http.get(path, headers={"last-event-id": "'; drop"})
        assert refused.status_code == 400
