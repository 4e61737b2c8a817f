"""The transparency log through the service as it runs: real topics, a real database, real kills."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import asyncpg
import httpx
import pytest
from integration.verifier.group import Group, a_request_id, now
from integration.verifier.processes import CrashingVerifier, Follower, Verifier

from dsr_cli.kafka.registry_topic import keys_records
from dsr_cli.stack import Stack
from dsr_contracts.v1 import checkpoints_pb2
from dsr_core.ids import RequestId
from dsr_runtime.kafka import KafkaConnection, Publisher
from dsr_wire.codec.audit import AuditEntry, audit_entries_to_wire
from dsr_wire.codec.checkpoints import checkpoint_from_wire
from dsr_wire.envelope import Outgoing, decode, encode
from dsr_wire.keys import SystemKeyPair
from dsr_wire.log.checkpoints import Checkpoint, open_checkpoint
from dsr_wire.log.leaves import Kind
from dsr_wire.log.proofs import check_consistency, prove_consistency
from dsr_wire.merkle import root
from dsr_wire.topics import AUDIT, CHECKPOINTS
from support.crash_points import LOGGED
from support.crash_writes import CrashPoint
from support.parts import make_logins
from support.transparency import (
    ReadLog,
    a_signer,
    log_settings,
    origin_of_database,
    read_log,
)
from support.waiting import eventually
from support.witness import WitnessServer

pytestmark = pytest.mark.timeout(300)  # each starts services, some of them twice


async def the_log(verifier: Verifier) -> ReadLog:
    return await read_log(verifier.url, origin_of_database(verifier.dsn))


async def logged(verifier: Verifier, kind: Kind, digests: set[str]) -> ReadLog:
    """The log, once it has these leaves."""

    async def read() -> ReadLog | None:
        try:
            found = await the_log(verifier)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise
            return None  # before its first checkpoint
        return found if digests <= found.of(kind).keys() else None

    return await eventually(read, within=30, what=f"{kind.value} leaves")


async def statements_of(dsn: str, *request_ids: RequestId) -> set[str]:
    """The digests of what is stated of closures, once each is."""
    connection = await asyncpg.connect(dsn)
    try:

        async def read() -> set[str]:
            rows = await connection.fetch(
                "select statement from verifier.statements where request_id = any($1::uuid[])",
                list(request_ids),
            )
            found = {hashlib.sha256(row["statement"]).hexdigest() for row in rows}
            return found if len(found) == len(request_ids) else set()

        return await eventually(read, within=30, what="statements")
    finally:
        await connection.close()


def an_entry() -> AuditEntry:
    number = uuid.uuid4()
    return AuditEntry(
        entry_id=str(number), digest=hashlib.sha256(number.bytes).digest(), recorded_at=now()
    )


def audited(*entries: AuditEntry) -> Outgoing:
    return encode(
        audit_entries_to_wire(entries),
        topic=AUDIT.name,
        key=entries[0].entry_id,
        event_id=entries[0].entry_id,
        source="a test",
        at=now(),
    )


async def test_closures_registrations_and_audit_entries_are_leaves_once_each(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier
) -> None:
    request_ids = [a_request_id() for _ in range(20)]
    async with verifier, Follower(kafka, CHECKPOINTS) as published:
        for one in request_ids:
            await publisher.publish([group.opened(one), *group.answers(one)])
        entries = [an_entry() for _ in range(3)]
        await publisher.publish([audited(*entries), audited(*entries[:2])])
        found = await logged(verifier, Kind.AUDIT, {one.digest.hex() for one in entries})
        assert set(found.of(Kind.AUDIT).values()) == {1}
        statements = await statements_of(verifier.dsn, *request_ids)
        found = await logged(verifier, Kind.CLOSURE, statements)
        assert {found.of(Kind.CLOSURE)[one] for one in statements} == {1}
        assert found.of(Kind.REGISTRY)[group.registry_digest] == 1
        assert len(found.of(Kind.SYSTEM_KEYS)) >= len(group.systems)
        assert found.of(Kind.RULES)

        registered = SystemKeyPair.generate("log-sample").public
        (record,) = keys_records([registered], now())
        await publisher.publish([record, record])
        digest = hashlib.sha256(record.value).hexdigest()
        found = await logged(verifier, Kind.SYSTEM_KEYS, {digest})
        assert found.of(Kind.SYSTEM_KEYS)[digest] == 1

        async def last() -> bool:
            return found.checkpoint in [
                checkpoint_from_wire(
                    decode(one.value, one.headers, checkpoints_pb2.CheckpointSigned)
                )[0]
                for one in await published.poll()
            ]

        await eventually(last, what="the checkpoint that is published")
        metrics = await verifier.answer("/metrics")
        assert metrics is not None
        assert "dsr_verifier_log_pending 0.0" in metrics.text.splitlines()
        assert f"dsr_verifier_log_leaves {float(found.checkpoint.size)}" in metrics.text


def assert_grown(first: ReadLog, second: ReadLog) -> None:
    """The second log is the first, and what was appended."""
    assert second.leaves[: len(first.leaves)] == first.leaves
    leaves = [one.hash() for one in second.leaves]
    if first.checkpoint.size:
        check_consistency(
            first=first.checkpoint.size,
            second=len(leaves),
            first_root=first.checkpoint.root,
            second_root=root(leaves),
            hashes=prove_consistency(leaves, first.checkpoint.size),
        )


async def cosigned(verifier: Verifier, witness: WitnessServer) -> None:
    """Return when a witness, which cosigns no fork, has cosigned the newest checkpoint."""
    origin = origin_of_database(verifier.dsn)
    keys = [a_signer(origin).public, witness.signer.cosigning]

    async def is_cosigned() -> bool:
        answer = await verifier.answer("/tlog/checkpoint")
        assert answer is not None
        return len(open_checkpoint(answer.text, keys, origin=origin)[1].signatures) == len(keys)

    await eventually(is_cosigned, within=30, what="the witness has cosigned")


@pytest.fixture
def witness(verifier: Verifier) -> Iterator[WitnessServer]:
    """A witness, which sees for itself that the log only grew."""
    with WitnessServer(a_signer(origin_of_database(verifier.dsn)).public) as server:
        yield server


@pytest.fixture
def crashing(verifier: Verifier, witness: WitnessServer, tmp_path: Path) -> CrashingVerifier:
    """A verifier of the same group that can be made to crash."""
    settings = {
        "DSR_KAFKA_INSTANCE_ID": "crashing-log",  # it keeps its place in the group
        "DSR_LOG_WITNESSES": f"{witness.signer.cosigning.text()} {witness.url}",
    }
    log = tmp_path / "crashing.log"
    return CrashingVerifier(verifier.kafka, verifier.dsn, verifier.group_id, log, settings)


@pytest.mark.parametrize("point", LOGGED, ids=lambda point: point.name)
async def test_a_crash_leaves_no_gap_and_no_fork_and_each_closure_one_leaf(
    kafka: KafkaConnection,
    publisher: Publisher,
    group: Group,
    crashing: CrashingVerifier,
    witness: WitnessServer,
    *,
    point: CrashPoint,
) -> None:
    request_ids, entry = [a_request_id() for _ in range(3)], an_entry()
    async with crashing, Follower(kafka, CHECKPOINTS) as published:

        async def still() -> ReadLog | None:
            metrics = await crashing.answer("/metrics")
            assert metrics is not None
            is_empty = "dsr_verifier_log_pending 0.0" in metrics.text.splitlines()
            return await the_log(crashing) if is_empty else None

        before = await eventually(still, what="a log that nothing waits for")
        crashing.file.write_text(point.name, encoding="utf-8")
        await publisher.publish([audited(entry)])
        for one in request_ids:
            await publisher.publish([group.opened(one), *group.answers(one)])
        await crashing.crashed()
        await crashing.start()
        statements = await statements_of(crashing.dsn, *request_ids)
        await logged(crashing, Kind.CLOSURE, statements)
        after = await logged(crashing, Kind.AUDIT, {entry.digest.hex()})
        assert_grown(before, after)
        assert all(after.of(Kind.CLOSURE)[one] == 1 for one in statements)
        assert after.of(Kind.AUDIT)[entry.digest.hex()] == 1
        # Everything that was registered is read again at a start, and is no other leaf.
        assert set(after.of(Kind.SYSTEM_KEYS).values()) == {1}
        # Whatever was published, before the crash and after it, is what the log was at that size.
        leaves = [one.hash() for one in after.leaves]

        async def told() -> list[Checkpoint]:
            found = [
                checkpoint_from_wire(
                    decode(one.value, one.headers, checkpoints_pb2.CheckpointSigned)
                )[0]
                for one in await published.poll()
            ]
            own = [one for one in found if one.origin == after.checkpoint.origin]
            return own if after.checkpoint in own else []

        for checkpoint in await eventually(told, what="the newest checkpoint is published"):
            if checkpoint.size <= len(leaves):
                assert root(leaves[: checkpoint.size]) == checkpoint.root
        await cosigned(crashing, witness)


async def test_two_verifiers_at_once_make_one_log(
    kafka: KafkaConnection, publisher: Publisher, group: Group, verifier: Verifier, tmp_path: Path
) -> None:
    other = Verifier(kafka, verifier.dsn, verifier.group_id, tmp_path / "other.log")
    request_ids = [a_request_id() for _ in range(40)]
    async with verifier, other:
        await asyncio.gather(
            *(
                publisher.publish([group.opened(one), *group.answers(one), audited(an_entry())])
                for one in request_ids
            )
        )
        statements = await statements_of(verifier.dsn, *request_ids)
        first = await logged(verifier, Kind.CLOSURE, statements)
        second = await logged(other, Kind.CLOSURE, statements)
        assert all(first.of(Kind.CLOSURE)[one] == 1 for one in statements)
        assert_grown(first, second)


async def copied(stack: Stack, dsn: str) -> str:
    """Copy a database that nobody uses, and return the copy's address."""
    name = f"restored_{os.urandom(6).hex()}"
    connection = await asyncpg.connect(stack.postgres_dsn())
    try:
        source = dsn.rpartition("/")[2]
        # Of processes that were killed by other tests.
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", source
        )
        await connection.execute(f'create database "{name}" template "{source}"')
    finally:
        await connection.close()
    return stack.postgres_dsn(name)


async def test_a_restored_older_database_appends_nothing_and_says_so(
    stack: Stack, publisher: Publisher, group: Group, verifier: Verifier, tmp_path: Path
) -> None:
    async with verifier:
        first = an_entry()
        await publisher.publish([audited(first)])
        await logged(verifier, Kind.AUDIT, {first.digest.hex()})
        await verifier.stop()
    restored = await copied(stack, verifier.dsn)
    await asyncio.to_thread(make_logins, restored)
    async with verifier:
        entry = an_entry()
        await publisher.publish([audited(entry)])
        newer = await logged(verifier, Kind.AUDIT, {entry.digest.hex()})
        await verifier.stop()
    settings = log_settings(verifier.dsn, tmp_path / "restored")
    other = Verifier(
        verifier.kafka, restored, f"{verifier.group_id}-r", tmp_path / "r.log", settings
    )
    async with aclosing(other):
        await other.begin()

        async def says() -> str | None:
            faults = await other.faults()
            return (faults or {}).get("log")

        async def forked() -> bool:
            return str(await says()).startswith("shorter: ")

        await eventually(forked, within=60, what="the fault in /readyz")
        before = await read_log(other.url, origin_of_database(verifier.dsn))
        assert before.checkpoint.size < newer.checkpoint.size
        request_id = a_request_id()
        await publisher.publish([group.opened(request_id), *group.answers(request_id)])

        async def pending() -> bool:
            metrics = await other.answer("/metrics")
            assert metrics is not None
            lines = metrics.text.splitlines()
            return 'dsr_verifier_log_forked{difference="shorter"} 1.0' in lines

        await eventually(pending, what="the metric")
        again = await read_log(other.url, origin_of_database(verifier.dsn))
        assert again.checkpoint == before.checkpoint
    # The newer database takes its place again: the log goes on where it was.
    async with verifier:
        entry = an_entry()
        await publisher.publish([audited(entry)])
        assert_grown(newer, await logged(verifier, Kind.AUDIT, {entry.digest.hex()}))
