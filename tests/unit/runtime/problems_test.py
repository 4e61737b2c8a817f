"""Problem documents: every fault has one, and none echoes what the caller sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import asyncpg
import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from prometheus_client import CollectorRegistry, Counter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from dsr_core.errors import RejectedInput, RuleViolation, Unavailable
from dsr_runtime.health import Health
from dsr_runtime.http.app import internal_only, new_app
from dsr_runtime.http.problems import Problem, validation_errors
from support.builders import MARKER

TOKEN = "token-of-the-services"


class Letter(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Literal["letter"]


class Parcel(BaseModel):
    kind: Literal["parcel"]
    weight: int


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: str
    count: int = 1
    names: list[Annotated[str, Field(max_length=3)]] = Field(default_factory=list)
    sizes: dict[str, int] = Field(default_factory=dict)
    post: Annotated[Letter | Parcel, Field(discriminator="kind")] | None = None

    @field_validator("email")
    @classmethod
    def _has_at(cls, value: str) -> str:
        if value == "custom":
            raise PydanticCustomError("value_error", "not like {shown}", {"shown": value})
        if "@" not in value:
            raise ValueError("an address has an @")
        return value


ERRORS: dict[str, Exception] = {
    "rejected": RejectedInput("invalid_scope", "no such organisation", field="scope"),
    "rejected-whole": RejectedInput("too_large", "too many members"),
    "violation": RuleViolation("impossible_transition", "not now"),
    "unavailable": Unavailable("the archive is away"),
    "os-error": ConnectionRefusedError(f"to {MARKER}"),
    "timeout": TimeoutError(),
    "statement": asyncpg.UndefinedTableError(MARKER),
    "problem": Problem(418, "teapot", "no coffee", headers={"X-Pot": "1"}),
    "http": HTTPException(403, "not yours", headers={"X-Why": "1"}),
    "fault": LookupError(MARKER),
}


def an_app() -> FastAPI:
    health, metrics = Health(), CollectorRegistry()
    Counter("dsr_example", "An example", registry=metrics).inc()

    async def check() -> None:
        raise RuntimeError("not connected yet")

    app = new_app(title="Example", description="An example", health=health, metrics=metrics)
    app.state.take_down = lambda: health.add("kafka", check)

    @app.post("/things")
    async def things(body: Body) -> dict[str, int]:
        return {"count": body.count}

    @app.get("/errors/{name}")
    async def errors(name: str) -> None:
        raise ERRORS[name]

    @app.get("/internal", dependencies=[Depends(internal_only(TOKEN))])
    async def internal() -> dict[str, bool]:
        return {"in": True}

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(an_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        yield client


def document(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert MARKER not in answer.text
    return found


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("rejected", 422, "invalid_scope"),
        ("rejected-whole", 422, "too_large"),
        ("violation", 409, "impossible_transition"),
        ("unavailable", 503, "unavailable"),
        ("os-error", 503, "unavailable"),
        ("timeout", 503, "unavailable"),
        ("statement", 500, "internal"),
        ("problem", 418, "teapot"),
        ("http", 403, "forbidden"),
        ("fault", 500, "internal"),
    ],
)
async def test_every_error_is_a_problem_document(
    client: httpx.AsyncClient, name: str, status: int, kind: str
) -> None:
    answer = await client.get(f"/errors/{name}")
    assert answer.status_code == status
    assert document(answer)["type"] == f"urn:dsr:problem:{kind}"


async def test_the_field_to_blame_is_pointed_at(client: httpx.AsyncClient) -> None:
    found = document(await client.get("/errors/rejected"))
    assert found["errors"] == [{"pointer": "/scope", "detail": "no such organisation"}]
    assert "errors" not in document(await client.get("/errors/rejected-whole"))


async def test_who_must_wait_is_told_how_long(client: httpx.AsyncClient) -> None:
    assert (await client.get("/errors/unavailable")).headers["retry-after"] == "2"
    assert (await client.get("/errors/problem")).headers["x-pot"] == "1"
    assert (await client.get("/errors/http")).headers["x-why"] == "1"


async def test_an_unknown_path_is_a_problem_document(client: httpx.AsyncClient) -> None:
    assert document(await client.get(f"/{MARKER}"))["type"] == "urn:dsr:problem:not_found"
    assert document(await client.get("/things"))["type"] == "urn:dsr:problem:method_not_allowed"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/email"),
        ({"email": MARKER}, "/email"),
        ({"email": 5}, "/email"),
        ({"email": "custom"}, "/email"),
        ({"email": "a@b", "count": MARKER}, "/count"),
        ({"email": "a@b", "names": ["abc", MARKER]}, "/names/1"),
        ({"email": "a@b", f"{MARKER}@example.com": 1}, "/…"),
        ({"email": "a@b", "unknown": MARKER}, "/unknown"),
        ({"email": "a@b", "sizes": {f"{MARKER}@example.com": "x"}}, "/sizes/…"),
        ({"email": "a@b", "post": {"kind": MARKER}}, "/post"),
        ({"email": "a@b", "post": {"kind": "parcel", "weight": MARKER}}, "/post/parcel/weight"),
    ],
)
async def test_a_value_that_was_sent_is_never_echoed(
    client: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    answer = await client.post("/things", json=body)
    found = document(answer)
    assert answer.status_code == 422
    assert [error["pointer"] for error in found["errors"]] == [pointer]
    assert all(error["in"] == "body" and error["detail"] for error in found["errors"])


async def test_broken_json_is_told_as_such(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/things", content=f'{{"{MARKER}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert document(answer)["type"] == "urn:dsr:problem:malformed_json"


def test_a_fault_without_a_place_is_the_body_s() -> None:
    with pytest.raises(ValidationError) as caught:
        Letter.model_validate(MARKER)
    assert validation_errors(caught.value.errors())[0]["in"] == "body"


async def test_the_probes_say_how_the_process_is() -> None:
    app = an_app()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake.test") as client:
        assert (await client.get("/livez")).json() == {"status": "alive"}
        assert (await client.get("/readyz")).json() == {"status": "ready", "faults": {}}
        app.state.take_down()
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["faults"]) == (503, {"kafka": "not connected yet"})
        assert (await client.get("/livez")).status_code == 200
        assert "dsr_example_total 1.0" in (await client.get("/metrics")).text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": TOKEN},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": "Bearer é"},
        {"authorization": f"Basic {TOKEN}"},
    ],
)
async def test_internal_calls_need_the_services_token(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    raw = {name: value.encode() for name, value in headers.items()}
    answer = await client.get("/internal", headers=raw)
    assert answer.status_code == 401
    assert TOKEN not in answer.text
    document(answer)


async def test_the_services_are_let_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/internal", headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.json() == {"in": True}
