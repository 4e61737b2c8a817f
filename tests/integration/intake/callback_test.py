"""A package on its way to the callback of an API client: encrypted, in parts, each confirmed once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyrage
import pytest
from integration.intake.called import DONE, ENDED, FILM, PARTS, Called, a_called, calling_intake
from integration.intake.handing_over_test import ZIP
from integration.intake.packages_test import BASE, ORDERS
from integration.intake.partial_packages_test import CALLS, Late

from dsr_core.ids import RequestId
from dsr_core.registry import Registry
from dsr_intake.adapters.hand_overs import PostgresHandOvers
from dsr_intake.model.hand_overs import PART_BYTES
from dsr_runtime.kafka import KafkaConnection, Publisher
from support.callback import Heard, callback, certificates
from support.exports import unzipped
from support.intake import Intake, VerifierDouble
from support.post import MailServer
from support.submissions import a_submission
from support.waiting import eventually


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    post: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Intake, Path]]:
    folder = tmp_path_factory.mktemp("callback")
    async with calling_intake(kafka, database, verifier, post, folder) as intake:
        yield intake, folder


@pytest.fixture
async def called(
    running: tuple[Intake, Path], verifier: VerifierDouble, registry: Registry, post: MailServer
) -> AsyncIterator[Called]:
    async with a_called(running, verifier, registry, post) as one:
        yield one


async def test_a_package_of_several_parts_arrives_and_is_what_the_link_gives(
    called: Called, publisher: Publisher
) -> None:
    await called.package_is_made(publisher)
    told = await called.told(DONE)
    parts = called.callback.of(called.id)
    assert [one.start for one in parts] == [0, PART_BYTES, 2 * PART_BYTES]
    assert len({one.message_id for one in parts}) == PARTS
    [(name, file)] = called.callback.files(called.id).items()
    assert told == {
        "id": called.id,
        "number": 1,
        "file": name,
        "size": len(file),
        "sha256": hashlib.sha256(file).hexdigest(),
        "parts": PARTS,
    }
    assert "also sent, encrypted" in await called.mailed("done")
    link = await called.link()
    browser = await Late.opened(called, link)
    assert called.opened() == (await browser.get(link + ZIP)).content
    way = await called.way("handed_over")
    assert (way["parts"], way["parts_confirmed"], way["size"]) == (PARTS, PARTS, len(file))
    rows = await called.intake.pool.fetch(
        "select action, principal, authentication, reason from intake.audit"
        " where $1 = any(targets) and principal = $2 order by id",
        called.id,
        called.client_id,
    )
    assert [tuple(row) for row in rows] == [
        (
            "package.hand_over_begun",
            called.client_id,
            "callback",
            f"{len(file)} bytes in {PARTS} parts, under the client's key",
        ),
        (
            "package.handed_over",
            called.client_id,
            "callback",
            f"{len(file)} bytes, SHA-256 {told['sha256']}",
        ),
    ]
    metrics = (await called.intake.http.get("/metrics")).text
    assert 'dsr_intake_hand_overs_total{result="handed_over"}' in metrics


async def test_a_requester_who_gave_a_key_alone_opens_what_the_client_is_sent(
    called: Called, registry: Registry, publisher: Publisher
) -> None:
    own = pyrage.x25519.Identity.generate()
    await called.submit(registry, hand_over="callback", age_key=str(own.to_public()))
    await called.package_is_made(publisher, ORDERS)
    await called.told(DONE)
    with pytest.raises(pyrage.DecryptError):
        called.opened()
    called.identity = own
    assert f"data/{called.systems[0]}/orders.jsonl" in unzipped(called.opened())


async def test_a_callback_that_was_away_gets_each_part_once_and_the_one_it_missed_again(
    called: Called, publisher: Publisher
) -> None:
    async def is_away() -> bool:
        return len(called.callback.of(called.id)) >= 2

    called.callback.status = lambda part: 500 if part.start else 204
    await called.package_is_made(publisher)
    await eventually(is_away, within=60)
    way = await called.way("sending")
    assert way["parts_confirmed"] == 1
    assert (await called.shown())["links"], "the person's link is there whatever the callback says"
    called.callback.status = lambda _: 204
    await called.told(DONE)
    assert called.callback.taken(called.id) == [0, PART_BYTES, 2 * PART_BYTES]
    second = [one for one in called.callback.of(called.id) if one.start == PART_BYTES]
    assert len({(one.message_id, one.body) for one in second}) == 1
    assert [one.status for one in second] == [500, 204]
    assert unzipped(called.opened())


async def test_one_that_is_gone_gets_no_more_until_it_is_set_again_and_then_the_rest(
    called: Called, publisher: Publisher
) -> None:
    called.callback.status = lambda part: 410 if part.start else 204
    await called.package_is_made(publisher)

    async def is_disabled() -> bool:
        found = await called.intake.http.get("/v1/webhook", headers=called.header)
        return bool(found.json()["disabled_because"] == "gone")

    await eventually(is_disabled, within=60)
    refused = await called.intake.http.post(
        BASE, json=a_submission(right="access", hand_over="callback"), headers=called.header
    )
    assert refused.json()["type"].endswith("no_webhook")
    called.callback.status = lambda _: 204
    await called.set_webhook()
    await called.told(DONE)
    assert called.callback.taken(called.id) == [0, PART_BYTES, 2 * PART_BYTES]


async def act(called: Called, action: str) -> None:
    """Revoke, expire, withdraw, or end what the client may, while the first part is on its way."""
    intake, reason = called.intake, {"reason": "a test"}
    match action:
        case "revoked":
            answer = await intake.http.post(
                f"/internal{BASE}/{called.id}/package:revoke", headers=intake.officer, json=reason
            )
            assert answer.status_code == 200, answer.text
        case "not_allowed":
            answer = await intake.http.delete(
                f"/internal/v1/clients/{called.client_id}/package-recipient",
                headers=intake.officer,
                params=reason,
            )
            assert answer.status_code == 204, answer.text
        case "expired":
            await intake.pool.execute(
                "update intake.packages set expires_at = now() where request_id = $1", called.id
            )
        case "of_another_client":
            other = await intake.http.post(
                BASE, json=a_submission(9, right="access"), headers=await intake.client()
            )
            await intake.pool.execute(
                "update intake.subject_requests set related_to = $2 where id = $1",
                called.id,
                other.json()["id"],
            )


@pytest.mark.parametrize("reason", ["revoked", "not_allowed", "expired", "of_another_client"])
async def test_what_may_not_be_sent_any_more_stops_in_the_middle_and_that_is_told(
    called: Called, publisher: Publisher, reason: str
) -> None:
    async def meanwhile(_: Heard) -> None:
        called.callback.before_it_answers = None
        await act(called, reason)

    called.callback.before_it_answers = meanwhile
    await called.package_is_made(publisher)
    told = await called.told(ENDED)
    assert told == {"id": called.id, "number": 1, "reason": reason, "parts_confirmed": 1}
    assert [one.start for one in called.callback.of(called.id)] == [0]
    assert (await called.way(reason))["ended_at"] is not None
    assert called.callback.said(called.id, DONE) == []
    if reason == "expired":
        await called.until("expired")
        kept = await called.intake.pool.fetchval(
            "select recipient from intake.hand_overs where request_id = $1", called.id
        )
        assert kept is None


async def test_whose_webhook_is_removed_is_sent_nothing_more(
    called: Called, publisher: Publisher
) -> None:
    async def meanwhile(_: Heard) -> None:
        called.callback.before_it_answers = None
        await called.intake.http.delete("/v1/webhook", headers=called.header)

    called.callback.before_it_answers = meanwhile
    await called.package_is_made(publisher)
    assert (await called.way("no_webhook"))["parts_confirmed"] == 1
    assert [one.start for one in called.callback.of(called.id)] == [0]


async def test_a_request_that_is_withdrawn_has_nothing_sent_on(called: Called) -> None:
    """What was there at the legal date is on its way when the request is taken back."""

    async def meanwhile(_: Heard) -> None:
        called.callback.before_it_answers = None
        answer = await called.intake.http.post(
            f"{BASE}/{called.id}/withdrawal", headers=called.header, json={"reason": "a test"}
        )
        assert answer.status_code < 300, answer.text

    called.callback.before_it_answers = meanwhile
    called.there = await called.hand_over(called.systems[0], FILM)
    called.delivered()
    assert (await called.release()).status_code == 200
    assert (await called.told(ENDED))["reason"] == "request_ended"
    assert [one.start for one in called.callback.of(called.id)] == [0]


async def test_for_another_key_it_begins_anew_and_nobody_has_a_file_of_two(
    called: Called, publisher: Publisher
) -> None:
    async def meanwhile(part: Heard) -> None:
        if part.start:
            called.callback.before_it_answers = None
            await called.allow()

    called.callback.before_it_answers = meanwhile
    await called.package_is_made(publisher)
    told = await called.told(DONE)
    assert called.callback.taken(called.id) == [0, PART_BYTES, 0, PART_BYTES, 2 * PART_BYTES]
    whole = called.callback.files(called.id)[told["file"]]
    assert len(called.callback.files(called.id)) == 2
    assert unzipped(pyrage.decrypt(whole, [called.identity]))


async def test_the_supplement_is_sent_as_well(called: Called, publisher: Publisher) -> None:
    called.there = await called.hand_over(called.systems[0], ORDERS)
    called.delivered()
    assert (await called.release()).status_code == 200
    await called.told(DONE)
    called.delivered(late=await called.hand_over(called.late, CALLS, export=2))
    await called.close(publisher)
    told = await called.told(DONE, 2)
    assert [one["number"] for one in called.callback.said(called.id, DONE)] == [1, 2]
    supplement = unzipped(
        pyrage.decrypt(called.callback.files(called.id)[told["file"]], [called.identity])
    )
    assert f"data/{called.late}/calls.jsonl" in supplement
    assert f"data/{called.systems[0]}/orders.jsonl" not in supplement


async def test_what_was_handed_over_is_not_wanted_again_with_its_supplement(
    called: Called, publisher: Publisher
) -> None:
    called.there = await called.hand_over(called.systems[0], ORDERS)
    called.delivered()
    assert (await called.release()).status_code == 200
    await called.told(DONE)
    pool = called.intake.pool
    kept = PostgresHandOvers(pool)
    await kept.forget(before=datetime.now(UTC))
    [done] = await kept.of(RequestId(called.id))
    assert done.number == 1, "it is known for as long as its package might be wanted"
    await pool.execute("delete from intake.hand_overs where request_id = $1", called.id)
    await pool.execute(
        "update intake.packages set expires_at = now() where request_id = $1", called.id
    )
    called.delivered(late=await called.hand_over(called.late, CALLS, export=2))
    await called.close(publisher)
    await called.told(DONE, 2)
    assert [one.number for one in await kept.of(RequestId(called.id))] == [2]
    assert called.callback.said(called.id, ENDED) == []


async def test_two_packages_of_one_request_end_together(
    called: Called, publisher: Publisher
) -> None:
    called.callback.status = lambda _: 500
    called.there = await called.hand_over(called.systems[0], ORDERS)
    called.delivered()
    assert (await called.release()).status_code == 200
    called.delivered(late=await called.hand_over(called.late, CALLS, export=2))
    await called.close(publisher)

    async def both_wait() -> bool:
        ways = (await called.shown()).get("hand_overs", [])
        return {one["number"] for one in ways if one["ended_at"] is None} == {1, 2}

    await eventually(both_wait, within=60)
    await act(called, "revoked")
    await called.told(ENDED, 2)
    ended = called.callback.said(called.id, ENDED)
    assert sorted((one["number"], one["reason"]) for one in ended) == [
        (1, "revoked"),
        (2, "revoked"),
    ]


async def given_up(called: Called, publisher: Publisher) -> None:
    """Have all of a package but its first part refused for as long as it is tried, and then no more."""
    called.callback.status = lambda part: 500 if part.start else 204
    await called.package_is_made(publisher)

    async def is_last_try() -> bool:
        done = await called.intake.pool.execute(
            "update intake.hand_overs set tries = 9, next_try_at = now()"
            " where request_id = $1 and claim_id is null and tries = 1",
            called.id,
        )
        return not done.endswith(" 0")

    await eventually(is_last_try, within=60)
    assert (await called.told(ENDED))["reason"] == "given_up"
    called.callback.status = lambda _: 204


async def replayed(called: Called) -> None:
    answer = await called.intake.http.post(
        "/v1/webhook:replay", headers=called.header, json={"since": "2026-01-01T00:00:00Z"}
    )
    assert answer.status_code == 200, answer.text


async def test_who_has_given_up_has_the_rest_sent_by_a_replay(
    called: Called, publisher: Publisher
) -> None:
    await given_up(called, publisher)
    await replayed(called)
    await called.told(DONE)
    assert called.callback.taken(called.id) == [0, PART_BYTES, 2 * PART_BYTES]


async def test_what_was_given_up_and_then_revoked_is_sent_by_no_replay(
    called: Called, publisher: Publisher
) -> None:
    await given_up(called, publisher)
    await act(called, "revoked")
    await replayed(called)
    assert (await called.way("revoked"))["parts_confirmed"] == 1
    assert called.callback.taken(called.id) == [0]
    assert called.callback.said(called.id, DONE) == []


async def test_two_replicas_send_each_part_once(
    called: Called,
    publisher: Publisher,
    kafka: KafkaConnection,
    database: str,
) -> None:
    async with calling_intake(kafka, database, called.verifier, called.post, called.folder):
        await called.package_is_made(publisher)
        await called.told(DONE)
    assert [one.start for one in called.callback.of(called.id)] == [0, PART_BYTES, 2 * PART_BYTES]
    assert len(called.callback.said(called.id, DONE)) == 1


async def test_who_lacks_something_is_told_what_to_do(running: tuple[Intake, Path]) -> None:
    intake, folder = running
    one = Called(*running, VerifierDouble())
    one.header = await intake.client()

    async def refused(**changes: Any) -> tuple[str, str, str]:
        body = a_submission(**{"right": "access", "hand_over": "callback"} | changes)
        answer = await intake.http.post(BASE, json=body, headers=one.header)
        problem = answer.json()
        assert answer.status_code == 422, answer.text
        [error] = problem["errors"]
        return problem["type"].rpartition(":")[2], error["pointer"], problem["detail"]

    code, pointer, said = await refused()
    assert (code, pointer) == ("hand_over_not_allowed", "/hand_over")
    assert "dsr client receive" in said
    line = a_submission(right="access", hand_over="callback", letters=False, idempotency_key="k")
    batch = await intake.http.post(
        f"{BASE}:batch",
        content=json.dumps(line),
        headers=one.header | {"content-type": "application/x-ndjson"},
    )
    assert batch.json()["problem"]["type"].endswith("hand_over_not_allowed")
    await one.allow()
    code, _, said = await refused()
    assert code == "no_webhook"
    assert "PUT /v1/webhook" in said
    async with callback(certificates(folder)[0]) as one.callback:
        await one.set_webhook()
    code, pointer, said = await refused(right="deletion")
    assert (code, pointer) == ("invalid_request", "/hand_over")
    body = a_submission(right="access", hand_over="callback")
    again = one.header | {"idempotency-key": "once"}
    accepted = await intake.http.post(BASE, json=body, headers=again)
    assert accepted.status_code == 202
    line = body | {"letters": False, "idempotency_key": "twice"}
    lines = one.header | {"content-type": "application/x-ndjson"}
    taken = await intake.http.post(f"{BASE}:batch", content=json.dumps(line), headers=lines)
    assert taken.json()["status"] == 202, taken.text
    await intake.http.delete("/v1/webhook", headers=one.header)
    assert (await refused())[0] == "no_webhook"
    repeated = await intake.http.post(BASE, json=body, headers=again)
    assert (repeated.status_code, repeated.json()["id"]) == (202, accepted.json()["id"])
    repeated = await intake.http.post(f"{BASE}:batch", content=json.dumps(line), headers=lines)
    assert repeated.json()["id"] == taken.json()["id"]


async def test_a_person_is_sent_no_packages_and_a_key_that_is_none_is_refused(
    running: tuple[Intake, Path],
) -> None:
    intake, _ = running
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    operator, _ = await intake.made(role="operator", jurisdictions=["*"])
    program, header = await intake.made()

    async def allowed(client_id: str, key: str, who: dict[str, str]) -> int:
        answer = await intake.http.put(
            f"/internal/v1/clients/{client_id}/package-recipient",
            headers=who,
            json={"recipient": key, "reason": "a test"},
        )
        return answer.status_code

    assert await allowed(operator, recipient, intake.officer) == 404
    assert await allowed(program, recipient[:-1] + "q", intake.officer) == 422
    assert await allowed(program, recipient, intake.desk) == 403
    assert await allowed(program, recipient, header) == 403
    assert await allowed(program, recipient, intake.officer) == 200
