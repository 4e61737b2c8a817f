"""Decisions on single requests, as a client or an operator takes them, and what is told of them."""

from __future__ import annotations

from typing import Any

import httpx
import orjson

from dsr_contracts.v1 import commands_pb2, lifecycle_pb2
from dsr_wire.codec.commands import Command, command_from_wire
from dsr_wire.envelope import decode, decode_one_of
from dsr_wire.topics import COMMANDS, LIFECYCLE
from support.intake import Intake, Topics
from support.submissions import a_submission, ndjson

__all__ = [
    "a_cohort",
    "commands",
    "decide",
    "ended_cohorts",
    "outcome_of",
    "refuse",
    "shown",
    "standing",
    "submitted",
    "withdraw",
]

BASE = "/v1/subject-requests"
INTERNAL = "/internal/v1"


async def submitted(intake: Intake, **changes: Any) -> dict[str, Any]:
    """Submit a request of its own cohort."""
    answer = await intake.http.post(BASE, json=a_submission(**changes))
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    accepted: dict[str, Any] = answer.json()
    return accepted


async def a_cohort(intake: Intake, members: int, **changes: Any) -> tuple[str, list[str]]:
    """Submit a batch that becomes one cohort; return its id and its members'."""
    lines = [a_submission(n, idempotency_key=str(n), **changes) for n in range(members)]
    media = {"content-type": "application/x-ndjson"}
    headers = await intake.client()
    answer = await intake.http.post(f"{BASE}:batch", content=ndjson(lines), headers=headers | media)
    results = [orjson.loads(line) for line in answer.text.splitlines()]
    [cohort_id] = {one["cohort_id"] for one in results}
    intake.http.headers["authorization"] = headers["authorization"]
    return cohort_id, [one["id"] for one in results]


async def shown(intake: Intake, request_id: str) -> dict[str, Any]:
    """Return a request as an operator sees it."""
    path = f"{INTERNAL}/subject-requests/{request_id}"
    found: dict[str, Any] = (await intake.http.get(path, headers=intake.desk)).json()
    return found


async def standing(intake: Intake, cohort_id: str) -> tuple[int, int]:
    """Return how many members a cohort has, and how many are open."""
    path = f"{INTERNAL}/cohorts/{cohort_id}"
    found = (await intake.http.get(path, headers=intake.internal)).json()
    return found["members"], found["open_members"]


async def withdraw(intake: Intake, request_id: str, **body: str) -> httpx.Response:
    """Take a request back, as its client."""
    return await intake.http.post(f"{BASE}/{request_id}/withdrawal", json=body)


async def decide(
    intake: Intake, request_id: str, what: str, *, by: dict[str, str] | None = None, **body: Any
) -> httpx.Response:
    """Decide something about a request, as an operator: the desk, unless another is named."""
    path = f"{INTERNAL}/subject-requests/{request_id}/{what}"
    return await intake.http.post(path, headers=by or intake.desk, json=body)


async def refuse(
    intake: Intake, request_id: str, *, by: dict[str, str] | None = None, **body: str
) -> httpx.Response:
    """Refuse a request."""
    words = {"ground": "GDPR 12(5)(b)", "reason": "the fifth this week"}
    return await decide(intake, request_id, "refusal", by=by, **(words | body))


async def commands(topics: Topics, home: str, count: int = 1) -> list[Command]:
    """Return the commands that were told under a home cohort's key."""
    return [
        command_from_wire(decode(record.value, record.headers, commands_pb2.SubjectRequestCommand))
        for record in await topics.find(COMMANDS.name, {home}, count)
    ]


async def ended_cohorts(topics: Topics, cohort_ids: set[str], count: int) -> list[str]:
    """Return the cohorts that were told to be over, of records of some keys."""
    kinds = (lifecycle_pb2.RequestStatesChanged, lifecycle_pb2.CohortAnswered)
    records = await topics.find(LIFECYCLE.name, cohort_ids, count)
    read = [decode_one_of(record.value, record.headers, kinds) for record in records]
    return [one.cohort_id for one in read if isinstance(one, lifecycle_pb2.CohortAnswered)]


def outcome_of(found: dict[str, Any]) -> tuple[str, str | None]:
    """Return where a request stands, and how it ended."""
    return found["state"], found["outcome"]
