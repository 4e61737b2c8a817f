"""A subscriber as a process, on Kafka, under its own organisation's user."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from dsr_cli.stack import Stack
from dsr_cli.stack.access import kafka_environment
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import Unavailable
from dsr_core.ids import CohortId, RequestId
from dsr_core.registry import Registry, System
from dsr_core.rights import Right
from dsr_runtime.kafka import KafkaConnection as RuntimeConnection
from dsr_sdk import KafkaConnection, SystemKeyPair
from dsr_sdk.bus import Record
from dsr_sdk.kafka_bus import KafkaBus
from dsr_sdk.testing import Instruction, a_notice, a_notice_record, acknowledgements_in
from dsr_sdk.testing.notices import new_request_id
from dsr_wire.codec.notices import Notice
from dsr_wire.topics import (
    ACKNOWLEDGEMENTS,
    dead_letter_name,
    notice_topic,
    organisation_principal,
)
from support import parts
from support.waiting import eventually

PERSON = {"email": "marked-person@example.com"}

PROGRAM = """
import os, time
from pathlib import Path
from dsr_sdk import Erased, NotFound, Subscriber

subscriber = Subscriber.from_environment()
effects = Path(os.environ["EFFECTS"])

@subscriber.deletion
def erase(request):
    effects.open("a").write(f"{request.request_id} {request.may_be_repeat}\\n")
    while Path(os.environ["HOLD"]).exists():
        time.sleep(0.01)
    return Erased(1)

subscriber.run()
"""


@dataclass
class Scene:
    """One system of the example group, and both ends of its subscription."""

    system: System
    keys: SystemKeyPair
    admin: KafkaBus
    acknowledgements: AIOKafkaConsumer
    dead_letters: AIOKafkaConsumer
    environment: dict[str, str]
    folder: Path
    answers: list[Acknowledgement]

    async def send(self, notice: Notice) -> None:
        await self.admin.send([a_notice_record(notice)])

    def notice(
        self,
        *request_ids: RequestId,
        keys: SystemKeyPair | None = None,
        instruction: Instruction = Instruction.PERFORM,
        revision: int = 0,
    ) -> Notice:
        return a_notice(
            dict.fromkeys(request_ids, PERSON),
            to=[(keys or self.keys).public],
            organisation_id=self.system.organisation_id,
            instruction=instruction,
            revision=revision,
        )

    async def answers_to(
        self, *request_ids: RequestId, at_least: Mapping[RequestId, int] | None = None
    ) -> list[Acknowledgement]:
        """Return all answers, once each request has one of its number; the first unless given."""
        wanted = dict.fromkeys(request_ids, 1) | dict(at_least or {})

        async def answered() -> list[Acknowledgement]:
            self.answers.extend(acknowledgements_in(await self._read(), self.keys.public))
            ours = [one for one in self.answers if one.request_id in wanted]
            found = {one.request_id for one in ours if one.sequence >= wanted[one.request_id]}
            return ours if len(found) == len(wanted) else []

        return await eventually(answered, within=60)

    async def _read(self) -> list[Record]:
        found = await self.acknowledgements.getmany(timeout_ms=100)
        records = [one for batch in found.values() for one in batch]
        return [
            Record(one.topic, one.partition, one.offset, one.key, one.value, one.headers)
            for one in records
            if one.headers and ("ce_source", f"system/{self.system.id}".encode()) in one.headers
        ]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        Path(self.environment["DSR_READY_FILE"]).unlink(missing_ok=True)
        process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=self.environment)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)

    def hold(self) -> None:
        """Let the handler hang after its effect."""
        Path(self.environment["HOLD"]).touch()

    def let_go(self) -> None:
        Path(self.environment["HOLD"]).unlink()

    async def is_ready(self) -> None:
        await eventually(Path(self.environment["DSR_READY_FILE"]).exists, within=60)

    @property
    def effects(self) -> list[str]:
        file = Path(self.environment["EFFECTS"])
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
async def scene(
    stack: Stack, registry: Registry, kafka: RuntimeConnection, tmp_path: Path
) -> AsyncIterator[Scene]:
    """A system that erases, and nothing running yet."""
    system = next(one for one in registry.systems if Right.DELETION in one.rights)
    principal = organisation_principal(system.organisation_id)
    keys = parts.keys_of(stack, system.id)
    (tmp_path / "keys.json").write_text(keys.to_json())
    admin = KafkaBus(
        KafkaConnection(
            bootstrap=kafka.bootstrap,
            security_protocol=kafka.security_protocol,
            username=kafka.username,
            password=kafka.password,
            ca_file=kafka.ca_file,
        ),
        client_id="test",
    )
    topic = notice_topic(Right.DELETION, system.organisation_id).name
    await admin.start([topic], f"test.{tmp_path.name}")
    readers = [
        AIOKafkaConsumer(name, **kafka.arguments(), auto_offset_reset="earliest")
        for name in (ACKNOWLEDGEMENTS.name, dead_letter_name(topic))
    ]
    for reader in readers:
        await reader.start()
    environment = os.environ | {
        "DSR_SYSTEM_ID": system.id,
        "DSR_ORGANISATION_ID": system.organisation_id,
        "DSR_SYSTEM_KEYS_FILE": str(tmp_path / "keys.json"),
        **kafka_environment(stack, principal),
        "DSR_OUTCOMES_FILE": str(tmp_path / "outcomes.sqlite"),
        "DSR_READY_FILE": str(tmp_path / "ready"),
        "EFFECTS": str(tmp_path / "effects"),
        "HOLD": str(tmp_path / "hold"),
    }
    yield Scene(system, keys, admin, readers[0], readers[1], environment, tmp_path, [])
    for reader in readers:
        await reader.stop()
    await admin.stop()


async def test_a_notice_is_answered_and_sigterm_ends_with_zero(scene: Scene) -> None:
    request_ids = [new_request_id() for _ in range(3)]
    with scene.running() as process:
        await scene.is_ready()
        await scene.send(scene.notice(*request_ids))
        answers = await scene.answers_to(*request_ids)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0
    assert [one.disposition.value for one in answers] == ["erased"] * 3


async def test_killed_between_effect_and_outcome_the_successor_is_told(scene: Scene) -> None:
    request_id = new_request_id()
    scene.hold()
    with scene.running() as process:
        await scene.is_ready()
        await scene.send(scene.notice(request_id))
        await eventually(lambda: f"{request_id} False" in scene.effects, within=60)
        process.kill()
    scene.let_go()
    with scene.running():
        (answer,) = await scene.answers_to(request_id)
    assert f"{request_id} True" in scene.effects
    assert (answer.disposition.value, answer.sequence) == ("erased", 1)


async def test_a_stop_is_answered_by_what_was_done_and_a_late_notice_erases_nothing(
    scene: Scene,
) -> None:
    done, begun, early, held = (new_request_id() for _ in range(4))
    with scene.running():
        await scene.is_ready()
        await scene.send(scene.notice(done))
        await scene.answers_to(done)
    scene.hold()
    with scene.running() as process:
        await scene.is_ready()
        await scene.send(scene.notice(begun))
        await eventually(lambda: f"{begun} False" in scene.effects, within=60)
        process.kill()
    scene.let_go()
    stopping = (done, begun, early)
    suspension = scene.notice(held, instruction=Instruction.SUSPEND, revision=2)
    await scene.send(replace(suspension, cohort_id=CohortId(done)))  # in the stop's partition
    await scene.send(scene.notice(*stopping, instruction=Instruction.STOP, revision=2))
    with scene.running():
        answers = await scene.answers_to(*stopping, at_least={done: 2})
        assert {(one.request_id, one.sequence): one.disposition.value for one in answers} == {
            (done, 1): "erased",
            (done, 2): "too_late",
            (begun, 1): "too_late",
            (early, 1): "stopped",
        }
    with scene.running():
        await scene.send(scene.notice(early, held))
        await scene.send(scene.notice(held, revision=3))
        await scene.answers_to(held)
    assert scene.effects == [f"{done} False", f"{begun} False", f"{held} False"]


async def test_a_wrong_key_is_dead_lettered_under_the_organisations_own_rights(
    scene: Scene,
) -> None:
    good, bad = new_request_id(), new_request_id()
    with scene.running():
        await scene.send(scene.notice(bad, keys=SystemKeyPair.generate(scene.system.id)))
        await scene.send(scene.notice(good))
        answers = await scene.answers_to(good, bad)
    assert {one.request_id: one.disposition.value for one in answers} == {
        good: "erased",
        bad: "failed",
    }
    found = await scene.dead_letters.getmany(timeout_ms=10_000)
    reasons = [
        dict(one.headers)["dsr_dead_letter_reason"] for each in found.values() for one in each
    ]
    assert b"cannot_open" in reasons


async def test_another_organisations_topic_is_refused(scene: Scene, registry: Registry) -> None:
    ours = scene.system.organisation_id
    other = next(one.id for one in registry.organisations if one.id != ours)
    bus = KafkaBus(
        KafkaConnection(
            bootstrap=scene.environment["DSR_KAFKA_BOOTSTRAP"],
            username=scene.environment["DSR_KAFKA_USERNAME"],
            password=scene.environment["DSR_KAFKA_PASSWORD"],
            ca_file=Path(scene.environment["DSR_KAFKA_CA_FILE"]),
        ),
        client_id="test",
    )

    async def read() -> None:
        await bus.start([notice_topic(Right.DELETION, other).name], f"dsr.{ours}.test")
        await bus.poll(timeout=10, limit=1)

    with pytest.raises(Unavailable):
        await read()
    await bus.stop()
