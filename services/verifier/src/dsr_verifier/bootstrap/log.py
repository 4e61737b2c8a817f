"""Wiring of the transparency log: what keeps it, and what reads it."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

from dsr_runtime.health import Health
from dsr_runtime.process import Process
from dsr_verifier.adapters.certifying import statements
from dsr_verifier.adapters.checkpoints import PublishedCheckpoints
from dsr_verifier.adapters.log import Log
from dsr_verifier.adapters.log_keys import read_signers, read_witnesses
from dsr_verifier.adapters.log_store import PostgresLog
from dsr_verifier.adapters.witness import HttpWitness, new_session
from dsr_verifier.application.sequencing import Sequencer
from dsr_verifier.application.witnessing import Witnessing
from dsr_verifier.log_ports import LogIdentity
from dsr_verifier.ports import Clock
from dsr_verifier.settings import VerifierSettings
from dsr_verifier.worker.log import Appending, Cosigning, Noting
from dsr_verifier.worker.metrics import LogMetrics
from dsr_wire.log.notes import NoteKey, NoteSigner

__all__ = ["LogKeys", "LogParts", "log_keys", "start_log"]


@dataclass(frozen=True, slots=True)
class LogKeys:
    """What the log signs with, and who cosigns it."""

    origin: str
    signers: tuple[NoteSigner, ...]
    witnesses: tuple[tuple[NoteKey, str], ...]

    @property
    def identity(self) -> LogIdentity:
        """What others know the log by."""
        return LogIdentity(
            self.origin,
            tuple(one.public for one in self.signers),
            tuple(key for key, _ in self.witnesses),
        )


@dataclass(frozen=True, slots=True)
class LogParts:
    """The log as the rest of the service uses it."""

    reader: Log
    store: PostgresLog
    appending: Appending
    noting: Noting


def log_keys(settings: VerifierSettings) -> LogKeys:
    """Return the keys; raises where a file or a setting is wrong."""
    signers = read_signers(settings.log_key_file, origin=settings.log_origin)
    return LogKeys(settings.log_origin, signers, read_witnesses(settings.log_witnesses))


def start_log(
    process: Process,
    settings: VerifierSettings,
    *,
    keys: LogKeys,
    pool: asyncpg.Pool[asyncpg.Record],
    health: Health,
    metrics: LogMetrics,
    clock: Clock,
) -> LogParts:
    """Start the loops that keep the log: they end before the relay, which publishes what they left."""
    published = PublishedCheckpoints(
        settings.kafka,
        keys.origin,
        rejected=lambda reason: metrics.bad_checkpoints.labels(reason).inc(),
    )
    process.spawn(published.topic.run(), stop=published.topic.stop, turn=1)
    reader, store = Log(pool), PostgresLog(pool, statements)
    sequencer = Sequencer(
        log=store, published=published, origin=keys.origin, signers=keys.signers, clock=clock
    )
    appending = Appending(sequencer, reader, metrics)
    process.spawn(appending.run(), stop=appending.stop)
    health.add("log", appending.ping)
    noting = Noting(store)
    process.spawn(noting.run(), stop=noting.stop)
    if keys.witnesses:
        _start_witnesses(process, keys, reader, metrics, clock)
    return LogParts(reader, store, appending, noting)


def _start_witnesses(
    process: Process, keys: LogKeys, reader: Log, metrics: LogMetrics, clock: Clock
) -> None:
    session = new_session()
    process.on_close(session.close)
    witnesses = [
        (key.name, Witnessing(log=reader, witness=HttpWitness(session, key, url), clock=clock))
        for key, url in keys.witnesses
    ]
    cosigning = Cosigning(witnesses, metrics)
    process.spawn(cosigning.run(), stop=cosigning.stop)
