"""Builds the process: the only place that knows which adapter stands behind which port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import asyncpg
import structlog
from prometheus_client import CollectorRegistry

from dsr_core.errors import Unavailable
from dsr_intake.adapters.acceptance import PostgresAcceptance
from dsr_intake.adapters.clients import PostgresApiClients
from dsr_intake.adapters.closing import PostgresClosing
from dsr_intake.adapters.codes import PostgresCodes
from dsr_intake.adapters.decisions import PostgresDecisions
from dsr_intake.adapters.deferral import PostgresDeferral
from dsr_intake.adapters.holds import PostgresHolds
from dsr_intake.adapters.identity import PostgresIdentity
from dsr_intake.adapters.keys import FileKeyWrapper, read_key
from dsr_intake.adapters.left_behind import PostgresLeftBehind
from dsr_intake.adapters.letters import PostgresLetters
from dsr_intake.adapters.proposals import PostgresProposals
from dsr_intake.adapters.reading import PostgresReads, PostgresStateFeed
from dsr_intake.adapters.registry import PublishedRegistries
from dsr_intake.adapters.smtp import SmtpMailer
from dsr_intake.adapters.verifier import VerifierLedger
from dsr_intake.application.accepting import (
    AppealAcceptor,
    BatchAcceptor,
    InteractiveAcceptor,
)
from dsr_intake.application.answering import Answering
from dsr_intake.application.appealing import Appealing
from dsr_intake.application.authorising import Authorising
from dsr_intake.application.clients import ApiClients
from dsr_intake.application.clock import utc_now
from dsr_intake.application.codes import CodeLetters, Codes
from dsr_intake.application.dating import Dating
from dsr_intake.application.decisions import Decisions, DecisionsParts
from dsr_intake.application.deferring import Deferring
from dsr_intake.application.drafting import Drafter
from dsr_intake.application.events import Events
from dsr_intake.application.explaining import Explaining
from dsr_intake.application.following import FollowingUp
from dsr_intake.application.holding import Holding
from dsr_intake.application.identifying import Identifying
from dsr_intake.application.left_behind import LeftBehind
from dsr_intake.application.letters.contents import Gathering
from dsr_intake.application.letters.escalating import Escalating
from dsr_intake.application.letters.sending import Posting, Sending
from dsr_intake.application.letters.writing import Stationery
from dsr_intake.application.sealing import Sealing
from dsr_intake.http.app import create_app
from dsr_intake.http.context import Context
from dsr_intake.metrics import Metrics
from dsr_intake.repeating import repeat
from dsr_intake.settings import Settings
from dsr_intake.streams.closures import GROUP, ClosureStream
from dsr_intake.streams.escalations import GROUP as ESCALATIONS_GROUP
from dsr_intake.streams.escalations import EscalationStream
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.health import Health
from dsr_runtime.holidays import public_holidays
from dsr_runtime.http.app import HttpServer, starting_app
from dsr_runtime.kafka import Publisher, RecordLoop
from dsr_runtime.migrations import migrate
from dsr_runtime.outbox import OutboxRelay
from dsr_runtime.postgres import connect_pool
from dsr_runtime.process import Process, Ready
from dsr_wire.registry_book import RegistryBook
from dsr_wire.topics import CLOSURES, ESCALATIONS, REGISTRY

__all__ = ["start"]

log = structlog.get_logger(__name__)

KEYS_KEPT = timedelta(days=7)
"""How long an idempotency key stands for its request, at least."""

_FORGET_EVERY_S = 3600.0

_MEASURE_EVERY_S = 10.0

_HOLDS_EVERY_S = 2.0
"""How soon a replica hears of a hold that another one took."""

_FOLLOW_UP_EVERY_S = 10.0

_LEFT_BEHIND_EVERY_S = 10.0

_EVENTS, _SERVER, _LAST = 0, 1, 2
"""The turns to stop: streams of events end, then calls, then what calls have left to do."""


async def start(process: Process, settings: Settings) -> None:
    """Build and start everything; returns when the API serves, whether or not Kafka is there yet.

    The probes answer from the first moment.
    """
    kek, lookup_key = (
        read_key(settings.key_encryption_key_file, variable="DSR_KEY_ENCRYPTION_KEY_FILE"),
        read_key(settings.lookup_key_file, variable="DSR_LOOKUP_KEY_FILE"),
    )
    registry = CollectorRegistry()
    metrics, health = Metrics(registry), Health()
    health.expect("postgresql", "outbox", "closures stream")
    server = HttpServer(
        starting_app(health=health, metrics=registry),
        host=settings.http_host,
        port=settings.http_port,
    )
    process.spawn(server.run(), stop=server.stop, turn=_SERVER)

    book, wrapper = RegistryBook(), FileKeyWrapper(kek)
    topic = CompactedTopic(
        settings.kafka,
        REGISTRY.name,
        lambda record: book.read(record.value, record.headers),
        rejected=lambda reason: metrics.bad_registry_records.labels(reason).inc(),
    )
    registries = PublishedRegistries(book, topic)
    following = asyncio.ensure_future(topic.run())
    process.spawn(_ended(following), stop=following.cancel, turn=_LAST)  # at once, Kafka or not
    health.add("registry", topic.ping)

    publisher = Publisher(settings.kafka, client_id="intake")
    process.on_close(publisher.stop)
    connected = Ready(publisher.start)
    process.on_close(connected.close)
    health.add("kafka", publisher.ping)

    dsn = settings.postgres_dsn.get_secret_value()
    pool = await connect_pool(dsn, size=settings.postgres_pool_size)
    process.on_close(pool.close)
    health.add("postgresql", lambda: pool.fetchval("select 1"))
    await migrate(dsn, package="dsr_intake", schema="intake")
    relay = OutboxRelay(pool, "intake", publisher)

    ledger = VerifierLedger(settings.verifier_url, token=settings.internal_token.get_secret_value())
    process.on_close(ledger.close)

    acceptance, reads = PostgresAcceptance(pool), PostgresReads(pool)
    dating, closing = Dating(public_holidays), PostgresClosing(pool)
    letters, codes, proofs = PostgresLetters(pool), PostgresCodes(pool), PostgresIdentity(pool)
    store, holds, events = (
        PostgresDecisions(pool),
        PostgresHolds(pool),
        Events(states=PostgresStateFeed(pool), ledger=ledger, metrics=metrics),
    )
    sending = _sending(
        settings,
        store=letters,
        reads=reads,
        wrapper=wrapper,
        gathering=Gathering(
            ledger=ledger,
            decisions=store,
            registry=registries,
            dating=dating,
            proving=CodeLetters(
                store=codes,
                key=lookup_key,
                lasts=timedelta(seconds=settings.identity_code_lasts_s),
                public_url=settings.public_url,
                clock=utc_now,
            ).proving,
        ),
        metrics=metrics,
        on_committed=relay.wake,
    )

    committed = _waking(relay, sending)
    identifying = Identifying(
        reads=reads,
        proofs=proofs,
        closing=closing,
        registry=registries,
        dating=dating,
        metrics=metrics,
        clock=utc_now,
        on_committed=committed,
    )
    decisions = Decisions(
        DecisionsParts(
            reads=reads,
            store=store,
            closing=closing,
            holds=holds,
            proposals=PostgresProposals(pool),
            registry=registries,
            dating=dating,
            metrics=metrics,
            lookup_key=lookup_key,
            clock=utc_now,
            on_committed=committed,
        )
    )
    await decisions.watch.refresh()
    drafter = Drafter(
        registry=registries,
        dating=dating,
        lookup_key=lookup_key,
        clock=utc_now,
        letters_are_sent=settings.smtp_url is not None,
        links_duplicates=settings.intake_links_duplicates,
        covering=decisions.watch.covering,
    )
    context = Context(
        appealing=Appealing(
            reads=reads,
            appeals=reads,
            decisions=store,
            drafter=drafter,
            acceptor=AppealAcceptor(
                store=acceptance, wrapper=wrapper, metrics=metrics, on_committed=committed
            ),
            registry=registries,
            dating=dating,
            metrics=metrics,
            clock=utc_now,
            on_committed=committed,
        ),
        decisions=decisions,
        authorising=Authorising(
            reads=reads,
            proofs=proofs,
            metrics=metrics,
            clock=utc_now,
            on_committed=committed,
        ),
        codes=Codes(
            store=codes,
            identifying=identifying,
            registry=registries,
            dating=dating,
            key=lookup_key,
            lasts=timedelta(seconds=settings.identity_code_lasts_s),
            are_sent=settings.smtp_url is not None,
            clock=utc_now,
            on_committed=committed,
        ),
        clients=ApiClients(PostgresApiClients(pool), clock=utc_now),
        dating=dating,
        explaining=Explaining(
            ledger=ledger,
            decisions=store,
            holds=holds,
            letters=letters,
            registry=registries,
            dating=dating,
            privacy_office=settings.privacy_office_mail or settings.mail_sender,
            clock=utc_now,
        ),
        identifying=identifying,
        registry=registries,
        drafter=drafter,
        single=InteractiveAcceptor(
            store=acceptance,
            wrapper=wrapper,
            metrics=metrics,
            on_committed=committed,
            waiting_limit=settings.intake_waiting_limit,
        ),
        batch=BatchAcceptor(
            store=acceptance, wrapper=wrapper, metrics=metrics, on_committed=committed
        ),
        reads=reads,
        ledger=ledger,
        events=events,
        sealing=Sealing(store=reads, wrapper=wrapper, registry=registries, metrics=metrics),
        letters=letters,
        sending=sending,
        metrics=metrics,
        internal_token=settings.internal_token.get_secret_value(),
    )
    closures = ClosureStream(
        answering=Answering(
            store=closing,
            deferring=Deferring(
                ledger=ledger,
                store=PostgresDeferral(pool),
                wrapper=wrapper,
                registry=registries,
                metrics=metrics,
            ),
            metrics=metrics,
            clock=utc_now,
            on_committed=committed,
        ),
        publisher=publisher,
        metrics=metrics,
        clock=utc_now,
    )
    loop = RecordLoop(
        settings.kafka, topics=(CLOSURES.name,), group_id=GROUP, handle=closures.handle
    )

    health.add("outbox", relay.ping)
    health.add("closures stream", loop.ping)

    # Requests are accepted while Kafka is away: what is told of them waits in the outbox.
    process.spawn(events.run(), stop=events.stop, turn=_EVENTS)
    process.spawn(connected.then(loop.run), stop=connected.stopping(loop.stop), turn=_LAST)
    process.spawn(connected.then(relay.run), stop=connected.stopping(relay.stop), turn=_LAST)
    process.spawn(sending.run(), stop=sending.stop, turn=_LAST)
    if settings.smtp_url is not None:
        _escalate(
            process,
            settings,
            connected=connected,
            registry=registries,
            publisher=publisher,
            metrics=metrics,
        )
    _look_after(
        process,
        acceptance,
        relay,
        metrics=metrics,
        holding=decisions.holding,
        left_behind=LeftBehind(
            store=PostgresLeftBehind(pool),
            registry=registries,
            dating=dating,
            metrics=metrics,
            clock=utc_now,
            on_committed=committed,
        ),
    )
    _follow_up(
        process,
        FollowingUp(
            store=PostgresDeferral(pool),
            registry=registries,
            dating=dating,
            metrics=metrics,
            clock=utc_now,
            on_committed=relay.wake,
        ),
    )
    server.serve(create_app(context, health=health, metrics=registry))


def _sending(
    settings: Settings,
    *,
    store: PostgresLetters,
    reads: PostgresReads,
    wrapper: FileKeyWrapper,
    gathering: Gathering,
    metrics: Metrics,
    on_committed: Callable[[], object],
) -> Sending:
    """Return what sends letters; without a mail server it gives up what waits from before."""
    sender = settings.mail_sender
    return Sending(
        store=store,
        reads=reads,
        wrapper=wrapper,
        gathering=gathering,
        stationery=Stationery(),
        mailer=None if settings.smtp_url is None else _mailer(settings),
        posting=Posting(
            sender=sender, give_up_after=timedelta(seconds=settings.letters_give_up_after_s)
        ),
        metrics=metrics,
        clock=utc_now,
        on_committed=on_committed,
        lease=timedelta(seconds=settings.letters_lease_s),
    )


def _escalate(
    process: Process,
    settings: Settings,
    *,
    connected: Ready,
    registry: PublishedRegistries,
    publisher: Publisher,
    metrics: Metrics,
) -> None:
    """Have teams told by mail as legal dates come near, once Kafka is there."""
    stream = EscalationStream(
        escalating=Escalating(
            registry=registry,
            mailer=_mailer(settings),
            sender=settings.mail_sender,
            privacy_office=settings.privacy_office_mail or settings.mail_sender,
            clock=utc_now,
        ),
        publisher=publisher,
        metrics=metrics,
        clock=utc_now,
    )
    loop = RecordLoop(
        settings.kafka,
        topics=(ESCALATIONS.name,),
        group_id=ESCALATIONS_GROUP,
        handle=stream.handle,
        max_records=20,
    )
    process.spawn(connected.then(loop.run), stop=connected.stopping(loop.stop), turn=_LAST)


def _mailer(settings: Settings) -> SmtpMailer:
    if settings.smtp_url is None:
        raise RuntimeError("nobody is told by mail where no mail server is configured")
    return SmtpMailer(settings.smtp_url.get_secret_value(), sender=settings.mail_sender)


def _waking(relay: OutboxRelay, sending: Sending) -> Callable[[], None]:
    """Return what is called when records or letters have been written."""

    def committed() -> None:
        relay.wake()
        sending.wake()

    return committed


def _look_after(
    process: Process,
    acceptance: PostgresAcceptance,
    relay: OutboxRelay,
    *,
    metrics: Metrics,
    holding: Holding,
    left_behind: LeftBehind,
) -> None:
    repeat(process, _FORGET_EVERY_S, lambda: _forget_keys(acceptance), turn=_LAST)
    repeat(
        process,
        _HOLDS_EVERY_S,
        lambda: _tried(holding.work(), else_say="what holds ask for is done later"),
        turn=_LAST,
    )
    repeat(
        process,
        _LEFT_BEHIND_EVERY_S,
        lambda: _tried(left_behind.work(), else_say="duplicates left behind go on later"),
        turn=_LAST,
    )
    repeat(process, _MEASURE_EVERY_S, lambda: _measure(relay, metrics), turn=_LAST)


async def _ended(task: asyncio.Future[None]) -> None:
    with suppress(asyncio.CancelledError):
        await task


async def _forget_keys(store: PostgresAcceptance) -> None:
    try:
        count = await store.forget_keys(before=utc_now() - KEYS_KEPT)
    except (Unavailable, asyncpg.PostgresError) as error:
        log.warning("idempotency keys are forgotten later", error=type(error).__name__)
    else:
        log.info("idempotency keys forgotten", count=count)


async def _tried(work: Awaitable[object], *, else_say: str) -> None:
    try:
        await work
    except (Unavailable, asyncpg.PostgresError) as error:
        log.warning(else_say, error=type(error).__name__)


def _follow_up(process: Process, follow_ups: FollowingUp) -> None:
    async def open_due() -> None:
        try:
            count = await follow_ups.open_due()
        except Unavailable as error:
            log.warning("what is due for review is opened later", error=str(error))
        else:
            if count:
                log.info("requests opened that follow from exemptions", count=count)

    repeat(process, _FOLLOW_UP_EVERY_S, open_due, turn=_LAST)


async def _measure(relay: OutboxRelay, metrics: Metrics) -> None:
    try:
        waiting = await relay.backlog()
    except Unavailable as error:
        log.warning("the outbox is measured later", error=str(error))
    else:
        metrics.outbox_records.set(waiting.records)
        metrics.outbox_age.set(waiting.age_s)
