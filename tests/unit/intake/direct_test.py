from __future__ import annotations

import httpx
from fastapi import FastAPI, Request, Response

from dsr_core.errors import Unavailable
from dsr_intake.http.direct import Direct


async def test_a_fault_on_the_hot_path_is_a_problem_document() -> None:
    async def submit(_request: Request) -> Response:
        raise Unavailable("the store is away")

    app = Direct(FastAPI(), method="POST", path="/things", endpoint=submit)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://intake.test"
    ) as client:
        answer = await client.post("/things")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["content-type"] == "application/problem+json"
