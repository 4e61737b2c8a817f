"""Verifiers as real processes on the real parts, and what the tests ask of Kafka."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from dsr_contracts.v1 import closures_pb2
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.codec.closures import Closure, closures_from_wire
from dsr_wire.envelope import decode, header
from dsr_wire.topics import ACKNOWLEDGEMENTS, CLOSURES, OBLIGATIONS, Topic
from support.waiting import eventually

TOKEN = "a token for the tests alone"
_INPUTS = (OBLIGATIONS, ACKNOWLEDGEMENTS)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Verifier:
    """One verifier process."""

    kafka: KafkaConnection
    dsn: str
    group_id: str
    log: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> Self:
        """Start it; returns when it is ready."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "dsr_verifier", env=self._environment(), stderr=log
            )
        await eventually(self.is_ready, within=60, what="the verifier's readiness")
        return self

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None and self.process.returncode is None:
            await self.kill()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def is_ready(self) -> bool:
        """Whether every part is up."""
        if self.process is not None and self.process.returncode is not None:
            raise AssertionError(f"it has ended: {self.log.read_text()[-3000:]}")
        return await self.faults() == {}

    async def faults(self) -> dict[str, str] | None:
        """What is down; none where it does not answer."""
        try:
            async with httpx.AsyncClient(base_url=self.url) as client:
                answer = await client.get("/readyz")
        except httpx.TransportError:
            return None
        faults: dict[str, str] = answer.json()["faults"]
        return faults

    async def get(self, path: str, **parameters: Any) -> Any:
        """Read from its API."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.get(
                path, params=parameters, headers={"Authorization": f"Bearer {TOKEN}"}
            )
        return answer.json()

    async def stop(self) -> float:
        """Ask it to end; return how many seconds it took."""
        assert self.process is not None
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert await self.process.wait() == 0, self.log.read_text()[-3000:]
        return time.monotonic() - started

    async def kill(self) -> None:
        """End it as a crash does."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "DSR_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
            "DSR_KAFKA_SECURITY_PROTOCOL": self.kafka.security_protocol,
            "DSR_KAFKA_USERNAME": self.kafka.username,
            "DSR_KAFKA_PASSWORD": self.kafka.password,
            "DSR_POSTGRES_DSN": self.dsn,
            "DSR_HTTP_PORT": str(self.port),
            "DSR_INTERNAL_TOKEN": TOKEN,
            "DSR_VERIFIER_GROUP_ID": self.group_id,
            "DSR_VERIFIER_REGISTRY_WAIT_S": "1",
            **self.settings,
        }


async def ends_of(kafka: KafkaConnection, topics: Iterable[Topic]) -> dict[TopicPartition, int]:
    """Where topics end now."""
    partitions = [
        TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)
    ]
    async with AIOKafkaConsumer(**kafka.arguments()) as consumer:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return ends


async def begin_at_the_end(kafka: KafkaConnection, group_id: str) -> None:
    """Let a group begin after what other tests have sent."""
    ends = await ends_of(kafka, _INPUTS)
    async with AIOKafkaConsumer(
        **kafka.arguments(), group_id=group_id, enable_auto_commit=False
    ) as consumer:
        consumer.assign(list(ends))
        await consumer.commit(ends)


async def lag_of(kafka: KafkaConnection, group_id: str) -> int:
    """How many records of its topics a group has not committed."""
    ends = await ends_of(kafka, _INPUTS)
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


class Wire:
    """A TCP wire to a server that can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_cut = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cut()
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Drop every connection, and refuse new ones."""
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self.is_cut = False

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(_copy(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()
