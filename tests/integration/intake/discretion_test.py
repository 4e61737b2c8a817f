"""What people write about a request is kept when the person is gone, so it names nobody."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from integration.intake.audit_test import entries

from dsr_core.registry import Registry
from dsr_core.rights import Right
from support.decisions import INTERNAL, decide, submitted
from support.holds import WORDS
from support.intake import Intake

EMAIL = "jane.roe.named@example.com"
PHONE = "+44 20 7946 0018"
IDENTITY = [{"kind": "email", "value": EMAIL}, {"kind": "phone", "value": PHONE}]
NAMED = f"as {EMAIL.upper()} has written"


def refused(answer: httpx.Response) -> bool:
    assert EMAIL not in answer.text.lower()
    problem = answer.json()["type"].rpartition(":")[2]
    return (answer.status_code, problem) == (422, "identity_in_text")


@pytest.mark.parametrize(
    ("decision", "body"),
    [
        ("refusal", {"ground": "GDPR 12(5)(b)", "reason": NAMED}),
        ("refusal", {"ground": NAMED, "reason": "the fifth"}),
        ("referral", {"controller": "Example Airline", "pointer": NAMED}),
        ("extension", {"reason": f"{PHONE} was called"}),
        ("clarification:ask", {"question": NAMED}),
        ("letters:give-up", {"kind": "done", "reason": NAMED}),
    ],
)
async def test_a_decision_that_names_the_person_is_refused_and_leaves_nothing(
    intake: Intake, decision: str, body: dict[str, Any]
) -> None:
    one = await submitted(intake, identity=IDENTITY)
    assert refused(await decide(intake, one["id"], decision, **body))
    assert await entries(intake, target=one["id"]) == []


async def test_an_answer_in_place_of_a_system_names_nobody(
    intake: Intake, registry: Registry
) -> None:
    one = await submitted(intake, identity=IDENTITY)
    system = next(each.id for each in registry.systems if Right.DELETION in each.rights)
    words = {"system_id": system, "disposition": "erased"}
    assert refused(await decide(intake, one["id"], "settlements", **words, reason=NAMED))
    proposed = await decide(intake, one["id"], "settlements", **words, reason="its disks are gone")
    assert proposed.status_code == httpx.codes.CREATED


async def test_a_proof_of_who_asks_names_nobody(intake: Intake) -> None:
    one = await submitted(intake, identity=IDENTITY, identity_attested=False)
    assert refused(await decide(intake, one["id"], "identity:prove", reason=NAMED))
    proven = await decide(intake, one["id"], "identity:prove", reason="passport seen")
    assert proven.status_code == httpx.codes.OK


@pytest.mark.parametrize("of_the_person", [False, True])
async def test_a_hold_names_nobody(intake: Intake, *, of_the_person: bool) -> None:
    one = await submitted(intake, identity=IDENTITY)
    about = {"person": IDENTITY} if of_the_person else {"request_id": one["id"]}
    answer = await intake.http.post(
        f"{INTERNAL}/holds", headers=intake.desk, json=WORDS | about | {"reason": NAMED}
    )
    assert refused(answer)
