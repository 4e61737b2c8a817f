"""What intake works with outside itself: its database, Kafka, the verifier, keys and the registry."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import httpx
from prometheus_client import CollectorRegistry

from dsr_intake.adapters.jwks import KeySet, KeySource
from dsr_intake.adapters.keys import HeldRing
from dsr_intake.adapters.object_store import Objects
from dsr_intake.adapters.oidc import Claims, OidcTokens
from dsr_intake.adapters.registry import PublishedRegistries
from dsr_intake.adapters.smtp import SmtpMailer
from dsr_intake.adapters.verifier import VerifierLedger
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.application.room import Room
from dsr_intake.bootstrap.keys import Keys, ring
from dsr_intake.metrics import Metrics
from dsr_intake.model.principals import PrincipalKind
from dsr_intake.repeating import repeat
from dsr_intake.settings import Settings
from dsr_runtime.compacted import CompactedTopic
from dsr_runtime.health import Health
from dsr_runtime.http.app import HttpServer, starting_app
from dsr_runtime.kafka import Publisher
from dsr_runtime.migrations import migrate_at_start, newest_version
from dsr_runtime.outbox import OutboxRelay
from dsr_runtime.postgres import connect_pool
from dsr_runtime.process import Process, Ready
from dsr_wire.registry_book import RegistryBook
from dsr_wire.suppression import SuppressionKey
from dsr_wire.topics import REGISTRY

__all__ = [
    "EVENTS",
    "LAST",
    "SERVER",
    "Outside",
    "Probed",
    "connect",
    "mailer",
    "probed",
]

_KEYS_EVERY_S = 300.0
"""How soon it is seen that an identity provider has taken a key back."""

EVENTS, SERVER, LAST = 0, 1, 2
"""The turns to stop: streams of events end, then calls, then what calls have left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What answers from the first moment: the probes and the metrics."""

    collectors: CollectorRegistry
    metrics: Metrics
    health: Health
    server: HttpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Everything outside, connected or on its way."""

    settings: Settings
    metrics: Metrics
    lookup: LookupKeys
    suppression_keys: tuple[SuppressionKey, ...]
    webhook_key: bytes | None
    package_key: bytes | None
    wrapper: HeldRing
    registries: PublishedRegistries
    publisher: Publisher
    connected: Ready
    """Whether Kafka is there yet."""

    pool: asyncpg.Pool[asyncpg.Record]
    relay: OutboxRelay
    room: Room
    """Whether the outbox takes on more."""

    ledger: VerifierLedger
    tokens: OidcTokens | None
    """Of the identity provider, where there is one."""


def probed(process: Process, settings: Settings) -> Probed:
    """Serve the probes."""
    collectors, health = CollectorRegistry(), Health(schema=newest_version("dsr_intake"))
    health.expect("postgresql", "outbox", "closures stream")
    if settings.smtp_url is not None:
        health.watch("mail server", mailer(settings).look)
    server = HttpServer(
        starting_app(health=health, metrics=collectors),
        host=settings.http_host,
        port=settings.http_port,
    )
    process.spawn(server.run(), stop=server.stop, turn=SERVER)
    return Probed(collectors=collectors, metrics=Metrics(collectors), health=health, server=server)


async def connect(process: Process, settings: Settings, keys: Keys, probes: Probed) -> Outside:
    """Return when the database is there and of the newest version; nobody waits for Kafka."""
    health, metrics = probes.health, probes.metrics
    book = RegistryBook()
    topic = CompactedTopic(
        settings.kafka,
        REGISTRY.name,
        lambda record: book.read(record.value, record.headers),
        rejected=lambda reason: metrics.bad_registry_records.labels(reason).inc(),
    )
    following = asyncio.ensure_future(topic.run())
    process.spawn(_ended(following), stop=following.cancel, turn=LAST)  # at once, Kafka or not
    health.add("registry", topic.ping)

    publisher = Publisher(settings.kafka, client_id="intake")
    process.on_close(publisher.stop)
    connected = Ready(publisher.start)
    process.on_close(connected.close)
    health.add("kafka", publisher.ping)

    dsn = settings.postgres_dsn.get_secret_value()
    pool = await connect_pool(dsn, size=settings.postgres_pool_size)
    process.on_close(pool.close)
    metrics.pool.show(pool)
    health.add("postgresql", lambda: pool.fetchval("select 1"))
    await migrate_at_start(settings, pool, package="dsr_intake", schema="intake")

    ledger = VerifierLedger(settings.verifier_url, token=settings.internal_token.get_secret_value())
    process.on_close(ledger.close)
    health.watch("verifier", ledger.look)
    wrapper = await ring(process, settings, keys, pool)
    health.watch("keys", wrapper.look)
    if settings.package_store_url is not None:
        health.watch("object store", Objects(settings.package_store_url).look)
    return Outside(
        settings=settings,
        metrics=metrics,
        lookup=keys.lookup,
        suppression_keys=keys.suppression,
        webhook_key=keys.webhook,
        package_key=keys.package,
        wrapper=wrapper,
        registries=PublishedRegistries(book, topic),
        publisher=publisher,
        connected=connected,
        pool=pool,
        relay=OutboxRelay(pool, "intake", publisher),
        room=Room(limit=settings.intake_outbox_limit),
        ledger=ledger,
        tokens=tokens_of(process, settings),
    )


def tokens_of(process: Process, settings: Settings) -> OidcTokens | None:
    """Return what checks bearer tokens, its keys read again now and then; none without a provider."""
    issuer = settings.oidc_issuer
    if issuer is None:
        return None
    http = httpx.AsyncClient(follow_redirects=False, trust_env=False)
    process.on_close(http.aclose)
    source = KeySource(issuer=issuer, url=settings.oidc_jwks_url, http=http)
    published = KeySet(source, algorithms=settings.oidc_algorithms)
    repeat(process, _KEYS_EVERY_S, published.refresh, turn=SERVER)
    return OidcTokens(
        published,
        issuer=issuer,
        audience=settings.oidc_audience,
        algorithms=settings.oidc_algorithms,
        leeway_s=settings.oidc_leeway_s,
        claims=Claims(
            subject=settings.oidc_subject_claim,
            role=settings.oidc_role_claim,
            roles={name: PrincipalKind(role) for name, role in settings.oidc_roles.items()},
            scopes=settings.oidc_scope_claim,
            jurisdictions=settings.oidc_jurisdictions_claim,
        ),
    )


def mailer(settings: Settings) -> SmtpMailer:
    """Return what sends mail; only where a mail server is configured."""
    if settings.smtp_url is None:
        raise RuntimeError("nobody is told by mail where no mail server is configured")
    return SmtpMailer(settings.smtp_url.get_secret_value(), sender=settings.mail_sender)


async def _ended(task: asyncio.Future[None]) -> None:
    with suppress(asyncio.CancelledError):
        await task
