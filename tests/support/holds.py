"""Legal holds, as an operator places and lifts them."""

from __future__ import annotations

from typing import Any

import httpx

from support.decisions import INTERNAL, shown
from support.intake import Intake

__all__ = ["lift", "listed", "place", "placed", "someone", "state_of"]

WORDS = {"authority": "District Court", "reason": "litigation 12-345"}


def someone(name: str) -> list[dict[str, str]]:
    return [{"kind": "email", "value": f"{name}@example.com"}]


async def place(intake: Intake, *, key: str | None = None, **body: Any) -> httpx.Response:
    headers = intake.desk | ({"idempotency-key": key} if key else {})
    return await intake.http.post(f"{INTERNAL}/holds", headers=headers, json=WORDS | body)


async def placed(intake: Intake, **body: Any) -> str:
    answer = await place(intake, **body)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    hold_id: str = answer.json()["id"]
    return hold_id


async def lift(intake: Intake, hold_id: str) -> httpx.Response:
    path = f"{INTERNAL}/holds/{hold_id}/lift"
    body = {"reason": "the case is settled"}
    return await intake.http.post(path, headers=intake.desk, json=body)


async def listed(intake: Intake) -> dict[str, dict[str, Any]]:
    found = (await intake.http.get(f"{INTERNAL}/holds", headers=intake.desk)).json()
    return {one["id"]: one for one in found["holds"]}


async def state_of(intake: Intake, request_id: str) -> str:
    return str((await shown(intake, request_id))["state"])
