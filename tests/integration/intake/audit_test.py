"""The audit log: every change of a person leaves one entry, with the change, and for good."""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest

from dsr_contracts.v1 import audit_pb2
from dsr_wire.codec.audit import audit_entries_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import AUDIT
from support.decisions import INTERNAL, decide, refuse, submitted, withdraw
from support.holds import lift, placed
from support.intake import Intake, Topics


async def entries(intake: Intake, **wanted: str) -> list[dict[str, Any]]:
    answer = await intake.http.get(f"{INTERNAL}/audit", headers=intake.officer, params=wanted)
    assert answer.status_code == httpx.codes.OK, answer.text
    return list(answer.json()["entries"])


async def test_a_decision_leaves_one_entry_whose_digest_goes_to_the_evidence_log(
    intake: Intake, topics: Topics
) -> None:
    by, header = await intake.made(role="operator", jurisdictions=["*"])
    one = await submitted(intake)
    await refuse(intake, one["id"], by=header)
    [entry] = await entries(intake, target=one["id"])
    assert (entry["principal"], entry["role"], entry["authentication"]) == (
        by,
        "operator",
        "api_key",
    )
    assert (entry["action"], entry["reason"], entry["outcome"]) == (
        "request.refuse",
        "the fifth this week",
        "done",
    )
    [record] = await topics.find(AUDIT.name, {entry["id"]}, 1)
    [told] = audit_entries_from_wire(decode(record.value, record.headers, audit_pb2.AuditEntries))
    assert (told.entry_id, told.digest.hex()) == (entry["id"], entry["digest"])
    shown = await intake.http.get(f"{INTERNAL}/audit/{entry['id']}", headers=intake.officer)
    assert shown.json() == entry


async def test_what_is_refused_leaves_none(intake: Intake) -> None:
    one = await submitted(intake)
    await refuse(intake, one["id"])
    assert (await refuse(intake, one["id"])).status_code == 409
    assert len(await entries(intake, target=one["id"])) == 1


async def test_what_a_program_does_is_not_a_person_s(intake: Intake) -> None:
    one = await submitted(intake)
    await withdraw(intake, one["id"])
    assert await entries(intake, target=one["id"]) == []


async def test_a_lookup_key_that_comes_into_use_is_entered_once(intake: Intake) -> None:
    [name] = [row[0] for row in await intake.pool.fetch("select id from intake_keys.lookup_keys")]
    [entry] = await entries(intake, action="lookup-key.begin")
    assert (entry["principal"], entry["authentication"]) == ("intake", "settings")
    assert entry["targets"] == [name]


async def test_a_hold_has_one_entry_whatever_it_holds(intake: Intake) -> None:
    email = "audited-hold@example.com"
    held = await submitted(intake, identity=[{"kind": "email", "value": email}])
    hold_id = await placed(intake, person=[{"kind": "email", "value": email}])
    await lift(intake, hold_id)
    assert [one["action"] for one in await entries(intake, target=hold_id)] == [
        "hold.lift",
        "hold.place",
    ]
    assert await entries(intake, target=held["id"]) == []


async def test_who_comes_in_is_entered_and_who_made_the_first_of_all(intake: Intake) -> None:
    client_id, _ = await intake.made(reason="a shop opens")
    [entry] = await entries(intake, target=client_id)
    assert (entry["action"], entry["reason"]) == ("client.create", "a shop opens")
    path = f"{INTERNAL}/clients/{client_id}"
    await intake.http.delete(path, headers=intake.officer, params={"reason": "it closes"})
    assert [one["reason"] for one in await entries(intake, target=client_id)] == [
        "it closes",
        "a shop opens",
    ]
    assert await entries(intake, principal="database", action="client.create")


async def test_proposals_and_proofs_are_entered(intake: Intake) -> None:
    one = await submitted(intake, identity_attested=False)
    await decide(intake, one["id"], "identity:prove", reason="passport seen")
    assert [each["action"] for each in await entries(intake, target=one["id"])] == [
        "request.prove_identity"
    ]


async def test_what_is_changed_elsewhere_is_announced_in_the_caller_s_name(intake: Intake) -> None:
    mine, by = await intake.made(role="operator", jurisdictions=["DE"])
    body = {"action": "registry.publish", "targets": ["9f2c41"], "reason": "a system joins"}
    answer = await intake.http.post(f"{INTERNAL}/audit", headers=by, json=body)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    [entry] = await entries(intake, principal=mine)
    assert (entry["outcome"], entry["targets"]) == ("announced", ["9f2c41"])
    for wrong in ({"principal": "boss"}, {"reason": ""}, {"reason": "x" * 501}, {"action": "A B"}):
        refused = await intake.http.post(f"{INTERNAL}/audit", headers=by, json=body | wrong)
        assert refused.status_code == 422
    assert (await intake.http.get(f"{INTERNAL}/audit", headers=by)).status_code == 403


@pytest.mark.parametrize(
    "statement",
    [
        "update intake.audit set reason = 'another'",
        "delete from intake.audit",
        "truncate intake.audit",
    ],
)
async def test_the_log_is_only_added_to(intake: Intake, statement: str) -> None:
    await submitted(intake)
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await intake.pool.execute(statement)
