"""An extension counts once the person is told of it: the letter moves the date, and takes it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from integration.intake.extending_test import timeline
from integration.intake.letters_test import letter_in, notification_of, submitted

from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.commands import DeadlineExtended
from support.decisions import BASE, INTERNAL, commands, decide, shown
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.post import MailServer
from support.waiting import eventually


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    post: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    """One that sends letters."""
    folder = tmp_path_factory.mktemp("keys")
    async with running_intake(
        kafka, database, verifier.url, folder, smtp_url=post.url, mail_sender="p@example.com"
    ) as running:
        yield running


async def extended(intake: Intake, request_id: str, **body: str) -> httpx.Response:
    return await decide(intake, request_id, "extension", reason="records on paper", **body)


async def why(intake: Intake, request_id: str) -> str:
    found = (await timeline(intake, request_id))["entries"]
    return str(next(one["why"] for one in found if one["name"] == "respond_by"))


async def at_risk(intake: Intake, request_id: str) -> dict[str, Any] | None:
    found = (await intake.http.get(f"{BASE}/{request_id}/blockers")).json()
    risk: dict[str, Any] | None = found["at_risk"]
    return risk


async def moved(intake: Intake, request_id: str, before: str) -> str:
    async def date() -> str | None:
        due_at: str = (await shown(intake, request_id))["due_at"]
        return due_at if due_at != before else None

    return await eventually(date, what="another legal date")


async def bounced(intake: Intake, post: MailServer, request_id: str) -> None:
    headers = {**intake.officer, "content-type": "message/rfc822"}
    content = notification_of(post.to(request_id)[-1])
    for _ in range(2):  # what comes twice changes nothing more
        answer = await intake.http.post(
            f"{INTERNAL}/letters/bounces", headers=headers, content=content
        )
        assert answer.status_code == httpx.codes.OK, answer.text


async def test_the_date_moves_with_the_letter_and_not_with_the_decision(
    intake: Intake, post: MailServer, topics: Topics
) -> None:
    post.refuses_data = "451 later"
    one = await submitted(intake, 901)
    try:
        decided = (await extended(intake, one["id"])).json()
        assert decided["due_at"] == one["due_at"]
        assert "counts once the person is told" in await why(intake, one["id"])
        risk = await at_risk(intake, one["id"])
        assert risk is not None
        assert risk["owner"] == "Privacy office"
        assert datetime.fromisoformat(risk["by"]) == datetime.fromisoformat(one["due_at"])
        assert "waits" in risk["what"]
    finally:
        post.refuses_data = None
    due_at = await moved(intake, one["id"], one["due_at"])
    await letter_in(intake, one["id"], "extended", "sent")
    assert due_at > one["due_at"]
    assert await at_risk(intake, one["id"]) is None
    promise, told = await commands(topics, one["id"], 2)
    assert (promise.decision, told.decision) == (DeadlineExtended(), DeadlineExtended())
    assert promise.alone is not None
    assert told.alone is not None
    assert promise.alone.due_at == datetime.fromisoformat(one["due_at"])
    assert told.alone.due_at == datetime.fromisoformat(due_at)
    assert (await extended(intake, one["id"])).json()["type"].endswith("extended_already")


async def test_what_a_letter_is_on_its_way_to_tell_is_not_promised_again(
    intake: Intake, post: MailServer, topics: Topics
) -> None:
    post.refuses_data = "451 later"
    one = await submitted(intake, 906)
    try:
        first = await extended(intake, one["id"])
        again = await extended(intake, one["id"])
    finally:
        post.refuses_data = None
    assert (first.status_code, again.status_code) == (httpx.codes.OK, httpx.codes.CONFLICT)
    assert again.json()["type"].endswith("extended_already")
    await moved(intake, one["id"], one["due_at"])
    promise, told = await commands(topics, one["id"], 2)
    assert (promise.revision, told.revision) == (1, 2)


async def test_a_letter_that_comes_back_takes_the_date_back_until_it_is_told_again(
    intake: Intake, post: MailServer, topics: Topics
) -> None:
    one = await submitted(intake, 902)
    await extended(intake, one["id"])
    due_at = await moved(intake, one["id"], one["due_at"])
    await letter_in(intake, one["id"], "extended", "sent")
    await bounced(intake, post, one["id"])
    assert (await shown(intake, one["id"]))["due_at"] == one["due_at"]
    assert "came back" in await why(intake, one["id"])
    risk = await at_risk(intake, one["id"])
    assert risk is not None
    assert "came back" in risk["what"]
    *_, void = await commands(topics, one["id"], 3)
    assert void.alone is not None
    assert void.alone.due_at == datetime.fromisoformat(one["due_at"])
    again = await intake.http.post(
        f"{INTERNAL}/subject-requests/{one['id']}/letters:send-again",
        headers=intake.desk,
        json={"kind": "extended", "reason": "it was full"},
    )
    assert again.status_code == httpx.codes.OK
    assert await moved(intake, one["id"], one["due_at"]) == due_at


async def test_who_was_told_otherwise_keeps_the_date_though_the_letter_comes_back(
    intake: Intake, post: MailServer
) -> None:
    one = await submitted(intake, 903)
    told = await extended(intake, one["id"], notified_at=datetime.now(UTC).isoformat())
    due_at = told.json()["due_at"]
    assert due_at > one["due_at"]
    await letter_in(intake, one["id"], "extended", "sent")
    await bounced(intake, post, one["id"])
    assert (await shown(intake, one["id"]))["due_at"] == due_at


async def test_a_promise_that_a_person_was_told_of_otherwise_counts(
    intake: Intake, post: MailServer
) -> None:
    post.refuses_recipients = "550 unknown"
    try:
        one = await submitted(intake, 904)
        await extended(intake, one["id"])
        await letter_in(intake, one["id"], "extended", "bounced")
        assert (await shown(intake, one["id"]))["due_at"] == one["due_at"]
        told = await extended(intake, one["id"], notified_at=datetime.now(UTC).isoformat())
        assert told.json()["due_at"] > one["due_at"]
    finally:
        post.refuses_recipients = None


async def test_what_can_be_told_too_late_alone_is_not_promised(intake: Intake) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=70)).isoformat()
    one = await submitted(intake, 905, received_at=long_ago)
    answer = await extended(intake, one["id"])
    assert answer.status_code == httpx.codes.CONFLICT
    assert answer.json()["type"].endswith("extension_too_late")
