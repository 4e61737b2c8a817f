"""Who asks for another person shows that they may, and then who they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import pytest
from integration.intake.identity_test import give_up, prove, shown

from dsr_wire.codec.commands import IdentityVerified
from support.decisions import commands
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


async def authorise(
    intake: Intake, request_id: str, *, by: dict[str, str] | None = None, **body: str
) -> httpx.Response:
    return await intake.http.post(
        f"/internal/v1/subject-requests/{request_id}/authority:prove",
        headers=by or intake.desk,
        json={"reason": "the document was seen"} | body,
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
    body = a_submission(requester={"role": "authorised_agent"}, identity_attested=False)
    one = (await intake.http.post(BASE, json=body, headers=headers)).json()
    assert (await prove(intake, one["id"])).status_code == httpx.codes.CONFLICT
    why = (await intake.http.get(f"{BASE}/{one['id']}/blockers")).json()["blockers"]
    assert [each["kind"] for each in why] == ["authority_not_proven", "identity_not_proven"]
    assert why[0]["next"]["what"] == "it ends as not verified"
    found = await authorise(intake, one["id"])
    assert found.json()["state"] == "awaiting_identity"
    assert (await authorise(intake, one["id"])).status_code == httpx.codes.CONFLICT
    assert (await prove(intake, one["id"])).json()["state"] == "open"
    again = await intake.http.post(BASE, json=body, headers=headers)
    assert again.json() == one  # told as it was accepted
    records = await topics.find("dsr.lifecycle.v1", {one["id"]}, 2)
    assert len(records) == 2


@pytest.mark.parametrize(
    ("jurisdiction", "is_attested", "evidence", "state"),
    [
        ("DE", True, {}, "open"),
        ("DE", True, {"evidence": "power_of_attorney"}, "open"),
        ("DE", False, {}, "awaiting_identity"),
        ("US-CA", True, {}, "awaiting_identity"),
        ("US-CA", True, {"evidence": "signed_permission"}, "awaiting_identity"),
        ("US-CA", True, {"evidence": "power_of_attorney"}, "open"),
        ("US-CA", False, {"evidence": "power_of_attorney"}, "awaiting_identity"),
    ],
)
async def test_once_the_authority_is_shown_it_opens_where_the_client_had_attested_who_asks(
    intake: Intake,
    topics: Topics,
    *,
    jurisdiction: str,
    is_attested: bool,
    evidence: dict[str, str],
    state: str,
) -> None:
    one = await submitted(
        intake,
        jurisdiction=jurisdiction,
        requester={"role": "authorised_agent"},
        identity_attested=is_attested,
    )
    assert (await shown(intake, one["id"]))["identity_proven_at"] is None
    why = (await intake.http.get(f"{BASE}/{one['id']}/blockers")).json()["blockers"]
    is_enough = jurisdiction == "DE" and is_attested
    assert len(why) == (1 if is_enough else 2)
    found = (await authorise(intake, one["id"], **evidence)).json()
    assert found["state"] == state
    assert bool(found["identity_proven_at"]) == (state == "open")
    if state == "open":
        [command] = await commands(topics, one["id"])
        assert isinstance(command.decision, IdentityVerified)
        assert (command.decision.method, command.revision) == ("attested", 1)
        assert command.decision.due_at == datetime.fromisoformat(found["due_at"])


async def test_evidence_that_the_regime_does_not_take_shows_no_authority(intake: Intake) -> None:
    one = await submitted(intake, requester={"role": "guardian"})
    answer = await authorise(intake, one["id"], evidence="signed_permission")
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert (await shown(intake, one["id"]))["state"] == "awaiting_authority"


async def test_what_shows_who_asks_and_that_they_may_is_kept_among_the_decisions(
    intake: Intake,
) -> None:
    attested = await submitted(intake, requester={"role": "authorised_agent"})
    fourth, by = await intake.made(role="operator", jurisdictions=["*"])
    await authorise(intake, attested["id"], by=by)
    shown_later = await submitted(
        intake, requester={"role": "authorised_agent"}, identity_attested=False
    )
    await authorise(intake, shown_later["id"])
    await prove(intake, shown_later["id"])
    at_once = await submitted(intake)

    async def kept(request_id: str) -> list[tuple[str, str, str]]:
        rows = await intake.pool.fetch(
            "select kind, decided_by, details->>'method' as method from intake.decisions "
            "where request_id = $1 order by revision",
            request_id,
        )
        return [(one["kind"], one["decided_by"].split()[0], one["method"]) for one in rows]

    assert await kept(attested["id"]) == [
        ("prove_authority", fourth, None),
        ("prove_identity", "client", "attested"),
    ]
    [(_, desk, _), (_, same, _)] = await kept(shown_later["id"])
    assert await kept(shown_later["id"]) == [
        ("prove_authority", desk, None),
        ("prove_identity", desk, "operator"),
    ]
    assert same not in {fourth, "client"}
    assert await kept(at_once["id"]) == [("prove_identity", "client", "attested")]


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
