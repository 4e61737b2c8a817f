from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from dsr_core.errors import Unavailable
from dsr_intake.http.direct import Direct, DirectRoute

ID = "0199aa30-1f2e-7c3d-8a4b-5c6d7e8f9a0b"


async def test_a_fault_on_the_hot_path_is_a_problem_document() -> None:
    async def submit(_request: Request) -> Response:
        raise Unavailable("the store is away")

    app = Direct(FastAPI(), routes=[DirectRoute("POST", "/things", submit)])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://intake.test"
    ) as client:
        answer = await client.post("/things")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "served"),
    [
        ("GET", f"/things/{ID}/parts", True),
        ("GET", f"/things/{ID}/parts/", False),
        ("GET", f"/things/{ID}/parts?of=it", True),
        ("GET", f"/more/things/{ID}/parts", False),
        ("GET", f"/things/{ID.upper()}/parts", False),
        ("GET", f"/things/{ID}{ID}/parts", False),
        ("GET", f"/things/{ID}%0A/parts", False),
        ("POST", f"/things/{ID}/parts", False),
        ("HEAD", f"/things/{ID}/parts", False),
    ],
)
async def test_one_method_of_one_path_alone_goes_around_the_router(
    method: str, path: str, *, served: bool
) -> None:
    async def parts(_request: Request, thing_id: str) -> Response:
        return Response(f"the parts of {thing_id}")

    app = Direct(FastAPI(), routes=[DirectRoute("GET", "/things/{thing_id}/parts", parts)])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://intake.test"
    ) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.text == f"the parts of {ID}") == (
        (200, True) if served else (404, False)
    )
