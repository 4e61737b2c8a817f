"""Erasures wait for a copy until it is whole, or somebody accepts what it lacks: what intake tells of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from integration.intake.awaited_test import after, people
from integration.intake.packages_test import BASE, ORDERS, PHOTO, Access

from dsr_contracts.v1 import copies_pb2
from dsr_core.exports import Delivery
from dsr_core.ids import SystemId
from dsr_core.registry import Registry
from dsr_intake.adapters.package_copies import PostgresCopies
from dsr_intake.application.clock import utc_now
from dsr_intake.application.packages.copies import Copies
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.copies import SettledCopy, copy_settled_from_wire
from dsr_wire.envelope import decode
from dsr_wire.exports import Stream, part_path
from dsr_wire.topics import COPIES
from support.faults import no_folder
from support.intake import Intake, Topics, VerifierDouble, running_intake
from support.waiting import eventually


@pytest.fixture(scope="module")
async def running(
    kafka: KafkaConnection,
    database: str,
    verifier: VerifierDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Intake, Path]]:
    folder = tmp_path_factory.mktemp("copies")
    async with running_intake(kafka, database, verifier.url, folder) as intake:
        yield intake, folder


class Copied(Access):
    """A request for access, and what is told of its copy."""

    number = 0
    """Of its person."""

    async def spoilt(self, system_id: str) -> Delivery:
        """What a system has handed over, and somebody has changed on the way."""
        one = await self.hand_over(system_id, PHOTO)
        path = self.store / part_path(self.id, SystemId(system_id), one.export_id, Stream.DATA, 0)
        path.write_bytes(path.read_bytes()[:-5] + b"spoil")
        return one

    async def accept(self) -> Any:
        return await self.intake.http.post(
            f"/internal{BASE}/{self.id}/package:accept",
            headers=self.intake.officer,
            json={"reason": "the system has lost it"},
        )

    async def hindrance(self) -> str | None:
        """Return why it cannot be accepted, as a reader is told it and as who tries is."""
        shown = await self.intake.http.get(f"{BASE}/{self.id}/package")
        found = shown.json()["not_acceptable"]
        if found is not None:
            answer = await self.accept()
            assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (
                409,
                "not_acceptable",
            )
        return None if found is None else str(found)

    async def told(self, topics: Topics) -> SettledCopy:
        """Return the one record that is told of the copy."""
        [record] = await topics.find(COPIES.name, {self.id}, 1)
        return copy_settled_from_wire(decode(record.value, record.headers, copies_pb2.CopySettled))

    async def deletion(self, topics: Topics) -> tuple[str, ...]:
        """Ask for the erasure of the same person, and return what it waits for."""
        return await after(self.intake, topics, number=self.number)


@pytest.fixture
async def access(
    running: tuple[Intake, Path], verifier: VerifierDouble, registry: Registry
) -> Copied:
    one = Copied(*running, verifier)
    one.number = next(people)
    await one.submit(registry, number=one.number)
    return one


async def test_a_copy_that_is_whole_is_told_of_once_and_waited_for_no_more(
    access: Copied, publisher: Publisher, topics: Topics
) -> None:
    first, *_ = access.systems
    access.answered({first: await access.hand_over(first, ORDERS)})
    assert await access.deletion(topics) == (access.id,)
    await access.close(publisher)
    row = await access.until("ready")
    assert row["copy_settled_at"] == row["made_at"]
    told = await access.told(topics)
    assert told == SettledCopy(request_id=access.id, settled_at=row["made_at"])
    assert await access.hindrance() == "settled"


async def test_an_erasure_that_comes_while_the_copy_is_made_waits_for_it(
    access: Copied, publisher: Publisher, topics: Topics
) -> None:
    first, *_ = access.systems
    access.answered({first: await access.hand_over(first, ORDERS)})
    with no_folder(access.store):
        await access.close(publisher)
        await access.until("waiting")
        assert await access.state() == "closed"
        assert await access.deletion(topics) == (access.id,)
        assert await access.hindrance() == "being_made"
    await access.until("ready")
    await access.told(topics)


async def test_an_erasure_waits_for_a_copy_that_lacks_something_until_somebody_accepts_it(
    access: Copied, publisher: Publisher, topics: Topics
) -> None:
    first, second, *_ = access.systems
    assert (await access.accept()).status_code == 409
    access.answered(
        {first: await access.spoilt(first), second: await access.hand_over(second, ORDERS)}
    )
    await access.close(publisher)
    row = await access.until("ready")
    assert row["copy_settled_at"] is None
    assert await access.state() == "answered"
    assert access.id not in await PostgresCopies(access.intake.pool).untold(limit=1000)
    assert await access.deletion(topics) == (access.id,)

    assert await access.hindrance() is None
    answer = await access.accept()
    assert answer.status_code == 200
    assert answer.json()["copy_settled_at"] is not None
    await access.told(topics)
    entered = await access.intake.pool.fetch(
        "select action from intake.audit where $1 = any(targets)", access.id
    )
    assert "package.accept" in [one["action"] for one in entered]
    assert await access.hindrance() == "settled"


async def test_a_copy_that_an_older_replica_has_made_is_told_of_once(
    access: Copied, publisher: Publisher, topics: Topics
) -> None:
    first, *_ = access.systems
    access.answered({first: await access.hand_over(first, ORDERS)})
    await access.close(publisher)
    await access.until("ready")
    await access.told(topics)
    pool = access.intake.pool
    await pool.execute("delete from intake.outbox where key = $1", access.id.encode())
    await pool.execute(
        "update intake.packages set copy_settled_at = null where request_id = $1", access.id
    )
    wakes: list[None] = []
    copies = Copies(
        store=PostgresCopies(pool), clock=utc_now, on_committed=lambda: wakes.append(None)
    )
    await copies.work()

    async def is_settled() -> bool:
        return (await access.row())["copy_settled_at"] is not None

    # The running intake looks as well: whichever was first, it is told once more and no oftener.
    await eventually(is_settled)
    assert len(await topics.find(COPIES.name, {access.id}, 2)) == 2
