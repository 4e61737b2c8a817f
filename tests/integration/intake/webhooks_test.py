"""An API client is told of every change of its own requests, at least once, on real PostgreSQL and HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from integration.intake.audit_test import entries

from dsr_cli.stack import Stack
from dsr_intake.application.webhook_calls import signature
from dsr_runtime.http.app import HttpServer
from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.process import Process
from support.decisions import refuse, submitted
from support.intake import Intake, VerifierDouble, running_intake
from support.parts import fresh_database
from support.services import free_port
from support.submissions import a_submission
from support.waiting import eventually

PATH = "/v1/webhook"


@dataclass
class Shop:
    """A client's own server: says what it is told to, and keeps what it was sent."""

    url: str = ""
    status: int = 204
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    before_it_answers: Callable[[], Awaitable[object]] | None = None
    """Done once, when it has heard something and has not answered yet."""

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/hook")
        async def hook(request: Request) -> Response:
            self.heard.append((dict(request.headers), await request.body()))
            if meanwhile := self.before_it_answers:
                self.before_it_answers = None
                await meanwhile()
            return Response(status_code=self.status)

        return app

    def states(self, request_id: str) -> list[str]:
        said = [json.loads(content)["data"] for _, content in self.heard]
        return [one["state"] for one in said if one["id"] == request_id]


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    one, port, process = Shop(), free_port(), Process()
    server = HttpServer(one.app(), host="127.0.0.1", port=port)
    process.spawn(server.run(), stop=server.stop)
    one.url = f"http://127.0.0.1:{port}/hook"
    yield one
    process.stopping.set()
    await process.wait()


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    stack: Stack,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    folder = tmp_path_factory.mktemp("keys")
    (folder / "webhooks").write_text(base64.b64encode(bytes(32)).decode())
    with fresh_database(stack) as dsn:
        async with running_intake(
            kafka,
            dsn,
            verifier.url,
            folder,
            webhook_key_file=folder / "webhooks",
            webhook_allowed_networks=["127.0.0.0/8"],
        ) as running:
            yield running


async def set_(intake: Intake, url: str) -> dict[str, str]:
    made = await intake.http.put(PATH, json={"url": url})
    assert made.status_code == httpx.codes.OK, made.text
    return dict(made.json())


async def told(shop: Shop, request_id: str, *states: str) -> None:
    async def is_told() -> bool:
        return set(states) <= set(shop.states(request_id))

    await eventually(is_told, what=f"the client is told of {states}")


async def test_every_state_is_told_and_signed(intake: Intake, shop: Shop) -> None:
    secret = (await set_(intake, shop.url))["secret"]
    one = await submitted(intake)
    await told(shop, one["id"], "open")
    await refuse(intake, one["id"])
    await told(shop, one["id"], "stopping")
    for headers, content in shop.heard:
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        assert headers["webhook-signature"] == signature(raw, headers["webhook-id"], at, content)


async def test_where_a_program_is_told_is_in_the_audit_log_whoever_changes_it(
    intake: Intake, shop: Shop
) -> None:
    client_id, intake.http.headers["authorization"] = await _another(intake)
    for _ in range(2):
        await set_(intake, shop.url)
    await intake.http.post(f"{PATH}/secret:rotate")
    for _ in range(2):
        await intake.http.delete(PATH)
    removed, rotated, made = await entries(intake, principal=client_id)
    assert [one["action"] for one in (made, rotated, removed)] == [
        "webhook.set",
        "webhook.rotate",
        "webhook.remove",
    ]
    assert made["role"] == "client"
    assert made["targets"] == [client_id, "127.0.0.1"], "a path may be a secret"
    intake.http.headers["authorization"] = intake.api_key


async def _another(intake: Intake) -> tuple[str, str]:
    client_id, header = await intake.made()
    return client_id, header["authorization"]


async def test_who_was_away_is_told_later(intake: Intake, shop: Shop) -> None:
    await set_(intake, shop.url)
    shop.status = 500
    one = await submitted(intake)
    await told(shop, one["id"], "open")

    async def is_kept() -> bool:
        found = (await intake.http.get(PATH)).json()
        return found["failing_since"] is not None and found["waiting"] > 0

    await eventually(is_kept, what="the failed message waits")
    shop.status, shop.heard = 204, []
    await told(shop, one["id"], "open")

    async def is_healthy() -> bool:
        found = (await intake.http.get(PATH)).json()
        return found["failing_since"] is None and not found["waiting"]

    await eventually(is_healthy, what="nothing waits any more")


async def test_what_was_told_is_told_again_with_the_same_ids(intake: Intake, shop: Shop) -> None:
    await set_(intake, shop.url)
    began = datetime.now(UTC) - timedelta(seconds=1)
    one = await submitted(intake)
    await told(shop, one["id"], "open")
    ids = [
        headers["webhook-id"] for headers, content in shop.heard if one["id"].encode() in content
    ]
    shop.heard = []
    answer = await intake.http.post(f"{PATH}:replay", json={"since": began.isoformat()})
    assert answer.json()["messages"] >= 1
    await told(shop, one["id"], "open")
    again = {headers["webhook-id"] for headers, _ in shop.heard}
    assert set(ids) <= again


async def test_what_is_asked_for_again_while_it_is_being_told_is_told_again(
    intake: Intake, shop: Shop
) -> None:
    await set_(intake, shop.url)
    since = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    shop.before_it_answers = partial(intake.http.post, f"{PATH}:replay", json={"since": since})
    one = await submitted(intake)

    async def is_told_twice() -> bool:
        return shop.states(one["id"]).count("open") > 1

    await eventually(is_told_twice, what="the client is told again")


async def test_nobody_is_told_of_another_clients_requests(intake: Intake, shop: Shop) -> None:
    await set_(intake, shop.url)
    other = await intake.client()
    accepted = await intake.http.post("/v1/subject-requests", json=a_submission(), headers=other)
    strange, mine = accepted.json(), await submitted(intake)
    await told(shop, mine["id"], "open")
    assert shop.states(strange["id"]) == []
    assert (await intake.http.get(PATH, headers=other)).status_code == httpx.codes.NOT_FOUND


async def test_one_that_is_gone_is_disabled_until_it_is_set_again(
    intake: Intake, shop: Shop
) -> None:
    await set_(intake, shop.url)
    shop.status = 410
    one = await submitted(intake)
    await told(shop, one["id"], "open")

    async def is_disabled() -> bool:
        return bool((await intake.http.get(PATH)).json()["disabled_because"] == "gone")

    await eventually(is_disabled, what="the webhook is disabled")
    later = await submitted(intake)
    shop.status, shop.heard = 204, []
    await set_(intake, shop.url)
    await told(shop, later["id"], "open")


@pytest.mark.parametrize(
    "url", ["https://169.254.169.254/latest", "https://[::1]/", "http://10.0.0.1/", "gopher://x/"]
)
async def test_an_address_inside_is_refused_and_named(intake: Intake, url: str) -> None:
    answer = await intake.http.put(PATH, json={"url": url})
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert answer.json()["type"].endswith("invalid_url")
    assert url not in answer.text


async def test_removed_it_tells_nothing_more(intake: Intake, shop: Shop) -> None:
    await set_(intake, shop.url)
    for _ in range(2):
        assert (await intake.http.delete(PATH)).status_code == httpx.codes.NO_CONTENT
    assert (await intake.http.get(PATH)).status_code == httpx.codes.NOT_FOUND
