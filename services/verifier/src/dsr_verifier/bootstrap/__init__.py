"""Wiring: the one package that knows the adapters, and in which order the service's parts start."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import structlog

from dsr_core.errors import Unavailable
from dsr_runtime.health import Health
from dsr_runtime.http.app import HttpServer, starting_app
from dsr_runtime.kafka import Publisher
from dsr_runtime.lag import Lag
from dsr_runtime.migrations import migrate_at_start, newest_version
from dsr_runtime.outbox import OutboxRelay
from dsr_runtime.postgres import connect_pool
from dsr_runtime.process import Process, Ready
from dsr_runtime.seldom import Seldom
from dsr_verifier.adapters.certifying import Certificates
from dsr_verifier.adapters.dead_letters import KafkaDeadLetters
from dsr_verifier.adapters.debts import PostgresDebts
from dsr_verifier.adapters.ledger import PostgresLedger
from dsr_verifier.adapters.reads import PostgresViews
from dsr_verifier.adapters.registry import KafkaRegistry
from dsr_verifier.adapters.transaction import SCHEMA
from dsr_verifier.application.amending import Amender
from dsr_verifier.application.auditing import Auditor
from dsr_verifier.application.copying import Copier
from dsr_verifier.application.keeping import Keeper
from dsr_verifier.application.opening import Opener
from dsr_verifier.application.recording import Recorder
from dsr_verifier.application.tally import Tally
from dsr_verifier.bootstrap.log import log_keys, start_log
from dsr_verifier.http.app import read_api
from dsr_verifier.log_ports import Fact
from dsr_verifier.metrics import Metrics
from dsr_verifier.settings import VerifierSettings
from dsr_verifier.streams.app import Streams, new_app
from dsr_verifier.streams.handling import Handling, Take
from dsr_verifier.streams.lane import Lane
from dsr_verifier.worker.measuring import Measuring
from dsr_verifier.worker.metrics import LogMetrics
from dsr_wire.certificate.published import PublishedKeys
from dsr_wire.topics import ACKNOWLEDGEMENTS, AUDIT, COPIES, OBLIGATIONS

__all__ = ["BY_INDEX", "SCHEMA", "start"]

# Each statement touches as many rows as its arrays name, and the server cannot see how many these are
# when it plans. A plan that it made and cached while a table was small would read that table whole
# for minutes after it has grown. So every plan of this pool goes by index; nothing here wants another.
BY_INDEX = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""What the pool's connections begin with."""

_LAST = 1
"""The turn to stop of what the streams and the relay need until they have ended."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


async def start(process: Process, settings: VerifierSettings) -> None:
    """Start the service; returns when its API serves, whether or not Kafka is there yet.

    The probes answer from the first moment. The streams are stopped first, so that nothing new comes
    in, then the relay, which publishes what they have left, and the API last.
    """
    keys = log_keys(settings)
    health, metrics, limits = (
        Health(schema=newest_version("dsr_verifier")),
        Metrics(),
        settings.limits,
    )
    health.expect("postgresql", "streams", "outbox", "log")
    server = HttpServer(
        starting_app(health=health, metrics=metrics.registry),
        host=settings.http_host,
        port=settings.http_port,
    )
    process.spawn(server.run(), stop=server.stop, turn=_LAST)
    registered: list[Fact] = []  # until there is a log to note it in
    registry = KafkaRegistry(
        settings.kafka,
        rejected=lambda reason: metrics.bad_registry_records.labels(reason).inc(),
        noted=registered.append,
    )
    process.spawn(registry.topic.run(), stop=registry.topic.stop, turn=_LAST)
    health.add("registry", registry.topic.ping)
    publisher = Publisher(settings.kafka, client_id="verifier")
    process.on_close(publisher.stop)
    connected, informed = Ready(publisher.start), Ready(registry.topic.caught_up)
    process.on_close(connected.close)
    process.on_close(informed.close)
    health.add("kafka", publisher.ping)

    pool = await _connected(process, settings, metrics)
    health.add("postgresql", lambda: pool.execute("select 1"))
    await migrate_at_start(settings, pool, package="dsr_verifier", schema=SCHEMA)

    transparency = start_log(
        process,
        settings,
        keys=keys,
        pool=pool,
        health=health,
        metrics=LogMetrics(metrics.made),
        clock=_now,
    )
    metrics.newest = registry.newest
    registry.note_in(transparency.noting.note, registered)

    relay = OutboxRelay(pool, SCHEMA, publisher)
    ledger = PostgresLedger(pool)
    recorder = Recorder(ledger=ledger, registry=registry, limits=limits, clock=_now)
    amender = Amender(ledger=ledger, clock=_now)
    opener = Opener(
        ledger=ledger,
        registry=registry,
        recorder=recorder,
        amender=amender,
        limits=limits,
        clock=_now,
    )
    keeper = Keeper(ledger=ledger, recorder=recorder, amender=amender, limits=limits, clock=_now)

    def publish(tally: Tally) -> None:
        if tally.closures or tally.phases or tally.buried:
            relay.wake()
        if tally.closures:
            transparency.appending.wake()

    def lane(topic: str, take: Take) -> Lane:
        handling = Handling(
            topic,
            take,
            dead_letters=KafkaDeadLetters(publisher, _now),
            metrics=metrics,
            after=publish,
        )
        return Lane(
            handling,
            max_records=settings.verifier_batch_records,
            max_bytes=settings.verifier_batch_bytes,
        )

    streams = Streams(
        new_app(settings.kafka, group_id=settings.verifier_group_id),
        {
            OBLIGATIONS.name: lane(OBLIGATIONS.name, opener.take),
            ACKNOWLEDGEMENTS.name: lane(ACKNOWLEDGEMENTS.name, recorder.take),
            COPIES.name: lane(COPIES.name, Copier(ledger=ledger, clock=_now).take),
            AUDIT.name: lane(AUDIT.name, Auditor(transparency.store).take),
        },
    )
    metrics.groups.show(streams)
    health.add("streams", streams.ping)
    health.add("outbox", relay.ping)

    async def consume() -> None:
        # Without what has been registered, every key would look unknown.
        await informed.then(streams.run)

    keeping = _Keeping(keeper, metrics, relay, every_s=settings.verifier_keeping_every_s)
    measuring = Seldom(
        Measuring(PostgresDebts(pool), metrics, _now).measure,
        every_s=settings.verifier_keeping_every_s,
        else_say="what is missing is counted later",
    )
    process.spawn(connected.then(consume), stop=connected.stopping(informed.stopping(streams.stop)))
    process.spawn(keeping.run(), stop=keeping.stop)
    process.spawn(measuring.run(), stop=measuring.stop)
    _watch_lag(process, settings, metrics)
    process.spawn(connected.then(relay.run), stop=connected.stopping(relay.stop))
    server.serve(
        read_api(
            PostgresViews(pool),
            transparency.reader,
            Certificates(
                pool,
                transparency.reader,
                published=lambda: PublishedKeys.of(
                    registry.every_key(), log=keys.identity.keys, witnesses=keys.identity.witnesses
                ),
            ),
            token=settings.internal_token.get_secret_value(),
            health=health,
            metrics=metrics,
            changes_for=limits.changes_for,
        )
    )


async def _connected(
    process: Process, settings: VerifierSettings, metrics: Metrics
) -> asyncpg.Pool[asyncpg.Record]:
    dsn = settings.postgres_dsn.get_secret_value()
    pool = await connect_pool(dsn, size=settings.postgres_pool_size, server_settings=BY_INDEX)
    process.on_close(pool.close)
    metrics.pool.show(pool)
    return pool


def _watch_lag(process: Process, settings: VerifierSettings, metrics: Metrics) -> None:
    topics = (OBLIGATIONS.name, ACKNOWLEDGEMENTS.name, COPIES.name, AUDIT.name)
    lag = Lag(
        settings.kafka,
        dict.fromkeys(topics, settings.verifier_group_id),
        show=lambda topic, unread: metrics.consumer_lag.labels(topic).set(unread),
    )
    process.spawn(lag.run(), stop=lag.stop)


class _Keeping:
    """Calls the keeper now and then, and looks at what waits."""

    def __init__(
        self, keeper: Keeper, metrics: Metrics, relay: OutboxRelay, *, every_s: float
    ) -> None:
        self._keeper = keeper
        self._metrics = metrics
        self._relay = relay
        self._every_s = every_s
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                tally = await self._keeper.run_once()
                self._metrics.parked.set(await self._keeper.parked())
                waiting = await self._relay.backlog()
            except Unavailable as error:
                log.warning("keeping house waits", error=str(error))
            else:
                self._metrics.count(tally)
                self._metrics.outbox_records.set(waiting.records)
                self._metrics.outbox_age.set(waiting.age_s)
                if tally.buried or tally.closures:
                    self._relay.wake()
            try:
                await asyncio.wait_for(self._stopping.wait(), self._every_s)
            except TimeoutError:
                continue


def _now() -> datetime:
    return datetime.now(UTC)
