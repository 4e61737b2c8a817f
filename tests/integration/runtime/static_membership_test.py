"""Who has a name in a group keeps its partitions over a restart; who has none gives them up."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from dsr_cli.stack import Stack
from dsr_runtime.kafka import KafkaConnection, Publisher, RecordLoop
from dsr_runtime.records import Record
from support.waiting import eventually

PARTITIONS = 4
COORDINATOR = "aiokafka.consumer.group_coordinator"


@dataclass
class Group:
    """Who reads a topic together."""

    kafka: KafkaConnection
    log: pytest.LogCaptureFixture
    topic: str = field(default_factory=lambda: f"members-{uuid.uuid4().hex[:8]}")
    loops: dict[str, RecordLoop] = field(default_factory=dict)
    read: dict[str, set[int]] = field(default_factory=dict)
    """The partitions of which each member was given records."""

    @asynccontextmanager
    async def member(self, name: str, *, is_named: bool) -> AsyncIterator[None]:
        """Have one more read, until the block ends."""

        async def handle(records: Sequence[ConsumerRecord]) -> None:
            self.read.setdefault(name, set()).update(one.partition for one in records)

        loop = RecordLoop(
            replace(self.kafka, instance_id=name if is_named else None),
            topics=[self.topic],
            group_id=f"dsr.{self.topic}",
            handle=handle,
        )
        self.loops[name] = loop
        reading = asyncio.create_task(loop.run())
        try:
            yield
        finally:
            loop.stop()
            await reading

    async def write(self) -> None:
        """Write something to every partition."""
        publisher = Publisher(self.kafka, client_id="tests")
        await publisher.start()
        await publisher.publish([Record(self.topic, b"%d" % n, b"anything") for n in range(64)])
        await publisher.stop()

    @property
    def joined(self) -> list[tuple[int, str]]:
        """Each time that a member has joined: the group's generation, one more for each sharing, and who."""
        lines = [one for one in self.log.records if one.name == COORDINATOR]
        return [
            (int(str(one.args[1])), str(one.args[2]))
            for one in lines
            if one.msg.startswith("Joined group") and isinstance(one.args, tuple)
        ]

    def members(self) -> int:
        """Return how many members are in the newest generation."""
        newest = max((generation for generation, _ in self.joined), default=0)
        return len({who for generation, who in self.joined if generation == newest})

    def has_read_all(self) -> bool:
        """Return whether each partition has been read."""
        return set().union(*self.read.values()) == set(range(PARTITIONS))


@pytest.fixture
async def group(stack: Stack, kafka: KafkaConnection, caplog: pytest.LogCaptureFixture) -> Group:
    del stack
    caplog.set_level(logging.INFO, logger=COORDINATOR)
    made = Group(kafka, caplog)
    admin = AIOKafkaAdminClient(**kafka.arguments())
    await admin.start()
    await admin.create_topics([NewTopic(made.topic, PARTITIONS, 1)])
    await admin.close()
    return made


async def test_a_restart_of_a_member_with_a_name_holds_nobody_up(group: Group) -> None:
    async with group.member("stays", is_named=True):
        async with group.member("restarts", is_named=True):
            await eventually(lambda: group.members() == 2, what="both have joined", within=30)
            await group.write()
            await eventually(group.has_read_all, what="every partition is read")
        before, joined = dict(group.read), len(group.joined)
        assert all(len(one) == PARTITIONS // 2 for one in before.values())
        group.read.clear()
        await group.write()  # while it is away
        async with group.member("restarts", is_named=True):
            await eventually(group.has_read_all, what="every partition is read again")
            assert group.read == before
            assert [one.partitions for one in group.loops.values()] == [2, 2]
            assert group.loops["restarts"].rebalances == 1
        [(generation, _)] = group.joined[joined:]  # it alone has joined anew, to what there was
        assert generation == group.joined[joined - 1][0]


async def test_a_member_without_a_name_gives_its_partitions_up(group: Group) -> None:
    """So that a pod that is replaced, and never comes back, holds nothing up."""
    async with group.member("stays", is_named=False):
        async with group.member("leaves", is_named=False):
            await eventually(lambda: group.members() == 2, what="both have joined", within=30)
            stays, leaves = group.loops["stays"], group.loops["leaves"]
            await eventually(lambda: (stays.partitions, leaves.partitions) == (2, 2))
            before = stays.rebalances
        shared = max(generation for generation, _ in group.joined)
        await group.write()
        await eventually(group.has_read_all, what="who stays reads all of them")
        assert group.read.keys() == {"stays"}
        assert max(generation for generation, _ in group.joined) == shared + 1
        assert (stays.partitions, stays.rebalances) == (PARTITIONS, before + 1)
