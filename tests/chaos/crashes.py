"""Processes that can be made to crash in the running loop, and what must be true once all is over."""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from temporalio.client import Client, WorkflowExecutionStatus

from dsr_cli.api.client import ApiError, IntakeClient
from dsr_cli.demo.holdings import Holding, holdings
from dsr_cli.demo.people import submission
from dsr_cli.group.provision import kafka_admin
from dsr_cli.group.systems import process_name, system_specs
from dsr_cli.stack import ProcessSpec
from dsr_cli.stack.errors import StackError
from dsr_cli.stack.specs import service_specs
from dsr_examples.catalogue import EXAMPLES, example
from dsr_examples.people import Person
from dsr_wire.topics import is_dead_letter
from support.crash_points import SYSTEMS, point
from support.crash_writes import CrashPoint
from support.crashing import CRASH_FILE
from support.loop import QUICK, Loop
from support.parts import ROOT
from support.waiting import eventually

__all__ = ["TRY_AGAIN", "Aftermath", "Crashing", "Held", "Submitted", "submit_surely"]

T = TypeVar("T")

TRY_AGAIN = {None, 409, 502, 503}
"""What a client tries again with the same key: no connection, still running, a part is away."""

_PAUSE_S = 0.3

_PYTHONPATH = tuple(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))

_GROUPS = {
    "dsr.fanout.requests": ("dsr.requests.v1",),
    "dsr.fanout.commands": ("dsr.commands.v1",),
    "dsr.fanout.lifecycle": ("dsr.lifecycle.v1",),
    "dsr.fanout.phases": ("dsr.phases.v1",),
    "dsr.intake.closures": ("dsr.closures.v1",),
    "dsr.intake.escalations": ("dsr.escalations.v1",),
    "dsr.intake.links": ("dsr.links.v1",),
    "dsr.verifier": (
        "dsr.obligations.v1",
        "dsr.acknowledgements.v1",
        "dsr.copies.v1",
        "dsr.audit.v1",
    ),
    **{
        f"dsr.organisation.{one.organisation_id}.{one.system_id}": (
            f"dsr.deletion.{one.organisation_id}.v1",
        )
        for one in EXAMPLES
    },
}


@dataclass(slots=True)
class Submitted:
    """What a client sent, and what it was told."""

    person: Person
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    request_id: str = ""


async def submit_surely(client: IntakeClient, one: Submitted, *, within: float = 180.0) -> str:
    """Submit as a client does: with the same key, after a pause, until intake has answered."""
    deadline = time.monotonic() + within
    while True:
        try:
            answer = await client.submit(submission(one.person), idempotency_key=one.key)
        except ApiError as error:
            if error.status not in TRY_AGAIN or time.monotonic() > deadline:
                raise
            await asyncio.sleep(_PAUSE_S)
        else:
            one.request_id = str(answer["id"])
            return one.request_id


class Crashing:
    """Variants of the group's processes that crash where they are told to, in place of the originals."""

    def __init__(self, loop: Loop, folder: Path) -> None:
        self._loop = loop
        self._folder = folder
        self._stack = loop.stack

    def original(self, victim: str) -> str:
        """Return the name of a victim's ordinary process."""
        return process_name(victim) if victim in SYSTEMS else victim

    def variant(self, victim: str) -> str:
        """Return the name of its process that can crash."""
        return f"{self.original(victim)}-crashing"

    @asynccontextmanager
    async def in_place_of(self, victims: Iterable[str]) -> AsyncIterator[None]:
        """Run the variants instead of the originals, which are back afterwards."""
        chosen = list(dict.fromkeys(victims))
        for victim in chosen:
            if self.variant(victim) not in self._stack.names:
                self._stack.add(self._spec(victim))
        try:
            await _together(self._swap, map(self.original, chosen), map(self.variant, chosen))
            yield
        finally:
            await _together(self._swap, map(self.variant, chosen), map(self.original, chosen))

    def _swap(self, old: str, new: str) -> None:
        self._stack.stop(old)
        self._stack.start(new)

    def arm(self, point: CrashPoint) -> None:
        """Let the point's victims crash when they come to it."""
        for victim in point.victims:
            self._arm(victim, point)

    def _arm(self, victim: str, point: CrashPoint) -> None:
        file = self._file(victim)
        new = file.with_suffix(".new")
        new.write_text(point.name, encoding="utf-8")
        new.replace(file)

    async def crashed(
        self, point: CrashPoint, *, then: CrashPoint | None = None, within: float = 60.0
    ) -> None:
        """Wait until the point's victims have killed themselves, and start each again.

        None of them waits for another: who is asked in a later phase dies once the others are back.

        Args:
            point: What was armed.
            then: Where the same victims crash next; armed before they run, so that it is not missed.
            within: For how many seconds to wait.
        """
        async with asyncio.TaskGroup() as group:
            for victim in point.victims:
                group.create_task(self._crashed(victim, point, then=then, within=within))

    async def _crashed(
        self, victim: str, point: CrashPoint, *, then: CrashPoint | None, within: float
    ) -> None:
        name = self.variant(victim)
        await eventually(
            lambda: not self._stack.is_running(name),
            within=within,
            what=f"{victim} dies at {point.name}",
        )
        assert not self._file(victim).exists(), f"{victim} died, and not at {point.name}"
        if then is None:
            await asyncio.to_thread(self._stack.start, name)
            return
        self._arm(victim, then)
        with suppress(StackError):  # one that dies there before it is ready has not started
            await asyncio.to_thread(self._stack.start, name)

    async def crashed_one_by_one(self, points: Sequence[CrashPoint], *, within: float) -> None:
        """Wait until the same victims, armed for the first of these, have crashed at each in turn."""
        for one, then in zip(points, [*points[1:], None], strict=True):
            await self.crashed(one, then=then, within=within)

    async def dying_at(self, act: Awaitable[T], *paths: Sequence[str], within: float = 300.0) -> T:
        """Do something while its victims die, each at all the points of its path in turn."""
        points = [[point(name) for name in names] for names in paths]
        for one in points:
            self.arm(one[0])
        async with asyncio.TaskGroup() as group:
            for one in points:
                group.create_task(self.crashed_one_by_one(one, within=within))
            acting = group.create_task(_of(act))
        return acting.result()

    def _spec(self, victim: str) -> ProcessSpec:
        specs = [*service_specs(self._stack, with_mail=True), *system_specs(self._stack)]
        original = next(one for one in specs if one.name == self.original(victim))
        python, option, *module = original.argv
        assert (python, option) == (sys.executable, "-m")
        return replace(
            original,
            name=self.variant(victim),
            argv=(python, option, "support.crashing", *module),
            env={
                **original.env,
                **QUICK,
                "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), *_PYTHONPATH]),
                CRASH_FILE: str(self._file(victim)),
            },
        )

    def _file(self, victim: str) -> Path:
        return self._folder / f"{victim}.crash"


@dataclass(frozen=True, slots=True)
class Held:
    """What the systems hold at one time."""

    people: tuple[Person, ...]
    by_system: dict[str, Holding]
    letters: dict[str, int]
    """How many dead letters there are, by topic."""

    def less(self, after: Held) -> dict[str, int]:
        """Return how much less there is in each system afterwards."""
        now = after.by_system
        return {name: one.total - now[name].total for name, one in self.by_system.items()}

    def less_of_theirs(self, after: Held) -> dict[str, int]:
        """Return how much less there is of the people asked about."""
        now = after.by_system
        return {name: one.theirs - now[name].theirs for name, one in self.by_system.items()}


class Aftermath:
    """What is true of requests that have gone through a crash."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    @cached_property
    def _kafka(self) -> AdminClient:
        return kafka_admin(self._loop.stack).client()

    def person(self) -> Person:
        """Return a person whom no test has asked for, and all the systems that crash know."""
        while True:
            one = self._loop.person()
            if all(example(system_id).knows(one.number) for system_id in SYSTEMS):
                return one

    async def held(self, *people: Person) -> Held:
        """Count what the systems hold: on these people, and on all together."""
        letters = await asyncio.to_thread(self._dead_letters)
        return Held(people, await holdings(self._loop.stack, people), letters)

    async def is_whole(
        self, submitted: Sequence[Submitted], before: Held, *, within: float = 120.0
    ) -> None:
        """See that each request closed once, without any effect lost or doubled, and nothing is left."""
        ids = [one.request_id for one in submitted]
        await self._loop.answered(*ids, within=within)
        after = await self.held(*before.people)
        erased = await self._erased(ids)
        assert erased == before.less(after)
        if before.people:
            assert erased == before.less_of_theirs(after)
        await self.has_ended(ids, before)
        async with self._loop.client() as client:
            for one in submitted:
                before_that = one.request_id
                assert await submit_surely(client, one) == before_that

    async def has_ended(self, ids: Sequence[str], before: Held) -> None:
        """See that each of these answered requests closed once, and that nothing of them is left."""
        await self._is_closed_once(ids)
        await self._workflows_completed(ids)
        await self._nothing_is_left()
        assert await asyncio.to_thread(self._dead_letters) == before.letters

    async def _erased(self, ids: Sequence[str]) -> dict[str, int]:
        """Add up what each system has answered; every one of them has confirmed."""
        rows = await self._loop.query(
            "select system_id, bool_and(is_confirmed) as confirmed, sum(contradictions) as against,"
            " sum(records) as records from verifier.obligations"
            " where request_id = any($1::uuid[]) group by system_id",
            ids,
        )
        assert all(row["confirmed"] and not row["against"] for row in rows)
        return {row["system_id"]: row["records"] for row in rows}

    async def _is_closed_once(self, ids: Sequence[str]) -> None:
        wanted = dict.fromkeys(ids, 1)
        closures = await self._loop.query(
            "select request_id::text as id, count(*) as n from verifier.closures"
            " where request_id = any($1::uuid[]) group by 1",
            ids,
        )
        assert {row["id"]: row["n"] for row in closures} == wanted
        keys = await self._loop.query(
            "select 1 from intake_keys.request_keys where request_id = any($1::uuid[])", ids
        )
        assert not keys

    async def _workflows_completed(self, ids: Sequence[str]) -> None:
        temporal = await Client.connect(self._loop.stack.temporal_address)
        rows = await self._loop.query(
            "select cohort_id::text as id from intake.subject_requests where id = any($1::uuid[])"
            " union select home_cohort_id::text from intake.subject_requests"
            " where id = any($1::uuid[]) and home_cohort_id is not null",
            ids,
        )
        for row in rows:
            name = f"dsr-{row['id']}"

            async def completed(one: str = name) -> bool:
                described = await temporal.get_workflow_handle(one).describe()
                return described.status is WorkflowExecutionStatus.COMPLETED

            await eventually(completed, within=60, what=f"{name} has completed")

    async def _nothing_is_left(self) -> None:
        async def outboxes_are_empty() -> bool:
            (row,) = await self._loop.query(
                "select (select count(*) from intake.outbox)"
                " + (select count(*) from verifier.outbox) as n"
            )
            return bool(row["n"] == 0)

        await eventually(outboxes_are_empty, within=30, what="the outboxes are empty")

        async def all_is_committed() -> bool:
            return not await asyncio.to_thread(self._behind)

        await eventually(all_is_committed, within=60, what="every offset is committed")

    def _partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        found = self._kafka.list_topics(timeout=10).topics
        return [TopicPartition(topic, one) for topic in topics for one in found[topic].partitions]

    def _ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        asked = self._kafka.list_offsets({one: OffsetSpec.latest() for one in partitions})
        return {one: answer.result().offset for one, answer in asked.items()}

    def _behind(self) -> dict[str, int]:
        """Return by how much each consumer group is behind, those that are not left out."""
        behind: dict[str, int] = {}
        for group, topics in _GROUPS.items():
            partitions = self._partitions(topics)
            asked = [ConsumerGroupTopicPartitions(group, partitions)]
            answer = self._kafka.list_consumer_group_offsets(asked)[group].result()
            ends = self._ends(partitions)
            count = sum(
                ends[TopicPartition(one.topic, one.partition)] - max(one.offset, 0)
                for one in answer.topic_partitions
            )
            if count:
                behind[group] = count
        return behind

    def _dead_letters(self) -> dict[str, int]:
        topics = filter(is_dead_letter, self._kafka.list_topics(timeout=10).topics)
        ends = self._ends(self._partitions(topics))
        return {one.topic: end for one, end in ends.items() if end}


async def _of(act: Awaitable[T]) -> T:
    return await act


async def _together(work: Callable[..., object], *arguments: Iterable[str]) -> None:
    """Do something for each, in threads of their own."""
    await asyncio.gather(*(asyncio.to_thread(work, *each) for each in zip(*arguments, strict=True)))
