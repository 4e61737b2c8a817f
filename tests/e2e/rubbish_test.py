"""Rubbish on every topic that has a consumer: each bad record is dead-lettered with its reason and its
bytes, and the stream goes on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from confluent_kafka import Producer

from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.dead_letters import DeadLetter
from dsr_cli.kafka.registry_topic import keys_records, registry_record
from dsr_contracts.v1.acknowledgements_pb2 import SignedAcknowledgements
from dsr_core.rights import Right
from dsr_wire import merkle
from dsr_wire.codec.acknowledgements import acknowledgement_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.keys import SystemKeyPair
from dsr_wire.signing import signed_bytes
from dsr_wire.topics import (
    ACKNOWLEDGEMENTS,
    CLOSURES,
    LIFECYCLE,
    OBLIGATIONS,
    REGISTRY,
    REQUESTS,
    notice_topic,
)
from support.command import dsr
from support.forging import (
    UNDER_A_BAD_NAME,
    Raw,
    a_new_id,
    an_answer,
    consumed,
    metric,
    records,
    send,
    send_under_a_bad_name,
    signed_record,
)
from support.loop import Loop
from support.parts import example_registry, keys_of
from support.rubbish import Rubbish, from_a_later_version, marked, rubbish
from support.waiting import eventually

NOTICES = notice_topic(Right.DELETION, "mail-delivery-provider").name
"""Of an organisation with one system, so that each bad record has one dead letter."""

ACCESS_NOTICES = notice_topic(Right.ACCESS, "mail-delivery-provider").name

SYSTEM = "newsletter"

TYPES = {
    REQUESTS.name: "dsr.v1.CohortAccepted",
    OBLIGATIONS.name: "dsr.v1.ObligationsOpened",
    ACKNOWLEDGEMENTS.name: "dsr.v1.SignedAcknowledgements",
    NOTICES: "dsr.v1.Notice",
    ACCESS_NOTICES: "dsr.v1.Notice",
    CLOSURES.name: "dsr.v1.Closures",
    LIFECYCLE.name: "dsr.v1.CohortAnswered",
}

_MIB = 1_048_576


async def _goes_on(loop: Loop) -> None:
    """Hold that every consumer still does its work."""
    request_id = await loop.submit()
    await loop.answered(request_id, within=90)
    assert await loop.closures(request_id) == 1


def _letters(loop: Loop, topic: str) -> dict[bytes | None, list[DeadLetter]]:
    found: dict[bytes | None, list[DeadLetter]] = {}
    for one in loop.dead_letters(topic):
        found.setdefault(marked(one.headers), []).append(one)
    return found


async def test_rubbish_on_every_topic_is_dead_lettered_and_the_streams_go_on(loop: Loop) -> None:
    bad: dict[str, list[Rubbish]] = {
        topic: list(rubbish(topic, ce_type)) for topic, ce_type in TYPES.items()
    }
    for many in bad.values():
        send(loop, *(one.record for one in many))

    for topic, many in bad.items():
        await consumed(loop, topic)

        def all_buried(topic: str = topic, many: list[Rubbish] = many) -> bool:
            return {one.mark for one in many} <= _letters(loop, topic).keys()

        await eventually(all_buried, within=60, what=f"all rubbish of {topic} is dead-lettered")
        letters = _letters(loop, topic)
        for one in many:
            [letter] = letters[one.mark]
            said = (topic, one.name, letter.said("reason"))
            assert letter.said("reason") in one.reasons, said
            assert letter.said("topic") == topic
            assert letter.said("refused_by"), said
            assert letter.value == (one.record.value or b""), said
            assert letter.key == one.record.key, said
            kept = [(name, data or b"") for name, data in one.record.headers or ()]
            assert list(letter.headers)[: len(kept)] == kept, said
    await _goes_on(loop)


async def test_rubbish_that_only_observers_decode_harms_nothing(loop: Loop) -> None:
    """Fanout passes over what calls itself RequestStatesChanged, and counts it."""
    name = "dsr_fanout_passed_over_total"
    before = await metric(loop, "fanout", name)
    marks = set()
    for one in rubbish(LIFECYCLE.name, "dsr.v1.RequestStatesChanged"):
        if dict(one.record.headers or ()).get("ce_type") == b"dsr.v1.RequestStatesChanged":
            send(loop, one.record)
            marks.add(one.mark)

    await consumed(loop, LIFECYCLE.name)

    assert len(marks) >= 5
    assert await metric(loop, "fanout", name) >= before + len(marks)
    assert not marks & _letters(loop, LIFECYCLE.name).keys()
    await _goes_on(loop)


async def test_a_record_that_is_larger_than_a_dead_letter_may_be_does_not_stop_its_stream(
    loop: Loop,
) -> None:
    """Compressed it passes the broker; unpacked it is beyond what any producer here sends."""
    value = b"\xff" * (3 * _MIB)
    topics = [OBLIGATIONS.name, REQUESTS.name, CLOSURES.name, NOTICES]
    bad = {topic: next(rubbish(topic, TYPES[topic])) for topic in topics}
    packed = {"compression.type": "gzip", "message.max.bytes": 8 * _MIB}
    producer = Producer({**kafka_admin(loop.stack)._config(), **packed})
    for topic, one in bad.items():
        producer.produce(topic, value, b"large", headers=list(one.record.headers or ()))
    assert producer.flush(30) == 0

    await consumed(loop, *topics)

    for topic, one in bad.items():
        [letter] = _letters(loop, topic)[one.mark]
        assert letter.said("reason") == "undecodable"
        assert letter.said("truncated_from") == str(len(value)), topic
        assert value.startswith(letter.value)
    again = await dsr(
        loop.stack.settings, "dead-letters", "replay", letter.id, "--why", "a try", "--apply"
    )
    assert "was too large" in again.fault
    all_of_them = await dsr(
        loop.stack.settings, "dead-letters", "replay", "--topic", NOTICES, "--why", "a try"
    )
    assert (all_of_them.code, f"{letter.id} is left out" in all_of_them.out) == (0, True)
    await _goes_on(loop)


async def test_records_of_every_compression_are_read(loop: Loop) -> None:
    """Each organisation's client chooses its own; one that was not installed ended the verifier."""
    value = b"\xff" * 10_000
    bad = {
        codec: next(rubbish(ACKNOWLEDGEMENTS.name, TYPES[ACKNOWLEDGEMENTS.name]))
        for codec in ("none", "gzip", "snappy", "lz4", "zstd")
    }
    for codec, one in bad.items():
        producer = Producer({**kafka_admin(loop.stack)._config(), "compression.type": codec})
        headers = list(one.record.headers or ())
        producer.produce(ACKNOWLEDGEMENTS.name, value, codec.encode(), headers=headers)
        assert producer.flush(30) == 0

    await consumed(loop, ACKNOWLEDGEMENTS.name)

    letters = _letters(loop, ACKNOWLEDGEMENTS.name)
    for codec, one in bad.items():
        [letter] = letters[one.mark]
        assert (letter.said("reason"), letter.value == value) == ("undecodable", True), codec
    await _goes_on(loop)


async def test_a_header_whose_name_is_not_utf8_does_not_stop_its_stream(loop: Loop) -> None:
    """One such record, which any organisation may send, ended the verifier for good."""
    topics = [ACKNOWLEDGEMENTS.name, REQUESTS.name, CLOSURES.name]
    # Ten of each: a call that has been made often takes a shorter way through the interpreter.
    await send_under_a_bad_name(loop, topics * 10)

    await consumed(loop, *topics)

    for topic in topics:
        letters = [one for one in loop.dead_letters(topic) if one.value == UNDER_A_BAD_NAME]
        assert [one.said("reason") for one in letters] == ["no_envelope"] * 10
        assert {one.headers[0] for one in letters} == {("\\xff\\xfe", b"1")}
    said = await dsr(loop.stack.settings, "reconcile", "--json")
    assert "differences" in said.json, "an operator reads the same topics"
    await _goes_on(loop)


async def test_messages_of_a_later_version_are_understood(loop: Loop) -> None:
    """A producer that is upgraded first adds fields; every consumer goes on."""
    loop.stack.stop(loop.system(SYSTEM))
    try:
        request_id = await loop.submit()

        async def only_one_missing() -> bool:
            return await loop.missing(request_id) == {SYSTEM}

        await eventually(only_one_missing, within=60)
        mine = [one for one in records(loop, TYPES) if request_id.encode() in (one.value or b"")]
        later = [from_a_later_version(one) for one in mine]
        send(loop, *later)
        # The answer that closes the request is of the later version too, inside and outside.
        send(loop, from_a_later_version(_raw(_later_answer(loop, request_id))))
        await loop.answered(request_id)
    finally:
        loop.stack.start(loop.system(SYSTEM))
    mine = [
        one
        for one in records(loop, [CLOSURES.name, LIFECYCLE.name, NOTICES])
        if request_id.encode() in (one.value or b"")
    ]
    more = [from_a_later_version(one) for one in mine]
    send(loop, *more)
    await consumed(loop, *TYPES)

    marks = {marked(one.headers) for one in (*later, *more)}
    for topic in TYPES:
        assert not marks & _letters(loop, topic).keys(), topic
    assert await loop.closures(request_id) == 1


async def test_rubbish_on_the_registry_topic_leaves_in_force_what_was(loop: Loop) -> None:
    services = ("intake", "fanout", "verifier")

    async def counts() -> list[float]:
        names = {one: f"dsr_{one}_bad_registry_records_total" for one in services}
        return [await metric(loop, one, name, reason="empty") for one, name in names.items()]

    before = await counts()
    bad = list(rubbish(REGISTRY.name, "dsr.v1.RegistryVersion"))
    version = registry_record(example_registry(), datetime.now(UTC))
    digest = example_registry().digest
    wrong = replace(
        _raw(version), key=b"wrong", value=version.value.replace(b"billing", b"BILLING")
    )
    # A compacted topic takes no record without a key.
    send(loop, *(one.record for one in bad), wrong, from_a_later_version(_raw(version)))

    async def is_counted() -> bool:
        return await counts() == [one + 2 for one in before]

    await eventually(is_counted, within=30, what="each service has counted what it cannot read")
    request_id = await loop.submit()
    assert (await loop.show(request_id))["registry_digest"] == digest
    await loop.answered(request_id)


async def test_a_dead_letter_replayed_after_its_cause_is_mended_is_taken(loop: Loop) -> None:
    """A system answers with a new key before the key is registered."""
    settings = loop.stack.settings
    old = keys_of(loop.stack, SYSTEM)
    new = SystemKeyPair.generate(SYSTEM)
    loop.stack.stop(loop.system(SYSTEM))
    try:
        request_id = await loop.submit()

        async def only_one_missing() -> bool:
            return await loop.missing(request_id) == {SYSTEM}

        await eventually(only_one_missing, within=60)
        record = signed_record([an_answer(request_id, SYSTEM, sequence=7, records=2)], new)
        send(loop, record)

        def buried() -> DeadLetter | None:
            letters = loop.dead_letters(ACKNOWLEDGEMENTS.name)
            return next((one for one in letters if one.value == record.value), None)

        letter = await eventually(buried, within=60, what="the unknown key is refused")
        assert letter.said("reason") == "unknown_key"

        send(loop, *keys_records([new.public], datetime.now(UTC)))
        said = await dsr(settings, "dead-letters", "replay", letter.id, "--why", "a try", "--apply")
        assert (said.code, "1 sent" in said.out) == (0, True), said
        await loop.answered(request_id)
    finally:
        send(loop, *keys_records([old.public], datetime.now(UTC)))
        loop.stack.start(loop.system(SYSTEM))
    assert (await loop.obligations(request_id))[SYSTEM]["records"] == 2
    assert await loop.closures(request_id) == 1
    await _goes_on(loop)


def _raw(record: Outgoing) -> Raw:
    return Raw(record.topic, record.key, record.value, record.headers)


def _later_answer(loop: Loop, request_id: str) -> Outgoing:
    """Return a signed answer with a field of its own that nobody here knows."""
    keys = keys_of(loop.stack, SYSTEM)
    answer = acknowledgement_to_wire(an_answer(request_id, SYSTEM, sequence=7, records=1))
    leaf = answer.SerializeToString(deterministic=True) + b"\xc2\x3e\x02hi"
    message = SignedAcknowledgements(
        system_id=SYSTEM,
        key_id=keys.public.signing.id,
        signature=keys.signing.sign(signed_bytes(SYSTEM, 1, merkle.root([merkle.leaf_hash(leaf)]))),
        acknowledgements=[leaf],
    )
    return encode(
        message,
        topic=ACKNOWLEDGEMENTS.name,
        key=request_id,
        event_id=a_new_id(),
        source=f"system/{SYSTEM}",
        at=datetime.now(UTC),
    )
