"""Verifiers as real processes on the real parts, and what the tests ask of Kafka."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from dsr_contracts.v1 import closures_pb2
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.closures import Closure, closures_from_wire
from dsr_wire.envelope import decode, header
from dsr_wire.topics import ACKNOWLEDGEMENTS, CLOSURES, OBLIGATIONS, Topic
from support.crashing import CRASH_FILE
from support.parts import ROOT, at_postgres, kafka_environment_of
from support.services import ServiceProcess
from support.topics import ends_of
from support.transparency import log_settings

TOKEN = "a token for the tests alone"
TESTS = ROOT / "tests"
INPUTS = (OBLIGATIONS, ACKNOWLEDGEMENTS)
"""What a verifier consumes."""


class Verifier(ServiceProcess):
    """One verifier process."""

    def __init__(
        self,
        kafka: KafkaConnection,
        dsn: str,
        group_id: str,
        log: Path,
        settings: dict[str, str] | None = None,
    ) -> None:
        super().__init__("dsr_verifier", settings or {}, log)
        self.kafka = kafka
        self.dsn = dsn
        self.group_id = group_id

    async def get(self, path: str, **parameters: Any) -> Any:
        """Read from its API."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.get(
                path, params=parameters, headers={"Authorization": f"Bearer {TOKEN}"}
            )
        return answer.json()

    def environment(self) -> dict[str, str]:
        """Return what it is told."""
        return {
            **kafka_environment_of(self.kafka),
            **at_postgres(self.dsn, "verifier"),
            "DSR_INTERNAL_TOKEN": TOKEN,
            "DSR_VERIFIER_GROUP_ID": self.group_id,
            "DSR_VERIFIER_REGISTRY_WAIT_S": "1",
            **log_settings(self.dsn, self.log),
            **super().environment(),
        }


class CrashingVerifier(Verifier):
    """One that kills itself at the crash point that its file holds."""

    @property
    def file(self) -> Path:
        """Where the crash point is written."""
        return self.log.with_suffix(".crash")

    async def begin(self) -> None:
        """Start it, ready or not, by the launcher that lets it crash."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "support.crashing", self.module),
                env=self.environment() | {CRASH_FILE: str(self.file), "PYTHONPATH": str(TESTS)},
                stderr=log,
            )

    async def crashed(self) -> None:
        """Return when it has killed itself."""
        assert self.process is not None
        assert await asyncio.wait_for(self.process.wait(), 60) == -signal.SIGKILL
        assert not self.file.exists(), "it died, and not at its crash point"


async def lag_of(kafka: KafkaConnection, group_id: str) -> int:
    """How many records of its topics a group has not committed."""
    ends = await ends_of(kafka, INPUTS)
    async with AIOKafkaConsumer(
        **kafka.arguments(), group_id=group_id, enable_auto_commit=False
    ) as consumer:
        consumer.assign(list(ends))
        return sum([end - (await consumer.committed(one) or 0) for one, end in ends.items()])


class Follower:
    """Reads a topic from where it ended when the follower began."""

    def __init__(self, kafka: KafkaConnection, topic: Topic) -> None:
        self._kafka = kafka
        self._topic = topic
        self.records: list[ConsumerRecord] = []

    async def __aenter__(self) -> Self:
        ends = await ends_of(self._kafka, [self._topic])
        self._consumer = AIOKafkaConsumer(**self._kafka.arguments(), enable_auto_commit=False)
        await self._consumer.start()
        self._consumer.assign(list(ends))
        for partition, offset in ends.items():
            self._consumer.seek(partition, offset)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._consumer.stop()

    async def poll(self) -> Sequence[ConsumerRecord]:
        """Read what there is; return all that has been read."""
        for records in (await self._consumer.getmany(timeout_ms=100)).values():
            self.records.extend(records)
        return self.records

    async def closures(self) -> list[Closure]:
        """The closures among all that has been read; an event that was sent again counts once."""
        events = {header(one.headers, "ce_id"): one for one in await self.poll()}
        return [
            closure
            for record in events.values()
            for closure in closures_from_wire(
                decode(record.value, record.headers, closures_pb2.Closures)
            )
        ]


def closures_of(kafka: KafkaConnection) -> Follower:
    """Follow dsr.closures.v1."""
    return Follower(kafka, CLOSURES)
