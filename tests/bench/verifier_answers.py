"""How many answers the ledger takes a second: signatures, transactions and closures included, Kafka not.

    python tests/bench/verifier_answers.py postgresql://...  [--requests N] [--batch N]

The database must be empty or a verifier's. Prints the machine beside the numbers.
"""
# ruff: noqa: T201 - a script

from __future__ import annotations

import argparse
import asyncio
import cProfile
import hashlib
import os
import pstats
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import uvloop

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId, uuid7
from dsr_core.registry import Organisation, OrganisationRole, Registry, System
from dsr_core.rights import Disposition, Right
from dsr_runtime.migrations import migrate
from dsr_runtime.postgres import connect_pool
from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.application.amending import Amender
from dsr_verifier.application.limits import Limits
from dsr_verifier.application.opening import Opener
from dsr_verifier.application.recording import Recorder
from dsr_verifier.bootstrap import BY_INDEX
from dsr_verifier.ports import Received
from dsr_wire import merkle
from dsr_wire.codec.obligations import OpenedObligations, obligations_opened_to_wire
from dsr_wire.envelope import Outgoing, encode
from dsr_wire.keys import SystemKeyPair, SystemPublicKeys
from dsr_wire.signing import sign, signed_bytes
from dsr_wire.topics import ACKNOWLEDGEMENTS, OBLIGATIONS

SYSTEMS = 5
COHORT = 250
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


def a_registry() -> Registry:
    """Return one organisation with the systems."""
    organisation = Organisation(
        id=OWNER, name="Example", role=OrganisationRole.COMPANY, country="US", region="us-west",
        owner="privacy", contact="privacy@example.com",
    )  # fmt: skip
    systems = (
        System(
            id=SystemId(f"system-{number}"), name="A system", organisation_id=OWNER, owner="team",
            contact="team@example.com", region="us-west", rights=(Right.DELETION,),
            identifiers=("email",), categories=("user.contact",),
        )
        for number in range(SYSTEMS)
    )  # fmt: skip
    return Registry((organisation,), tuple(systems))


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


async def measure(options: argparse.Namespace) -> None:
    """Open requests, answer them, and print how long it took."""
    pool = await connect_pool(options.dsn, size=4, server_settings=BY_INDEX)
    await migrate(options.dsn, package="dsr_verifier", schema="verifier")
    registry = a_registry()
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

    started = time.perf_counter()
    for cohort in chunks(request_ids, COHORT):
        await opener.take([opened(registry, cohort)])
    print(f"opened    {options.requests / (time.perf_counter() - started):10,.0f} requests/s")

    records = [
        answered(keys, part)
        for cohort in chunks(request_ids, COHORT)
        for part in chunks(cohort, options.batch)
        for keys in pairs
    ]
    step = max(1, options.answers // options.batch)
    profile = cProfile.Profile() if options.profile else None
    if profile:
        profile.enable()
    used = resource.getrusage(resource.RUSAGE_SELF)
    started, closed = time.perf_counter(), 0
    for at in range(0, len(records), step):
        tally = await recorder.take(records[at : at + step])
        closed += len(tally.closures)
    wall = time.perf_counter() - started
    spent = resource.getrusage(resource.RUSAGE_SELF)
    cpu = spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)
    answers = options.requests * SYSTEMS
    print(
        f"answered  {answers / wall:10,.0f} answers/s on the wall clock\n"
        f"          {answers / cpu:10,.0f} answers/s of this process's CPU\n"
        f"          {cpu / answers * 1e6:10.1f} us CPU an answer\n"
        f"ratio     {bare(records, pairs) / cpu:10.4f} of a bare Ed25519 check a batch and SHA-256 an answer\n"
        f"closed    {closed:10,d} of {options.requests:,d}, signed in batches of {options.batch}, "
        f"{options.answers} answers a transaction\n"
        f"machine   {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    await pool.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dsn")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=50, help="answers under one signature")
    parser.add_argument("--answers", type=int, default=2000, help="answers in one transaction")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(options))


if __name__ == "__main__":
    main()
