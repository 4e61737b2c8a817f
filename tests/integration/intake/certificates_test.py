"""Certificates by intake: the verifier's bytes, for the client whose request it is."""

from __future__ import annotations

from integration.intake.closures_test import BASE, a_record, answered

from dsr_core.closing import Outcome
from dsr_runtime.kafka import Publisher
from support.builders import an_id
from support.intake import Intake, VerifierDouble
from support.submissions import a_submission


async def test_a_certificate_is_passed_on_byte_by_byte_to_its_client_alone(
    intake: Intake, verifier: VerifierDouble
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    verifier.certificates[one["id"]] = b'{"v": 1 }\n'
    found = await intake.http.get(f"{BASE}/{one['id']}/certificate")
    assert (found.status_code, found.content) == (200, b'{"v": 1 }\n')
    assert found.headers["content-type"] == "application/json"
    stranger = await intake.client()
    refused = await intake.http.get(f"{BASE}/{one['id']}/certificate", headers=stranger)
    assert refused.status_code == 404
    unknown = await intake.http.get(f"{BASE}/{an_id(77)}/certificate")
    assert unknown.json()["type"].endswith("not_found")


async def test_a_certificate_is_pending_until_the_log_covers_it(
    intake: Intake, verifier: VerifierDouble
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    path = f"{BASE}/{one['id']}/certificate"
    still_open = await intake.http.get(path)
    assert (still_open.status_code, still_open.json()["type"][-10:]) == (404, "not_closed")
    verifier.certificates[one["id"]] = None
    pending = await intake.http.get(path)
    assert (pending.status_code, pending.headers["retry-after"]) == (409, "1")
    assert pending.json()["type"].endswith("certificate_pending")


async def test_a_request_that_ended_before_any_system_was_asked_has_none_and_says_why(
    intake: Intake, publisher: Publisher
) -> None:
    one = (await intake.http.post(BASE, json=a_submission())).json()
    await publisher.publish([a_record(one["id"], one["id"], outcome=Outcome.WITHDRAWN)])
    await answered(intake, one["id"])
    found = await intake.http.get(f"{BASE}/{one['id']}/certificate")
    assert found.status_code == 404
    assert found.json()["type"].endswith("no_certificate")
    assert "ended as withdrawn before any system was asked" in found.json()["detail"]


async def test_the_published_keys_are_for_every_client(intake: Intake) -> None:
    found = await intake.http.get("/v1/evidence-keys")
    assert (found.status_code, found.content) == (200, b'{"v":1}\n')
    nobody = await intake.http.get("/v1/evidence-keys", headers={"Authorization": "Bearer none"})
    assert nobody.status_code == 401
