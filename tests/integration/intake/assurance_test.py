"""How sure it must be who asks, by right and data: an attestation and an operator's decision alike."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from integration.intake.identity_test import prove

from support.decisions import shown, submitted
from support.intake import Intake
from support.submissions import a_submission, ndjson

BASE = "/v1/subject-requests"
CONTACT = {"categories": ["user.contact"], "organisation_ids": []}


async def test_an_attestation_below_what_the_data_asks_for_waits_and_says_why(
    intake: Intake,
) -> None:
    one = await submitted(intake, identity_level="low")
    assert one["state"] == "awaiting_identity"
    assert "takes the level substantial, and not low" in one["identity_needed"]
    found = await shown(intake, one["id"])
    assert (found["state"], found["identity_proven_at"]) == ("awaiting_identity", None)
    [blocker] = (await intake.http.get(f"{BASE}/{one['id']}/blockers")).json()["blockers"]
    assert blocker["kind"] == "identity_not_proven"
    assert "at the level substantial at least" in blocker["what"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"identity_level": "substantial"},
        {"identity_level": "low", "scope": CONTACT},
        {"identity_level": "low", "right": "opt_out"},
    ],
    ids=["no level", "enough", "other data", "asks nobody"],
)
async def test_any_other_attestation_opens_as_it_did(
    intake: Intake, changes: dict[str, Any]
) -> None:
    one = await submitted(intake, **changes)
    assert (one["state"], one["identity_needed"]) == ("open", None)
    level = "select details->>'level' from intake.decisions where request_id = $1 and revision = 0"
    assert await intake.pool.fetchval(level, one["id"]) == changes.get("identity_level", "high")


async def test_a_line_of_a_batch_that_would_wait_is_refused_with_what_is_needed(
    intake: Intake,
) -> None:
    line = a_submission(idempotency_key="low", identity_level="low")
    headers = await intake.client() | {"content-type": "application/x-ndjson"}
    answer = await intake.http.post(f"{BASE}:batch", content=ndjson([line]), headers=headers)
    [result] = [orjson.loads(each) for each in answer.text.splitlines()]
    assert "assurance_needed" in str(result), result


async def test_an_operator_who_is_not_sure_enough_is_told_what_is_needed(intake: Intake) -> None:
    one = await submitted(intake, identity_attested=False)
    refused = await prove(intake, one["id"], level="low")
    assert refused.status_code == httpx.codes.CONFLICT
    assert refused.json()["type"].endswith(":assurance_needed")
    assert "takes the level substantial, and not low" in refused.json()["detail"]
    assert (await shown(intake, one["id"]))["state"] == "awaiting_identity"
    assert (await prove(intake, one["id"], level="substantial")).json()["state"] == "open"
    level = "select details->>'level' from intake.decisions where request_id = $1 and revision = 1"
    assert await intake.pool.fetchval(level, one["id"]) == "substantial"
