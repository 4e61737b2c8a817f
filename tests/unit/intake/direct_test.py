from __future__ import annotations

import asyncpg
import httpx
from fastapi import FastAPI, Request, Response

from dsr_intake.http.direct import Direct


async def test_a_passing_fault_of_postgresql_on_the_hot_path_is_told_as_unavailable() -> None:
    async def submit(_request: Request) -> Response:
        raise asyncpg.AdminShutdownError("57P01")

    app = Direct(FastAPI(), method="POST", path="/things", endpoint=submit)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://intake.test"
    ) as client:
        answer = await client.post("/things")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
