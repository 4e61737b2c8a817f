"""A database that an earlier intake filled is brought to the newest version, and its requests go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from integration.intake.closures_test import a_record
from integration.intake.identity_test import prove
from integration.intake.sealing_test import opened, seal

from dsr_cli.stack import Stack
from dsr_contracts.v1 import notices_pb2
from dsr_core.ids import CohortId, RequestId
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.decisions import HoldPlaced, Stopped
from support import parts
from support.builders import MARKER
from support.decisions import INTERNAL, commands, decide, outcome_of, refuse, shown, standing
from support.holds import placed, state_of
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.law import shipped_rules
from support.old_schemas import filled
from support.waiting import eventually

HOME = CohortId("019a0000-0000-7000-9000-000000000001")
ROWS = Path(__file__).parent / "filled_0003.sql"


def of(number: int) -> RequestId:
    return RequestId(f"019a0000-0000-7000-8000-{number:012d}")


@pytest.fixture(scope="module")
async def intake(
    kafka: KafkaConnection,
    stack: Stack,
    registry: Registry,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Intake]:
    """One on a database from before decisions."""
    with parts.fresh_database(stack) as dsn:
        digests = {"registry": registry.digest, "rules": shipped_rules().digest}
        await filled(
            dsn,
            package="dsr_intake",
            schema="intake",
            revision="0003",
            rows=ROWS,
            values=digests,
        )
        folder = tmp_path_factory.mktemp("keys")
        async with running_intake(kafka, dsn, verifier.url, folder) as running:
            yield running


async def test_every_request_stands_as_it_did(intake: Intake) -> None:
    found = [outcome_of(await shown(intake, of(n))) for n in range(1, 7)]
    assert found == [
        ("open", None),
        ("open", None),
        ("answered", "fulfilled"),
        ("awaiting_identity", None),
        ("open", None),
        ("answered", "not_verified"),
    ]
    assert await standing(intake, HOME) == (3, 2)
    for number in range(1, 7):
        why = await intake.http.get(
            f"{INTERNAL}/subject-requests/{of(number)}", headers=intake.desk
        )
        assert why.status_code == httpx.codes.OK


async def test_an_identity_of_before_is_still_sealed_for_a_system(
    intake: Intake, stack: Stack, registry: Registry
) -> None:
    system_id = next(one.id for one in registry.systems if "email" in one.identifiers)
    answer = await seal(intake, HOME, registry.digest, [system_id])
    assert answer.status_code == httpx.codes.OK, answer.text
    [notice] = notices_pb2.SealResponse.FromString(answer.content).systems
    identities = opened(notice, stack, system_id)
    assert set(identities) == {of(1), of(2)}
    assert identities[of(1)].values("email") == (f"{MARKER}-1@example.com",)


async def test_what_is_decided_now_is_told_after_the_commands_of_before(
    intake: Intake, topics: Topics
) -> None:
    """The proof by an operator was a command, which nobody counted then."""
    await placed(intake, request_id=of(5))
    assert await state_of(intake, of(5)) == "on_hold"
    [command] = await commands(topics, of(5))
    assert isinstance(command.decision, HoldPlaced)
    assert command.revision == 2
    kept = "select kind, revision from intake.decisions where request_id = $1 order by revision"
    rows = await intake.pool.fetch(kept, of(5))
    assert [tuple(row) for row in rows] == [("prove_identity", 1), ("place_hold", 2)]


async def test_members_leave_their_cohort_and_close_in_it(
    intake: Intake, topics: Topics, publisher: Publisher
) -> None:
    assert (await refuse(intake, of(1))).json()["state"] == "stopping"
    assert await standing(intake, HOME) == (3, 1)
    [command] = await commands(topics, HOME)
    assert isinstance(command.decision, Stopped)
    assert (command.revision, command.alone is not None) == (1, True)
    await publisher.publish([a_record(HOME, of(2))])

    async def is_answered() -> bool:
        return (await shown(intake, of(2)))["state"] == "answered"

    await eventually(is_answered)
    assert await standing(intake, HOME) == (3, 0)
    keys = "select count(*) from intake_keys.request_keys where request_id = $1"
    assert await intake.pool.fetchval(keys, of(2)) == 0


async def test_who_waited_for_a_proof_is_proven(intake: Intake) -> None:
    found: dict[str, Any] = (await prove(intake, of(4))).json()
    assert (found["state"], found["identity_proven_at"] is not None) == ("open", True)
    extended = await decide(intake, of(4), "extension", reason="records on paper")
    assert extended.json()["due_at"] > found["due_at"]
