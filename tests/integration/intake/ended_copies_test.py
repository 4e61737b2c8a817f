"""Requests for access that end without a copy of their own: intake tells that no erasure waits for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from integration.intake.awaited_test import after, people
from integration.intake.copies_test import Copied
from integration.intake.identity_test import give_up, prove, shown
from integration.intake.packages_test import ORDERS

from dsr_contracts.v1 import copies_pb2
from dsr_core.ids import RequestId
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.copies import SettledCopy, copy_settled_from_wire
from dsr_wire.envelope import decode
from dsr_wire.topics import COPIES
from support.decisions import submitted, withdraw
from support.faults import no_folder
from support.intake import Intake, Topics, VerifierDouble, running_intake


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Intake, Path]]:
    """One that makes packages and links duplicates."""
    folder = tmp_path_factory.mktemp("ended")
    async with running_intake(
        kafka, database, verifier.url, folder, intake_links_duplicates=True
    ) as intake:
        yield intake, folder


@pytest.fixture
def intake(running: tuple[Intake, Path]) -> Intake:
    return running[0]


class Twins(Copied):
    """A request for access, and a second one that awaited its proof and repeats it since."""

    registry: Registry

    async def repeat(self) -> RequestId:
        second = await submitted(
            self.intake, number=self.number, right="access", identity_attested=False
        )
        await self.submit(self.registry, number=self.number)
        proven = (await prove(self.intake, second["id"])).json()
        assert proven["duplicate_of"] == self.id
        return RequestId(second["id"])


@pytest.fixture
def twins(running: tuple[Intake, Path], verifier: VerifierDouble, registry: Registry) -> Twins:
    one = Twins(*running, verifier)
    one.number = next(people)
    one.registry = registry
    return one


async def an_unproven_request(intake: Intake, topics: Topics, **changes: Any) -> str:
    """A request for access that awaits a proof, and that an erasure waits for."""
    number = next(people)
    access = await submitted(
        intake, number=number, right="access", identity_attested=False, **changes
    )
    assert await after(intake, topics, number=number) == (access["id"],)
    return str(access["id"])


async def test_what_is_withdrawn_before_its_proof_is_told_of(
    intake: Intake, topics: Topics
) -> None:
    access = await an_unproven_request(intake, topics)
    await withdraw(intake, access)
    assert (await shown(intake, access))["outcome"] == "withdrawn"
    await topics.find(COPIES.name, {access}, 1)


async def test_what_nobody_has_proven_is_told_of_as_it_is_given_up(
    intake: Intake, topics: Topics
) -> None:
    access = await an_unproven_request(intake, topics, received_at="2026-01-02T09:00:00Z")
    await give_up(intake, access)
    assert (await shown(intake, access))["outcome"] == "not_verified"
    await topics.find(COPIES.name, {access}, 1)


async def test_the_copy_of_what_is_repeated_is_that_of_its_duplicate_too(
    twins: Twins, publisher: Publisher, topics: Topics
) -> None:
    second = await twins.repeat()
    first, *_ = twins.systems
    twins.answered({first: await twins.hand_over(first, ORDERS)})
    with no_folder(twins.store):
        await twins.close(publisher)
        await twins.until("waiting")
        assert (await shown(twins.intake, second))["state"] == "closed"
    row = await twins.until("ready")
    records = await topics.find(COPIES.name, {twins.id, second}, 2)
    told = [decode(one.value, one.headers, copies_pb2.CopySettled) for one in records]
    assert {copy_settled_from_wire(one) for one in told} == {
        SettledCopy(request_id=one, settled_at=row["made_at"]) for one in (twins.id, second)
    }


async def test_a_duplicate_of_what_had_nothing_to_hand_over_is_told_of_as_it_is_closed(
    twins: Twins, publisher: Publisher, topics: Topics
) -> None:
    second = await twins.repeat()
    twins.answered({})
    await twins.close(publisher)
    [told] = await topics.find(COPIES.name, {twins.id, second}, 1)
    assert told.key.decode() == second
