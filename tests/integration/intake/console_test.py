"""The console over the real intake: who is let in, what each sees, and what no page ever does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from dsr_cli.stack import Stack
from dsr_core.errors import Unavailable
from dsr_core.ids import RequestId
from dsr_core.lifecycle import State
from dsr_intake.adapters.console import PostgresConsole
from dsr_intake.adapters.kafka_standing import KafkaConsole
from dsr_intake.model import ListFilter
from dsr_intake.model.console import DeadLetters, DuePlace
from dsr_intake.model.principals import Sight
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.envelope import Outgoing
from support.decisions import submitted
from support.intake import Intake, VerifierDouble, running_intake

CONSOLE = "/console"
PAGES = (CONSOLE, "/requests", "/matrix", "/organisations", "/dead-letters")
GROUP = "dsr.tests.console"
OWED = {"records": 0, "contradicts_closure": False}
MARK = "quite-personal-5b1c"
"""Stands in the identity of each request here, and in no page."""


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    folder = tmp_path_factory.mktemp("keys")
    settings = {"console": True, "console_temporal_url": "https://temporal.example.com/"}
    async with running_intake(kafka, database, verifier.url, folder, **settings) as running:
        yield running


@asynccontextmanager
async def signed_in(intake: Intake, header: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which the owner of a key is signed in."""
    async with httpx.AsyncClient(base_url=intake.url, timeout=30) as browser:
        answer = await sign_in(browser, header)
        assert answer.status_code == 303, answer.text
        yield browser


async def sign_in(
    browser: httpx.AsyncClient, header: dict[str, str], to: str = "", **headers: str
) -> httpx.Response:
    key = header["authorization"].removeprefix("Bearer ")
    return await browser.post(
        f"{CONSOLE}/sign-in", data={"key": key, "to": to}, headers=headers, follow_redirects=False
    )


async def committed(kafka: KafkaConnection, topic: str, *, behind: int) -> None:
    """Have a group commit all but the last records of a topic of one partition."""
    place = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(**kafka.arguments(), group_id=GROUP) as consumer:
        consumer.assign([place])
        [end] = (await consumer.end_offsets([place])).values()
        await consumer.commit({place: end - behind})


async def asked(intake: Intake, **changes: Any) -> str:
    identity = [{"kind": "email", "value": f"{MARK}@example.com"}]
    return str((await submitted(intake, identity=identity, **changes))["id"])


def path_of(page: str) -> str:
    return page if page == CONSOLE else CONSOLE + page


@pytest.mark.parametrize("page", PAGES)
async def test_who_is_not_signed_in_is_asked_to_and_comes_back(intake: Intake, page: str) -> None:
    async with httpx.AsyncClient(base_url=intake.url) as browser:
        answer = await browser.get(path_of(page))
        assert answer.status_code == 303
        there = answer.headers["location"]
        assert there == f"{CONSOLE}/sign-in?to={path_of(page)}"
        assert f'name="to" value="{path_of(page)}"' in (await browser.get(there)).text
        answer = await sign_in(browser, intake.desk, to=path_of(page))
        assert (answer.status_code, answer.headers["location"]) == (303, path_of(page))
        assert (await browser.get(path_of(page))).status_code == 200


async def test_a_bearer_key_opens_no_page_and_a_session_opens_no_other_route(
    intake: Intake,
) -> None:
    answer = await intake.http.get(CONSOLE, headers=intake.desk)
    assert answer.status_code == 303
    async with signed_in(intake, intake.desk) as browser:
        assert (await browser.get("/v1/subject-requests")).status_code == 401


async def test_programs_and_services_are_not_let_in(intake: Intake) -> None:
    async with httpx.AsyncClient(base_url=intake.url) as browser:
        for header, status in ((await intake.client(), 403), (intake.internal, 401)):
            answer = await sign_in(browser, header)
            assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)
            assert 'role="alert"' in answer.text


async def test_a_session_s_cookie_is_strict_and_out_of_reach_of_scripts(intake: Intake) -> None:
    async with httpx.AsyncClient(base_url=intake.url) as browser:
        here = (await sign_in(browser, intake.desk)).headers["set-cookie"].lower()
        there = await sign_in(browser, intake.desk, host="dsr.example.com")
    assert all(one in here for one in ("httponly", "samesite=strict", "path=/console"))
    assert ("secure" in here, "secure" in there.headers["set-cookie"].lower()) == (False, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
    ],
)
async def test_a_form_of_another_site_signs_nobody_in_or_out(
    intake: Intake, headers: dict[str, str]
) -> None:
    async with signed_in(intake, intake.desk) as browser:
        answer = await sign_in(browser, intake.desk, **headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        answer = await browser.post(f"{CONSOLE}/sign-out", headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        assert (await browser.get(CONSOLE)).status_code == 200


async def test_a_link_from_elsewhere_comes_again_from_our_own_page(intake: Intake) -> None:
    path = f"{CONSOLE}/matrix?right=access"
    answer = await intake.http.get(path, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert f'http-equiv="refresh" content="0; url={path}"' in answer.text


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example.com/console",
        "//evil.example.com/console",
        "/console/../v1/events",
        "/\\evil.example.com",
        "/console\\@evil.example.com",
        "/v1/events",
        "/consoles",
        "javascript:alert(1)",
        "/console\r\nset-cookie: a=b",
    ],
)
async def test_who_signs_in_is_led_to_a_page_of_ours_alone(intake: Intake, to: str) -> None:
    async with httpx.AsyncClient(base_url=intake.url) as browser:
        answer = await sign_in(browser, intake.desk, to=to)
    assert (answer.status_code, answer.headers["location"]) == (303, CONSOLE)


async def test_signing_out_and_a_revoked_key_end_the_session(intake: Intake) -> None:
    client_id, header = await intake.made(role="operator", jurisdictions=["DE"])
    async with signed_in(intake, header) as browser:
        await browser.post(f"{CONSOLE}/sign-out")
        assert (await browser.get(CONSOLE)).status_code == 303
        await sign_in(browser, header)
        assert (await browser.get(CONSOLE)).status_code == 200
        await intake.http.request(
            "DELETE",
            f"/internal/v1/clients/{client_id}",
            headers=intake.officer,
            params={"reason": "left"},
        )
        assert (await browser.get(CONSOLE)).status_code == 303


async def test_no_page_runs_what_is_not_ours_or_is_kept_or_shows_a_person(intake: Intake) -> None:
    request_id = await asked(intake)
    async with signed_in(intake, intake.officer) as browser:
        for path in (*map(path_of, PAGES), f"{CONSOLE}/requests/{request_id}"):
            answer = await browser.get(path)
            assert answer.status_code == 200, path
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["cache-control"] == "no-store"
            assert MARK not in answer.text
            assert not re.search(r"<script(?![^>]+src=)|<style|\sstyle=|\son\w+=", answer.text)
            assert set(re.findall(r'(?:src|href)="(https?://[^/"]+)', answer.text)) <= {
                "https://temporal.example.com"
            }


async def test_an_operator_sees_its_jurisdictions_alone(intake: Intake) -> None:
    german, french = await asked(intake, jurisdiction="DE"), await asked(intake, jurisdiction="FR")
    async with signed_in(intake, await intake.operator("FR")) as browser:
        for page in (CONSOLE, "/requests", "/requests?order=newest", "/matrix?order=newest"):
            text = (await browser.get(path_of(page))).text
            assert (german in text, french in text) == (False, True), page
        assert (await browser.get(f"{CONSOLE}/requests/{french}")).status_code == 200
        assert (await browser.get(f"{CONSOLE}/requests/{german}")).status_code == 404
        assert (await browser.get(f"{CONSOLE}/requests/{german}/certificate")).status_code == 404
        assert (await browser.get(f"{CONSOLE}/dead-letters")).status_code == 403
        assert "dead-letters" not in (await browser.get(CONSOLE)).text.partition("<main")[2]


async def test_a_request_links_to_its_workflow_and_to_its_certificate_once_it_has_one(
    intake: Intake, verifier: VerifierDouble
) -> None:
    request_id = await asked(intake)
    verifier.certificates[request_id] = b'{"v":1}\n'
    async with signed_in(intake, intake.desk) as browser:
        text = (await browser.get(f"{CONSOLE}/requests/{request_id}")).text
        assert f"https://temporal.example.com/namespaces/default/workflows/dsr-{request_id}" in text
        answer = await browser.get(f"{CONSOLE}/requests/{request_id}/certificate")
        assert answer.content == b'{"v":1}\n'
        assert answer.headers["content-disposition"].startswith("attachment")


async def test_a_request_shows_its_phases_and_what_it_comes_after(
    intake: Intake, verifier: VerifierDouble
) -> None:
    first, request_id = await asked(intake), await asked(intake)
    verifier.erased(request_id, "copies", "accounts")
    copies, accounts = verifier.obligations[request_id]["obligations"]
    verifier.obligations[request_id] = {
        "request_id": request_id,
        "obligations": [
            {**copies, **OWED, "phase": 0},
            {**accounts, **OWED, "phase": 1, "disposition": None},
        ],
        "phases": [
            {"phase": 0, "told_at": "2026-03-02T09:30:00Z", "is_due": False,
             "confirmed_at": "2026-03-02T10:30:00+00:00"},
            {"phase": 1, "told_at": None, "is_due": False, "confirmed_at": None},
        ],
        "awaits": [first],
    }  # fmt: skip
    async with signed_in(intake, intake.desk) as browser:
        text = (await browser.get(f"{CONSOLE}/requests/{request_id}")).text
    section = text.partition('id="phases"')[2].partition("</section>")[0]
    asked_first, waits = re.findall(r"<tr><th.*?</tr>", section, re.DOTALL)[1:]
    assert ">1</th>" in asked_first
    assert "copies" in asked_first
    assert asked_first.count("<time") == 2
    assert ">2</th>" in waits
    assert "accounts" in waits
    assert "waits" in waits
    assert f"/console/requests/{first}" in section
    assert 'id="links"' not in text


async def test_a_request_shows_what_systems_found_out_and_that_a_conflict_waits(
    intake: Intake, database: str
) -> None:
    request_id = await asked(intake)
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(
            "insert into intake.link_steps (request_id, link_id, system_id, sequence, through, kind,"
            " confidence, proof, round, outcome, reason, registry_digest, recorded_at)"
            " values ($1, '00ff00ff00ff00ff', 'accounts', 1, 'email', 'account_id', 'verified',"
            " 'same_login', 1, 'conflict', 'two_values', '', now())",
            request_id,
        )
    finally:
        await connection.close()
    async with signed_in(intake, intake.desk) as browser:
        text = (await browser.get(f"{CONSOLE}/requests/{request_id}")).text
    section = text.partition('id="links"')[2].partition("</section>")[0]
    assert "email → account id" in section
    assert "two values" in section
    assert f"dsr links list {request_id}" in section


async def test_while_the_verifier_is_away_pages_say_so_and_show_the_rest(
    intake: Intake, verifier: VerifierDouble
) -> None:
    request_id = await asked(intake)
    verifier.is_away = True
    try:
        async with signed_in(intake, intake.desk) as browser:
            for page in (CONSOLE, "/requests", f"/requests/{request_id}"):
                answer = await browser.get(path_of(page))
                assert answer.status_code == 200
                assert "the verifier" in answer.text
                assert request_id in answer.text or page == CONSOLE
    finally:
        verifier.is_away = False


async def test_what_is_still_asked_of_kafka_is_not_called_away(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends = asyncio.Event()

    async def dead_letters(_self: KafkaConsole, _limit: int) -> DeadLetters:
        await ends.wait()
        raise Unavailable("kafka does not answer: it is a test")

    monkeypatch.setattr(KafkaConsole, "dead_letters", dead_letters)
    async with (
        running_intake(kafka, database, verifier.url, tmp_path, console=True) as intake,
        signed_in(intake, intake.desk) as browser,
    ):
        page = (await browser.get(CONSOLE)).text
        assert "still being counted" in page
        assert "Kafka is away" not in page
        ends.set()
        page = (await browser.get(CONSOLE)).text
        assert "Kafka is away" in page


@pytest.mark.parametrize(
    "query",
    ["state=x", "right=x", "jurisdiction=x<b>", "after=x", "after=2026-01-01_x", "columns=-1"],
)
async def test_an_address_that_asks_for_what_there_cannot_be_is_no_fault(
    intake: Intake, query: str
) -> None:
    async with signed_in(intake, intake.desk) as browser:
        answer = await browser.get(f"{CONSOLE}/matrix?{query}")
        assert answer.status_code in {200, 422}
        assert "<b>" not in answer.text


async def test_a_change_is_told_by_its_request_to_who_sees_it(intake: Intake) -> None:
    async with (
        signed_in(intake, await intake.operator("FR")) as browser,
        browser.stream("GET", f"{CONSOLE}/events") as stream,
    ):
        told = stream.aiter_lines()
        async for line in told:
            if line == "event: here":
                break
        await asked(intake, jurisdiction="DE")
        french = await asked(intake, jurisdiction="FR")
        async for line in told:
            if line.startswith("data: {") and "requests" in line:
                assert line == f'data: {{"requests":["{french}"]}}'
                break


async def test_what_is_open_is_counted_and_paged_by_its_dates(intake: Intake) -> None:
    console = PostgresConsole(intake.pool)
    sight, now = Sight(jurisdictions=("US",)), datetime.now(UTC)
    before = await console.standing(sight, now)
    late = (now - timedelta(days=80)).isoformat(timespec="seconds").replace("+00:00", "Z")
    ids = [await asked(intake, jurisdiction=one) for one in ("US-CA", "US-CO", "US-CA")]
    ids.append(await asked(intake, jurisdiction="US-CA", received_at=late))
    await asked(intake, jurisdiction="FR")

    found = await console.standing(sight, now)
    assert (found.open - before.open, found.late - before.late, found.is_whole) == (4, 1, True)
    assert found.oldest_id == ids[3]
    few = await PostgresConsole(intake.pool, counted=2).standing(sight, now)
    assert (few.open, few.is_whole) == (3, False)

    paged: list[RequestId] = []
    after: DuePlace | None = None
    while page := await console.by_date(sight, ListFilter(), after=after, limit=2):
        paged += [one.request_id for one in page]
        after = DuePlace(page[-1].due_at, page[-1].request_id)
    assert paged[0] == ids[3]
    assert set(ids) <= set(paged)
    assert len(paged) == len(set(paged))
    only = ListFilter(state=State.ON_HOLD, jurisdiction="US-CO")
    assert await console.by_date(sight, only, after=None, limit=5) == []


async def test_intake_s_own_login_sees_how_far_groups_are_and_why_records_were_refused(
    stack: Stack, kafka: KafkaConnection, publisher: Publisher
) -> None:
    refused = Outgoing(
        "dsr.commands.v1.dead-letter",
        b"key",
        MARK.encode(),
        tuple(
            (f"dsr_dead_letter_{name}", text.encode())
            for name, text in (
                ("reason", "unexpected_type"),
                ("detail", "expected another"),
                ("refused_by", "dsr.fanout.commands"),
                ("refused_at", datetime.now(UTC).isoformat()),
            )
        ),
    )
    notice = Outgoing(
        "dsr.deletion.cloud-uk.v1.dead-letter",
        b"key",
        b"x",
        (
            ("dsr_dead_letter_reason", f"{MARK} is no code".encode()),
            ("dsr_dead_letter_detail", MARK.encode()),
        ),
    )
    await publisher.publish([refused, notice])
    connection = KafkaConnection(
        bootstrap=kafka.bootstrap,
        security_protocol=kafka.security_protocol,
        username="intake",
        password=stack.secrets.secret("kafka-intake"),
        ca_file=kafka.ca_file,
    )
    await committed(kafka, refused.topic, behind=1)
    console = KafkaConsole(connection)
    found = await console.dead_letters(20)
    assert {"dsr.commands.v1", "dsr.deletion.cloud-uk.v1"} <= found.counts.keys()
    one = next(each for each in found.newest if each.topic == "dsr.commands.v1")
    assert (one.reason, one.detail) == ("unexpected_type", "expected another")
    other = next(each for each in found.newest if each.topic.startswith("dsr.deletion"))
    assert (other.reason, other.detail) == ("other", "")
    assert MARK not in repr(found)

    lags = {(each.group, each.topic): each.records for each in await console.lags()}
    assert lags[GROUP, refused.topic] == 1
