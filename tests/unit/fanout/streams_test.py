"""The streams: what is started, hinted, ignored and dead-lettered, and what is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry
from unit.fanout.fanout_fakes import FakeIntake, FakePublisher, FakeWorkflows

from dsr_contracts.v1 import requests_pb2
from dsr_core.errors import Unavailable
from dsr_fanout.application.commanding import Commanding
from dsr_fanout.application.ordering import ReminderPolicy
from dsr_fanout.application.starting import Starting
from dsr_fanout.metrics import Metrics
from dsr_fanout.streams.commands import CommandsStream
from dsr_fanout.streams.lifecycle import LifecycleStream
from dsr_fanout.streams.refusals import Refusals
from dsr_fanout.streams.requests import RequestsStream
from dsr_wire.codec.commands import DeadlineExtended, command_to_wire
from dsr_wire.codec.lifecycle import cohort_answered_to_wire, states_changed_to_wire
from dsr_wire.codec.requests import cohort_accepted_to_wire
from dsr_wire.envelope import encode, header
from dsr_wire.topics import COMMANDS, LIFECYCLE, REQUESTS, Topic
from support.builders import NOW, a_cohort_id, a_command, a_state_change, an_accepted_cohort, days


@dataclass
class _Record:
    """What aiokafka hands over."""

    topic: str
    value: bytes | None
    headers: list[tuple[str, bytes]]
    key: bytes = b"key"
    partition: int = 2
    offset: int = 7


def _record(message: Message, topic: Topic) -> _Record:
    outgoing = encode(message, topic=topic.name, key="key", event_id="e", source="intake", at=NOW)
    return _Record(topic.name, outgoing.value, list(outgoing.headers))


@dataclass
class _Scene:
    workflows: FakeWorkflows = field(default_factory=FakeWorkflows)
    publisher: FakePublisher = field(default_factory=FakePublisher)
    metrics: Metrics = field(default_factory=lambda: Metrics(CollectorRegistry()))

    @property
    def refusals(self) -> Refusals:
        return Refusals(publisher=self.publisher, metrics=self.metrics, now=lambda: NOW)

    @property
    def requests(self) -> RequestsStream:
        starting = Starting(
            workflows=self.workflows,
            intake=FakeIntake(),
            reminders=ReminderPolicy(fraction=0.5),
            retention=days(1),
        )
        return RequestsStream(
            starting=starting,
            refusals=self.refusals,
            metrics=self.metrics,
            now=lambda: NOW,
            concurrency=10,
        )

    @property
    def lifecycle(self) -> LifecycleStream:
        return LifecycleStream(
            workflows=self.workflows, refusals=self.refusals, metrics=self.metrics, concurrency=10
        )

    @property
    def commands(self) -> CommandsStream:
        commanding = Commanding(
            workflows=self.workflows,
            intake=FakeIntake(),
            reminders=ReminderPolicy(fraction=0.5),
            retention=days(1),
        )
        return CommandsStream(
            commanding=commanding,
            refusals=self.refusals,
            metrics=self.metrics,
            now=lambda: NOW,
            concurrency=10,
        )

    def counted(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"{name}_total", labels)


async def test_every_cohort_of_a_batch_is_started() -> None:
    scene = _Scene()
    cohorts = [an_accepted_cohort(cohort_id=a_cohort_id(n)) for n in range(30)]
    await scene.requests.handle(
        [_record(cohort_accepted_to_wire(one), REQUESTS) for one in cohorts]
    )
    assert {one.cohort_id for one in scene.workflows.started} == {c.cohort_id for c in cohorts}
    assert scene.counted("dsr_fanout_cohorts", outcome="running") == 30


async def test_malformed_record_is_buried_with_its_reason_and_the_stream_goes_on() -> None:
    scene = _Scene()
    good = _record(cohort_accepted_to_wire(an_accepted_cohort()), REQUESTS)
    nothing = _Record(REQUESTS.name, b"\xff\xff", good.headers)
    incomplete = _record(requests_pb2.CohortAccepted(cohort_id="no uuid"), REQUESTS)
    await scene.requests.handle([nothing, incomplete, good])

    assert len(scene.workflows.started) == 1
    assert {one.topic for one in scene.publisher.records} == {"dsr.requests.v1.dead-letter"}
    reasons = {header(one.headers, "dsr_dead_letter_reason") for one in scene.publisher.records}
    assert reasons == {"undecodable", "invalid_field"}
    labels: Any = {"topic": REQUESTS.name, "reason": "undecodable"}
    assert scene.counted("dsr_fanout_dead_letters", **labels) == 1


async def test_a_cohort_that_temporal_will_never_take_is_buried_and_holds_up_no_other() -> None:
    bad, good = (an_accepted_cohort(cohort_id=a_cohort_id(n)) for n in (1, 2))
    scene = _Scene(FakeWorkflows(refused={bad.cohort_id}))
    await scene.requests.handle(
        [_record(cohort_accepted_to_wire(one), REQUESTS) for one in (bad, good)]
    )
    assert [one.cohort_id for one in scene.workflows.started] == [good.cohort_id]
    (letter,) = scene.publisher.records
    assert header(letter.headers, "dsr_dead_letter_reason") == "refused_by_temporal"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", True),
        (b"00-" + b"a" * 900_000, False),
        (b"\xff", False),
    ],
)
async def test_a_trace_that_is_none_is_not_carried_on(given: bytes, kept: bool) -> None:  # noqa: FBT001 - a parameter of the test
    scene = _Scene()
    record = _record(cohort_accepted_to_wire(an_accepted_cohort()), REQUESTS)
    record.headers.append(("traceparent", given))
    await scene.requests.handle([record])
    (order,) = scene.workflows.started
    assert order.traceparent == (given.decode() if kept else None)


async def test_temporal_away_fails_the_batch_and_the_repeat_starts_nothing_twice() -> None:
    scene = _Scene()
    records = [
        _record(cohort_accepted_to_wire(an_accepted_cohort(cohort_id=a_cohort_id(n))), REQUESTS)
        for n in range(5)
    ]
    scene.workflows.away.for_calls = 1
    with pytest.raises(Unavailable):
        await scene.requests.handle(records)
    await scene.requests.handle(records)
    assert len(scene.workflows.started) == 5


async def test_dead_letter_that_kafka_does_not_take_is_not_done_with() -> None:
    scene = _Scene()
    scene.publisher.away.is_away = True
    with pytest.raises(Unavailable):
        await scene.requests.handle([_Record(REQUESTS.name, b"", [])])


async def test_answered_cohort_is_hinted_and_changes_of_state_are_not_for_us() -> None:
    cohort_id = a_cohort_id()
    scene = _Scene(FakeWorkflows(running={cohort_id}))
    await scene.lifecycle.handle(
        [
            _record(states_changed_to_wire(cohort_id, [a_state_change()]), LIFECYCLE),
            _record(cohort_answered_to_wire(cohort_id, NOW), LIFECYCLE),
            _record(cohort_answered_to_wire(a_cohort_id(5), NOW), LIFECYCLE),
        ]
    )
    assert scene.workflows.hinted == [cohort_id]
    assert scene.counted("dsr_fanout_hints", outcome="delivered") == 1
    assert scene.counted("dsr_fanout_hints", outcome="finished") == 1
    assert scene.publisher.records == []


async def test_rubbish_that_calls_itself_a_change_of_states_is_counted_and_harms_nothing() -> None:
    cohort_id = a_cohort_id()
    scene = _Scene(FakeWorkflows(running={cohort_id}))
    headers = _record(states_changed_to_wire(cohort_id, [a_state_change()]), LIFECYCLE).headers
    await scene.lifecycle.handle(
        [
            _Record(LIFECYCLE.name, b"\xff" * 300, headers),
            _Record(LIFECYCLE.name, None, headers),
            _record(cohort_answered_to_wire(cohort_id, NOW), LIFECYCLE),
        ]
    )
    assert scene.workflows.hinted == [cohort_id]
    assert scene.publisher.records == []
    assert scene.counted("dsr_fanout_passed_over") == 2


async def test_other_types_on_the_lifecycle_topic_are_buried() -> None:
    scene = _Scene()
    stranger = _record(cohort_accepted_to_wire(an_accepted_cohort()), LIFECYCLE)
    await scene.lifecycle.handle([stranger, _Record(LIFECYCLE.name, b"x", [])])
    reasons = {header(one.headers, "dsr_dead_letter_reason") for one in scene.publisher.records}
    assert reasons == {"unexpected_type", "no_envelope"}


async def test_commands_of_one_key_go_one_after_the_other() -> None:
    scene = _Scene()
    records = [
        _record(command_to_wire(a_command(DeadlineExtended(), revision=number)), COMMANDS)
        for number in range(1, 30)
    ]
    await scene.commands.handle(records)
    assert [one.revision for _, one in scene.workflows.taken] == [*range(1, 30)]
    assert scene.counted("dsr_fanout_commands", outcome="delivered") == 29
