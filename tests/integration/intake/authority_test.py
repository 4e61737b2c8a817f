"""Who asks for another person shows that they may, and then who they are."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from integration.intake.identity_test import give_up, prove, shown

from support.intake import Intake, Topics
from support.submissions import a_submission, ndjson

BASE = "/v1/subject-requests"
PERMISSION = {"kind": "signed_permission", "reference": "archive/7"}
ATTORNEY = {"kind": "power_of_attorney", "reference": "archive/8", "given_on": "2026-01-02"}


async def submitted(intake: Intake, **changes: Any) -> dict[str, Any]:
    answer = await intake.http.post(BASE, json=a_submission(**changes))
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    one: dict[str, Any] = answer.json()
    return one


async def authorise(intake: Intake, request_id: str) -> httpx.Response:
    return await intake.http.post(
        f"/internal/v1/subject-requests/{request_id}/authority:prove",
        headers=intake.internal,
        json={"reason": "the document was seen"},
    )


@pytest.mark.parametrize(
    ("jurisdiction", "requester", "state"),
    [
        ("DE", {"role": "guardian"}, "awaiting_authority"),
        ("DE", {"role": "guardian", "consent": {"reference": "c/1"}}, "open"),
        ("DE", {"role": "authorised_agent"}, "awaiting_authority"),
        ("DE", {"role": "authorised_agent", "authority": PERMISSION}, "open"),
        ("US-CA", {"role": "authorised_agent"}, "awaiting_authority"),
        ("US-CA", {"role": "authorised_agent", "authority": PERMISSION}, "awaiting_identity"),
        ("US-CA", {"role": "authorised_agent", "authority": ATTORNEY}, "open"),
        ("ZZ", {"role": "authorised_agent"}, "awaiting_authority"),
    ],
)
async def test_a_request_begins_as_its_regime_demands(
    intake: Intake, jurisdiction: str, requester: dict[str, Any], state: str
) -> None:
    jurisdiction = "JP" if jurisdiction == "ZZ" else jurisdiction
    one = await submitted(intake, jurisdiction=jurisdiction, requester=requester)
    assert one["state"] == state
    found = await shown(intake, one["id"])
    assert found["state"] == state
    sent = requester.get("authority") or requester.get("consent")
    kept = found["requester"]["evidence"]
    assert (kept and kept["reference"]) == (sent and sent["reference"])


async def test_authority_then_identity_and_then_it_opens(intake: Intake, topics: Topics) -> None:
    headers = {"idempotency-key": "an-agent-1"}
    body = a_submission(requester={"role": "authorised_agent"})
    one = (await intake.http.post(BASE, json=body, headers=headers)).json()
    assert (await prove(intake, one["id"])).status_code == httpx.codes.CONFLICT
    why = (await intake.http.get(f"{BASE}/{one['id']}/blockers")).json()["blockers"]
    assert [each["kind"] for each in why] == ["authority_not_proven"]
    assert why[0]["next"]["what"] == "it ends as not verified"
    found = await authorise(intake, one["id"])
    assert found.json()["state"] == "awaiting_identity"
    assert (await authorise(intake, one["id"])).status_code == httpx.codes.CONFLICT
    assert (await prove(intake, one["id"])).json()["state"] == "open"
    again = await intake.http.post(BASE, json=body, headers=headers)
    assert again.json() == one  # told as it was accepted
    records = await topics.find("dsr.lifecycle.v1", {one["id"]}, 2)
    assert len(records) == 2


async def test_without_the_authority_by_the_date_it_ends_as_not_verified(intake: Intake) -> None:
    one = await submitted(
        intake, requester={"role": "guardian"}, received_at="2026-01-02T09:00:00Z"
    )
    assert (await give_up(intake, one["id"])).json()["open_members"] == 0
    found = await shown(intake, one["id"])
    assert (found["state"], found["outcome"]) == ("answered", "not_verified")
    assert (await authorise(intake, one["id"])).status_code == httpx.codes.CONFLICT


async def test_a_line_of_a_batch_that_would_wait_is_refused(intake: Intake) -> None:
    lines = [
        a_submission(1, idempotency_key="a-1", requester={"role": "guardian"}),
        a_submission(
            2, idempotency_key="a-2", requester={"role": "guardian", "consent": {"reference": "c"}}
        ),
    ]
    answer = await intake.http.post(
        f"{BASE}:batch", content=ndjson(lines), headers={"content-type": "application/x-ndjson"}
    )
    refused, taken = answer.text.splitlines()
    assert "authority_needed" in refused
    assert '"status":202' in taken


@pytest.mark.parametrize(
    "requester",
    [
        {"role": "data_subject", "consent": {"reference": "c"}},
        {"role": "guardian", "authority": PERMISSION},
        {"role": "guardian", "consent": {"reference": "Ms Someone <a@example.com>"}},
        {"role": "guardian", "consent": {"reference": "c", "given_on": "2026-02-30"}},
        {"role": "authorised_agent", "authority": {"kind": "consent", "reference": "c"}},
        {"role": "friend"},
    ],
)
async def test_evidence_of_another_kind_or_with_a_name_in_it_is_refused(
    intake: Intake, requester: dict[str, Any]
) -> None:
    answer = await intake.http.post(BASE, json=a_submission(requester=requester))
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "Someone" not in answer.text
