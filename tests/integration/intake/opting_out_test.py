"""An opt-out opens at once, whoever asks, and a browser's signal is one."""

from __future__ import annotations

import httpx
import pytest

from support.intake import Intake
from support.submissions import a_submission, ndjson

BASE = "/v1/subject-requests"
COOKIE = [{"kind": "cookie_id", "value": "ck-opting-out"}]


async def test_a_signal_opens_at_once_and_its_channel_says_so(intake: Intake) -> None:
    body = a_submission(right="opt_out", identity_attested=False, identity=COOKIE)
    accepted = await intake.http.post(BASE, json=body, headers={"Sec-GPC": "1"})
    assert accepted.status_code == httpx.codes.ACCEPTED, accepted.text
    one = (await intake.http.get(f"{BASE}/{accepted.json()['id']}")).json()
    assert (one["state"], one["channel"], one["right"]) == ("open", "signal", "opt_out")
    letters = (await intake.http.get(f"{BASE}/{one['id']}/letters")).json()
    assert letters["letters"] == []


async def test_a_signal_that_asks_for_something_else_is_refused(intake: Intake) -> None:
    refused = await intake.http.post(BASE, json=a_submission(), headers={"Sec-GPC": "1"})
    assert refused.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert refused.json()["type"] == "urn:dsr:problem:signal_asks_opt_out"


@pytest.mark.parametrize("attested", [True, False])
async def test_a_batch_takes_opt_outs_of_whoever_asks(intake: Intake, *, attested: bool) -> None:
    line = a_submission(
        7, right="opt_out", identity_attested=attested, idempotency_key=f"opt-out-{attested}"
    )
    sent = await intake.http.post(
        f"{BASE}:batch", content=ndjson([line]), headers={"content-type": "application/x-ndjson"}
    )
    assert sent.json()["status"] == httpx.codes.ACCEPTED
