"""Letters over a real mail server: each is sent once it is due, and whoever waits for one goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from integration.intake.audit_test import entries
from integration.intake.closures_test import a_record, answered

from dsr_core.closing import Outcome
from dsr_core.ids import CohortId, OrganisationId, SystemId
from dsr_core.law.rules import TierAction
from dsr_core.rights import Right
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.escalations import Escalation, MissingSystem, escalation_to_wire
from dsr_wire.envelope import Outgoing, encode, header
from dsr_wire.topics import ESCALATIONS, dead_letter_name
from support import parts
from support.builders import MARKER, NOW, an_id
from support.decisions import withdraw
from support.intake import (
    Intake,
    Topics,
    VerifierDouble,
    environment_of,
    intake_fields,
    running_intake,
)
from support.post import MailServer, mail_server
from support.services import ServiceProcess, free_port
from support.submissions import a_submission, ndjson
from support.waiting import eventually

BASE = "/v1/subject-requests"


@pytest.fixture(scope="module")
async def writing(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    post: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    """An intake that sends letters."""
    folder = tmp_path_factory.mktemp("keys")
    async with running_intake(
        kafka,
        database,
        verifier.url,
        folder,
        smtp_url=post.url,
        mail_sender="privacy@example.com",
        letters_give_up_after_s=600,
    ) as running:
        yield running


async def submitted(intake: Intake, number: int = 1, **changes: Any) -> dict[str, Any]:
    response = await intake.http.post(BASE, json=a_submission(number, **changes))
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    one: dict[str, Any] = response.json()
    return one


async def letters(intake: Intake, request_id: str) -> dict[str, dict[str, Any]]:
    found = (await intake.http.get(f"{BASE}/{request_id}/letters")).json()
    return {one["kind"]: one for one in found["letters"]}


async def letter_in(intake: Intake, request_id: str, kind: str, state: str) -> dict[str, Any]:
    async def is_there() -> dict[str, Any] | None:
        one = (await letters(intake, request_id)).get(kind)
        return one if one is not None and one["state"] == state else None

    return await eventually(is_there, what=f"{kind} {state}")


async def shown(intake: Intake, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await intake.http.get(f"{BASE}/{request_id}")).json()
    return found


def owed(request_id: str) -> dict[str, Any]:
    def one(system_id: str, organisation_id: str, **changes: Any) -> dict[str, Any]:
        return {
            "system_id": system_id,
            "organisation_id": organisation_id,
            "disposition": "erased",
            "is_confirmed": True,
            "is_contradicted": False,
            "exemptions": [],
            "reason": None,
            "answered_at": "2026-03-02T09:00:00Z",
            "retry_at": None,
        } | changes

    kept = {
        "ground": "tax_records",
        "review_at": "2032-01-01T00:00:00Z",
        "categories": ["user.financial"],
        "records": 2,
    }
    return {
        "request_id": request_id,
        "opened_at": "2026-03-02T09:00:00Z",
        "obligations": [
            one("accounts", "ucloud-us"),
            one(
                "payment-methods",
                "payment-provider",
                disposition="partially_exempt",
                exemptions=[kept],
            ),
        ],
    }


async def test_a_request_is_answered_once_its_letter_is_sent(
    writing: Intake, post: MailServer, publisher: Publisher, verifier: VerifierDouble
) -> None:
    one = await submitted(writing, 11, language="de")
    await letter_in(writing, one["id"], "received", "sent")
    [first] = post.to(one["id"])
    assert first["To"] == f"{MARKER}-11@example.com".lower()
    assert first["Subject"].startswith("Wir haben Ihren Antrag")
    verifier.obligations[one["id"]] = owed(one["id"])
    post.refuses_data = "451 later"
    await publisher.publish([a_record(one["id"], one["id"], outcome=Outcome.PARTLY_FULFILLED)])
    waiting = await letter_in(writing, one["id"], "done", "waiting")
    assert (await shown(writing, one["id"]))["state"] == "closed"
    keys = "select count(*) from intake_keys.request_keys where request_id = $1"
    assert await writing.pool.fetchval(keys, one["id"]) == 1
    post.refuses_data = None
    found = await answered(writing, one["id"])
    assert found["outcome"] == "partly_fulfilled"
    assert await writing.pool.fetchval(keys, one["id"]) == 0
    done = await letter_in(writing, one["id"], "done", "sent")
    assert done["tries"] > waiting["tries"] - 1
    _, last = post.to(one["id"])
    body = last.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "tax_records (Finanzdaten)" in text
    assert "GDPR art. 19" in text


async def test_a_line_of_a_batch_gets_no_letter_unless_it_asks(
    writing: Intake, post: MailServer
) -> None:
    lines = [
        a_submission(21, idempotency_key="21"),
        a_submission(22, idempotency_key="22", letters=True),
    ]
    answer = await writing.http.post(
        f"{BASE}:batch",
        content=ndjson(lines),
        headers={"content-type": "application/x-ndjson"},
    )
    without, with_letter = (line.split('"id":"')[1][:36] for line in answer.text.splitlines())
    await letter_in(writing, with_letter, "received", "sent")
    assert await letters(writing, without) == {}
    assert post.to(without) == []


async def test_who_is_told_otherwise_gets_no_letter_and_is_answered_at_once(
    writing: Intake, publisher: Publisher
) -> None:
    one = await submitted(writing, 31, letters=False)
    await publisher.publish([a_record(one["id"], one["id"])])
    await answered(writing, one["id"])
    assert await letters(writing, one["id"]) == {}


async def test_a_request_that_nobody_proved_is_answered_by_a_letter(
    writing: Intake, post: MailServer
) -> None:
    one = await submitted(
        writing, 41, identity_attested=False, received_at="2026-01-02T09:00:00Z", language="fr-FR"
    )
    await writing.http.post(
        f"/internal/v1/cohorts/{one['id']}/identity:give-up", headers=writing.internal
    )
    assert (await answered(writing, one["id"]))["outcome"] == "not_verified"
    assert "a pris fin sans effet" in post.to(one["id"])[-1]["Subject"]


async def decided(intake: Intake, request_id: str, what: str, **body: str) -> None:
    answer = await intake.http.post(
        f"/internal/v1/subject-requests/{request_id}/{what}",
        headers=intake.desk,
        json=body,
    )
    assert answer.status_code == httpx.codes.OK, answer.text


async def last_text(post: MailServer, request_id: str) -> str:
    body = post.to(request_id)[-1].get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


async def test_an_extension_is_told_with_its_reason_and_the_new_date(
    writing: Intake, post: MailServer
) -> None:
    one = await submitted(writing, 42)
    await letter_in(writing, one["id"], "received", "sent")
    await decided(writing, one["id"], "extension", reason="many systems are concerned")
    await letter_in(writing, one["id"], "extended", "sent")
    text = await last_text(post, one["id"])
    assert "Reason: many systems are concerned" in text
    due = (await shown(writing, one["id"]))["due_at"]
    assert due > one["due_at"]
    assert str(int(due[8:10])) in text


@pytest.mark.parametrize(
    ("what", "body", "said"),
    [
        (
            "refusal",
            {"ground": "manifestly_unfounded", "reason": "it was answered before"},
            "before",
        ),
        (
            "referral",
            {"controller": "Example Airline", "pointer": "https://airline.example.com/privacy"},
            "Please turn to: Example Airline, https://airline.example.com/privacy",
        ),
    ],
)
async def test_a_request_that_is_not_followed_is_answered_with_why(
    writing: Intake, post: MailServer, what: str, body: dict[str, str], said: str
) -> None:
    one = await submitted(writing, 43, identity_attested=False)
    await decided(writing, one["id"], what, **body)
    await answered(writing, one["id"])
    assert said in await last_text(post, one["id"])


async def test_two_senders_send_each_letter_once(
    writing: Intake,
    post: MailServer,
    *,
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path: Path,
) -> None:
    async with running_intake(
        kafka, database, verifier.url, tmp_path, smtp_url=post.url, mail_sender="p@example.com"
    ) as second:
        sent = await asyncio.gather(
            *(submitted((writing, second)[n % 2], 100 + n) for n in range(40))
        )
        for n, one in enumerate(sent):
            await letter_in((writing, second)[n % 2], one["id"], "received", "sent")
    assert [len(post.to(one["id"])) for one in sent] == [1] * 40


async def test_a_mail_server_that_was_away_gets_what_waited(
    writing: Intake, post: MailServer
) -> None:
    await post.stop()
    one = await submitted(writing, 51)

    async def has_been_tried() -> bool:
        return bool((await letters(writing, one["id"]))["received"]["tries"])

    await eventually(has_been_tried)
    await post.start()
    await letter_in(writing, one["id"], "received", "sent")
    assert len(post.to(one["id"])) == 1


async def test_what_waits_and_what_was_given_up_is_measured_by_kind(
    stack: Any, kafka: KafkaConnection, verifier: VerifierDouble, tmp_path: Path
) -> None:
    nowhere = f"smtp://127.0.0.1:{free_port()}"
    with parts.fresh_database(stack) as dsn:
        async with running_intake(
            kafka, dsn, verifier.url, tmp_path, smtp_url=nowhere, mail_sender="p@example.com"
        ) as intake:
            waiting, given_up = [await submitted(intake, 300 + n) for n in range(2)]
            long_ago = "update intake.letters set waiting_since = now() - interval '1 hour'"
            await intake.pool.execute(f"{long_ago} where request_id = $1", waiting["id"])
            await intake.http.post(
                f"/internal/v1/subject-requests/{given_up['id']}/letters:give-up",
                headers=intake.desk,
                json={"kind": "received", "reason": "by post"},
            )

            async def measured() -> dict[str, float]:
                text = (await intake.http.get("/metrics")).text
                rows = [one.split() for one in text.splitlines() if 'kind="received"' in one]
                return {name.partition("{")[0]: float(value) for name, value in rows}

            async def is_measured() -> bool:
                found = await measured()
                names = ("dsr_intake_letters_waiting", "dsr_intake_letters_given_up")
                return [found.get(one) for one in names] == [1, 1]

            await eventually(is_measured, within=30)
            found = await measured()
            assert 3600 <= found["dsr_intake_letters_waiting_age_seconds"] < 3700


async def test_a_refused_address_waits_for_an_operator_who_gives_it_up(
    writing: Intake, post: MailServer, publisher: Publisher
) -> None:
    one = await submitted(writing, 61)
    await letter_in(writing, one["id"], "received", "sent")
    post.refuses_recipients = f"550 {MARKER} is unknown"
    await publisher.publish([a_record(one["id"], one["id"])])
    bounced = await letter_in(writing, one["id"], "done", "bounced")
    assert bounced["reason"] == "smtp_550"
    assert (await shown(writing, one["id"]))["state"] == "closed"
    why = (await writing.http.get(f"{BASE}/{one['id']}/blockers")).json()["blockers"]
    assert [each["kind"] for each in why] == ["letter_bounced"]
    assert why[0]["owner"] == "Privacy office"
    path = f"/internal/v1/subject-requests/{one['id']}/letters"
    again = await writing.http.post(
        f"{path}:send-again",
        headers=writing.desk,
        json={"kind": "done", "reason": "it was full"},
    )
    assert again.status_code == httpx.codes.OK, again.text
    [entry] = await entries(writing, target=one["id"], action="letter.send-again")
    assert entry["reason"] == "it was full"

    async def was_refused_again() -> bool:
        done = (await letters(writing, one["id"]))["done"]
        return bool(done["state"] == "bounced" and done["settled_at"] > bounced["settled_at"])

    await eventually(was_refused_again)
    post.refuses_recipients = None
    given_up = await writing.http.post(
        f"{path}:give-up", headers=writing.desk, json={"kind": "done", "reason": "by post"}
    )
    assert given_up.status_code == httpx.codes.OK, given_up.text
    await answered(writing, one["id"])
    assert (await letters(writing, one["id"]))["done"]["reason"] == "by post"
    for end, body in (("give-up", {"reason": "x"}), ("send-again", {"reason": "x"})):
        late = await writing.http.post(
            f"{path}:{end}", headers=writing.desk, json={"kind": "done", **body}
        )
        assert late.status_code == httpx.codes.CONFLICT


def notification_of(sent: EmailMessage) -> str:
    """The notification that a message came back."""
    return (
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        "Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {sent['Message-ID']}\n--b--\n"
    )


async def test_a_bounce_that_comes_by_mail_is_recorded(writing: Intake, post: MailServer) -> None:
    one = await submitted(writing, 71)
    await letter_in(writing, one["id"], "received", "sent")
    [sent] = post.to(one["id"])
    notification = notification_of(sent)
    headers = {**writing.officer, "content-type": "message/rfc822"}
    for _ in range(2):
        taken = await writing.http.post(
            "/internal/v1/letters/bounces", headers=headers, content=notification
        )
        assert taken.json() == {"request_id": one["id"], "kind": "received", "number": 1}
    assert (await letters(writing, one["id"]))["received"]["reason"] == "bounced_5_1_1"


async def test_a_sender_that_dies_before_it_has_recorded_is_followed_by_the_same_message(
    kafka: KafkaConnection, stack: Any, verifier: VerifierDouble, tmp_path: Path
) -> None:
    with parts.fresh_database(stack) as dsn:
        async with mail_server() as post:
            fields = intake_fields(kafka, dsn, verifier.url, tmp_path) | {
                "smtp_url": post.url,
                "mail_sender": "privacy@example.com",
                "letters_lease_s": 2,
            }
            dying = ServiceProcess("dsr_intake", environment_of(fields), tmp_path / "log")
            async with dying:
                post.before_answer = lambda: os.kill(dying.pid, signal.SIGKILL)
                async with running_intake(kafka, dsn, verifier.url, tmp_path) as quiet:
                    made = await quiet.client()
                    async with httpx.AsyncClient(base_url=dying.url, headers=made) as http:
                        one = (await http.post(BASE, json=a_submission(81))).json()
                    await eventually(lambda: post.messages)
                    async with running_intake(
                        kafka, dsn, verifier.url, tmp_path, smtp_url=post.url,
                        mail_sender="privacy@example.com",
                    ):  # fmt: skip
                        await eventually(lambda: len(post.messages) == 2, within=20)
                        first, second = post.messages
                        assert first["Message-ID"] == second["Message-ID"]
                        assert one["id"] in first["Message-ID"]
                log = (tmp_path / "log").read_text()
                assert MARKER.lower() not in log.lower()


async def test_an_escalation_is_mailed_to_whom_it_calls_for(
    writing: Intake, post: MailServer, publisher: Publisher, topics: Topics
) -> None:
    del writing
    cohort_id = CohortId(an_id(4713))
    unreadable = Outgoing(ESCALATIONS.name, cohort_id.encode(), b"\xff", ())
    escalations = [
        encode(
            escalation_to_wire(
                Escalation(
                    cohort_id=cohort_id,
                    right=Right.DELETION,
                    regime="gdpr",
                    due_at=NOW,
                    action=action,
                    escalated_at=NOW,
                    missing=(
                        MissingSystem(SystemId("accounts"), OrganisationId("ucloud-us"), 3),
                        MissingSystem(
                            SystemId("payment-methods"), OrganisationId("payment-provider"), 1
                        ),
                    ),
                )
            ),
            topic=ESCALATIONS.name,
            key=cohort_id,
            event_id=f"{cohort_id}/{action}",
            source="fanout",
            at=NOW,
        )
        for action in (TierAction.ESCALATE_TO_ORGANISATION, TierAction.RECORD_BREACH)
    ]
    await publisher.publish([unreadable, *escalations, *escalations])
    await eventually(lambda: len(post.to(cohort_id)) == 6, within=30)
    told = {one["Message-ID"]: (one["To"], one.get_content()) for one in post.to(cohort_id)}
    assert sorted(to for to, _ in told.values()) == [
        "merchant-privacy@payments.example.net",
        "privacy@example.com",
        "privacy@ucloud-us.example.com",
    ]
    texts = dict(told.values())
    assert "accounts" not in texts["merchant-privacy@payments.example.net"]
    assert "payment-methods (payment-provider): 1" in texts["privacy@example.com"]
    [buried] = await topics.find(dead_letter_name(ESCALATIONS.name), {cohort_id}, 1)
    assert header(buried.headers, "dsr_dead_letter_reason") == "no_envelope"


async def test_neither_an_address_nor_a_text_is_kept(writing: Intake) -> None:
    one = await submitted(writing, 91)
    await letter_in(writing, one["id"], "received", "sent")
    rows = await writing.pool.fetch("select l::text as row from intake.letters l")
    assert rows
    assert not [row for row in rows if "@" in row["row"] or MARKER.lower() in row["row"].lower()]


@pytest.mark.parametrize("by", ["time", "an operator"])
async def test_what_waits_when_the_mail_server_is_taken_away_is_given_up_on_record(
    kafka: KafkaConnection, stack: Any, verifier: VerifierDouble, tmp_path: Path, by: str
) -> None:
    async with mail_server() as away:
        url = away.url
    lasts = 1 if by == "time" else 600
    with parts.fresh_database(stack) as dsn:
        async with running_intake(kafka, dsn, verifier.url, tmp_path, smtp_url=url) as before:
            one = await submitted(before, 82, identity_attested=False)
            await withdraw(before, one["id"])
            await letter_in(before, one["id"], "withdrawn", "waiting")
            assert (await shown(before, one["id"]))["state"] == "closed"
        async with running_intake(
            kafka, dsn, verifier.url, tmp_path, letters_give_up_after_s=lasts
        ) as after:
            after.http.headers["authorization"] = before.api_key
            if by == "an operator":
                path = f"/internal/v1/subject-requests/{one['id']}/letters:give-up"
                body = {"kind": "withdrawn", "reason": "by post"}
                given_up = await after.http.post(path, headers=after.desk, json=body)
                assert given_up.status_code == httpx.codes.OK, given_up.text
            await answered(after, one["id"])
            reason = (await letters(after, one["id"]))["withdrawn"]["reason"]
    assert reason == ("not_sent_in_time" if by == "time" else "by post")
