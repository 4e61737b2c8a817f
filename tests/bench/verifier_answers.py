"""How many answers a core of the verifier takes a second, and what the log costs for each closure.

    python tests/bench/verifier_answers.py [--systems 100] [--requests 200] [--batch 200] [--profile]

From signed batches, as they come from Kafka, to commits: signatures, standings, closures, and then the
log's statements, leaves, tiles and checkpoints. On a PostgreSQL of its own. Rates are those of this
process's CPU time, so that a busy machine slows them less; what PostgreSQL takes stands beside them.
The log's share is of what a request costs in the whole loop, the log included (docs/performance.md).
The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import hashlib
import json
import os
import platform
import pstats
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import uvloop
from bench.own_postgres import OwnPostgres, own_postgres

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId, uuid7
from dsr_core.registry import Organisation, OrganisationRole, Registry, System
from dsr_core.rights import Disposition, Right
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_runtime.process import leave_out_of_collections
from dsr_verifier.adapters.certifying import statements
from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.adapters.log_store import PostgresLog
from dsr_verifier.application.amending import Amender
from dsr_verifier.application.limits import Limits
from dsr_verifier.application.opening import Opener
from dsr_verifier.application.recording import Recorder
from dsr_verifier.application.sequencing import Sequencer
from dsr_verifier.bootstrap import BY_INDEX
from dsr_verifier.ports import Received
from dsr_wire import merkle
from dsr_wire.codec.obligations import OpenedObligations, obligations_opened_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.keys import SystemKeyPair, SystemPublicKeys
from dsr_wire.log.checkpoints import Checkpoint
from dsr_wire.signing import sign, signed_bytes
from dsr_wire.topics import ACKNOWLEDGEMENTS, OBLIGATIONS
from support.transparency import a_signer

GOAL = 30_000
COHORT = 250
ORIGIN = "log.example.test/bench"
LOOP_MS = {"loop": 63.0, "bulk": 1.17}
"""CPU time that a request takes in the whole loop, by itself and in bulk; see docs/performance.md."""

Pool = asyncpg.Pool
OWNER = OrganisationId("example-group")


@dataclass
class Published:
    """A RegistryView of what the benchmark uses."""

    registry: Registry
    public: dict[str, SystemPublicKeys] = field(default_factory=dict)

    def version(self, digest: str) -> Registry | None:
        """Return the one version."""
        return self.registry if digest == self.registry.digest else None

    def keys(self, system_id: str) -> SystemPublicKeys | None:
        """Return a system's keys."""
        return self.public.get(system_id)

    def is_current(self, system_id: str) -> bool:
        """Tell whether there is such a system."""
        return self.registry.system(system_id) is not None

    def newest(self, system_id: str) -> System | None:
        """Return a system."""
        return self.registry.system(system_id)

    async def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:  # noqa: ARG002 - as the port
        """Nothing ever arrives."""
        return condition()


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def received(outgoing: Outgoing) -> Received:
    """Return a record as Kafka gives it."""
    return Received(outgoing.topic, 0, 0, outgoing.key, outgoing.value, outgoing.headers, now())


def chunks(items: Sequence[RequestId], size: int) -> Iterator[Sequence[RequestId]]:
    """Cut a sequence."""
    return (items[start : start + size] for start in range(0, len(items), size))


class Unpublished:
    """A log of which nobody was told."""

    async def largest(self) -> tuple[Checkpoint, ...]:
        """Return what others were told."""
        return ()


@dataclass
class Spent:
    """What a part has cost since its making."""

    postgres: OwnPostgres
    wall: float = field(default_factory=time.perf_counter)
    own: float = field(default_factory=time.process_time)
    servers: float = 0.0

    def __post_init__(self) -> None:
        self.servers = self.postgres.cpu_s()

    def each_us(self, count: int) -> dict[str, float]:
        """Return microseconds for each of so many things."""
        spent = {
            "wall": time.perf_counter() - self.wall,
            "own_cpu": time.process_time() - self.own,
            "postgres_cpu": self.postgres.cpu_s() - self.servers,
        }
        return {name: round(seconds / count * 1e6, 1) for name, seconds in spent.items()}


def a_registry(systems: int) -> Registry:
    """Return one organisation with its systems."""
    organisation = Organisation(
        id=OWNER, name="Example", role=OrganisationRole.COMPANY, country="US", region="us-west",
        owner="privacy", contact="privacy@example.com",
    )  # fmt: skip
    owned = (
        System(
            id=SystemId(f"system-{number}"), name="A system", organisation_id=OWNER, owner="team",
            contact="team@example.com", region="us-west", rights=(Right.DELETION,),
            identifiers=("email",), categories=("user.contact",),
        )
        for number in range(systems)
    )  # fmt: skip
    return Registry((organisation,), tuple(owned))


def opened(registry: Registry, request_ids: Sequence[RequestId]) -> Received:
    """Return a cohort's obligations."""
    obligations = OpenedObligations(
        cohort_id=CohortId(request_ids[0]),
        right=Right.DELETION,
        regime="default",
        registry_digest=registry.digest,
        due_at=now() + timedelta(days=30),
        opened_at=now(),
        request_ids=tuple(request_ids),
        systems=tuple((one.id, one.organisation_id) for one in registry.systems),
    )
    message = obligations_opened_to_wire(obligations)
    return received(
        encode(
            message,
            topic=OBLIGATIONS.name,
            key=request_ids[0],
            event_id="e",
            source="bench",
            at=now(),
        )
    )


def answered(keys: SystemKeyPair, request_ids: Sequence[RequestId]) -> Received:
    """Return a system's signed answers."""
    answers = (
        Acknowledgement(
            request_id=one, system_id=SystemId(keys.system_id), right=Right.DELETION,
            disposition=Disposition.ERASED, sequence=1, answered_at=now(), records=3,
        )
        for one in request_ids
    )  # fmt: skip
    return received(
        encode(
            sign(answers, keys),
            topic=ACKNOWLEDGEMENTS.name,
            key=keys.system_id,
            event_id="e",
            source="bench",
            at=now(),
        )
    )


def bare(records: Sequence[Received], keys: Sequence[SystemKeyPair]) -> float:
    """Return the CPU seconds of what no verifier can do without: a signature a batch, a hash an answer."""
    public = {one.system_id: one.public.signing.key for one in keys}
    work = []
    for one in records:
        message = acknowledgements_pb2.SignedAcknowledgements.FromString(one.value or b"")
        leaves = list(message.acknowledgements)
        root = merkle.root([merkle.leaf_hash(leaf) for leaf in leaves])
        signed = signed_bytes(message.system_id, len(leaves), root)
        work.append((public[message.system_id], message.signature, signed, leaves))
    started = time.process_time()
    for key, signature, signed, leaves in work:
        for leaf in leaves:
            hashlib.sha256(leaf).digest()
        key.verify(signature, signed)
    return time.process_time() - started


async def measure(options: argparse.Namespace, postgres: OwnPostgres) -> dict[str, Any]:
    """Open requests, answer them, append their closures to the log, and return what each cost."""
    await migrate(postgres.dsn, package="dsr_verifier", schema="verifier")
    # One connection: the server's process that serves it is there at the beginning and at the end.
    pool = await connect_pool(postgres.dsn, size=1, server_settings=BY_INDEX)
    registry = a_registry(options.systems)
    pairs = [SystemKeyPair.generate(one.id) for one in registry.systems]
    view = Published(registry, {one.system_id: one.public for one in pairs})
    ledger = PostgresLedger(pool)
    recorder = Recorder(ledger=ledger, registry=view, limits=Limits(), clock=now)
    opener = Opener(
        ledger=ledger,
        registry=view,
        recorder=recorder,
        amender=Amender(ledger=ledger, clock=now),
        limits=Limits(),
        clock=now,
    )
    stamp = time.time_ns() // 1_000_000
    request_ids = [RequestId(uuid7(stamp, os.urandom(10))) for _ in range(options.requests)]
    cohorts = list(chunks(request_ids, COHORT))
    for cohort in cohorts:
        await opener.take([opened(registry, cohort)])
    records = [
        answered(keys, part)
        for cohort in cohorts
        for part in chunks(cohort, options.batch)
        for keys in pairs
    ]
    leave_out_of_collections()  # as a service does once it has started
    profile = cProfile.Profile() if options.profile else None
    if profile:
        profile.enable()
    answers = options.requests * options.systems
    step, closed = max(1, options.answers // options.batch), 0
    recording = Spent(postgres)
    for at in range(0, len(records), step):
        closed += len((await recorder.take(records[at : at + step])).closures)
    recorded = recording.each_us(answers)
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    if closed != options.requests:
        raise RuntimeError(f"{closed} of {options.requests} requests are closed")
    least = bare(records, pairs) / answers * 1e6
    logged = await appended(pool, postgres, closed)
    await pool.close()
    per_second = round(1e6 / recorded["own_cpu"])
    cost_ms = (logged["own_cpu"] + logged["postgres_cpu"]) / 1000
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "systems": options.systems,
        "requests": options.requests,
        "batch": options.batch,
        "goal": GOAL,
        "answers_per_second_a_core": per_second,
        "us_an_answer": recorded,
        "ratio_to_bare": round(least / recorded["own_cpu"], 4),
        "log_us_a_closure": logged,
        "log_share": {name: round(cost_ms / ms, 4) for name, ms in LOOP_MS.items()},
    }


async def appended(
    pool: Pool[asyncpg.Record], postgres: OwnPostgres, closed: int
) -> dict[str, float]:
    """Append everything that waits, and return what each closure took."""
    sequencer = Sequencer(
        log=PostgresLog(pool, statements),
        published=Unpublished(),
        origin=ORIGIN,
        signers=[a_signer(ORIGIN)],
        clock=now,
    )
    logging, leaves = Spent(postgres), 0
    while leaves < closed:
        leaves += (await sequencer.step()).leaves
    return logging.each_us(closed)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", type=int, default=100)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--batch", type=int, default=200, help="answers under one signature")
    parser.add_argument("--answers", type=int, default=2000, help="answers in one transaction")
    parser.add_argument("--profile", action="store_true", help="say where the time goes")
    options = parser.parse_args()
    with own_postgres() as postgres, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(options, postgres))
    told = {name: found[name] for name in ("machine", "load")}
    sys.stdout.write(
        f"{told['machine']}, load {told['load']}\n"
        f"answers   {found['answers_per_second_a_core']:,} a second a core (at least {GOAL:,}), "
        f"{found['us_an_answer']} us each\n"
        f"the log   {found['log_us_a_closure']} us a closure, {found['log_share']} of the loop "
        "(at most 0.05)\n"
        f"{json.dumps(found)}\n"
    )


if __name__ == "__main__":
    main()
