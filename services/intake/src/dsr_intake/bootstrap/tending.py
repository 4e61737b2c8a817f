"""What intake does without being called: it reads topics, and looks after its database now and then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import structlog

from dsr_core.errors import Unavailable
from dsr_intake.adapters.acceptance import PostgresAcceptance
from dsr_intake.adapters.standing import PostgresStanding
from dsr_intake.application.clock import utc_now
from dsr_intake.application.following import FollowingUp
from dsr_intake.application.letters.escalating import Escalating
from dsr_intake.application.measuring import Measuring
from dsr_intake.bootstrap.application import Application
from dsr_intake.bootstrap.outside import LAST, Outside, mailer
from dsr_intake.metrics import Metrics
from dsr_intake.model import LetterKind, LettersStanding
from dsr_intake.ports import LetterStore
from dsr_intake.repeating import Repeating, repeat, tried
from dsr_intake.streams.closures import GROUP, ClosureStream
from dsr_intake.streams.escalations import GROUP as ESCALATIONS_GROUP
from dsr_intake.streams.escalations import EscalationStream
from dsr_intake.streams.links import GROUP as LINKS_GROUP
from dsr_runtime.kafka import RecordLoop
from dsr_runtime.lag import Lag
from dsr_runtime.process import Process
from dsr_runtime.seldom import Seldom
from dsr_wire.topics import CLOSURES, ESCALATIONS, LINKS

__all__ = ["closures", "escalations", "look_after", "told_of_suppressions"]

log = structlog.get_logger(__name__)

KEYS_KEPT = timedelta(days=7)
"""How long an idempotency key stands for its request, at least."""

_FORGET_EVERY_S = 3600.0

_MEASURE_EVERY_S = 10.0

_LEARN_EVERY_S = 600.0

_OUTBOX_EVERY_S = 2.0

_HOLDS_EVERY_S = 2.0
"""How soon a replica hears of a hold that another one took."""

_FOLLOW_UP_EVERY_S = 10.0

_LEFT_BEHIND_EVERY_S = 2.0
"""How soon an earlier date that comes in later holds for what is answered with it."""


_REFUSE_EVERY_S = 5.0

_RING_EVERY_S = 20.0
"""How soon a replica hears of a key that another one made; `adapters.ring.SETTLED` relies on it."""

_CLEAN_EVERY_S = 60.0
"""How long the rows of destroyed keys stay, at most, where nothing holds them up (docs/keys.md)."""
_UNDECIDED_EVERY_S = 5.0

_EXPIRE_EVERY_S = 30.0

_RELEASE_EVERY_S = 5.0

_SUPPRESSIONS_EVERY_S = 1.0


def closures(outside: Outside, built: Application) -> RecordLoop:
    """Return what reads closures."""
    stream = ClosureStream(
        answering=built.answering,
        publisher=outside.publisher,
        metrics=outside.metrics,
        clock=utc_now,
    )
    return RecordLoop(
        outside.settings.kafka, topics=(CLOSURES.name,), group_id=GROUP, handle=stream.handle
    )


def told_of_suppressions(outside: Outside, built: Application) -> Repeating:
    """Return what tells Kafka of the suppression list."""
    suppressing = built.context.suppressing
    return Repeating(
        _SUPPRESSIONS_EVERY_S,
        lambda: tried(
            lambda: suppressing.tell(outside.publisher.publish),
            else_say="the suppression list is told of later",
        ),
    )


def escalations(outside: Outside) -> RecordLoop:
    """Return what has teams told by mail as legal dates come near."""
    settings = outside.settings
    stream = EscalationStream(
        escalating=Escalating(
            registry=outside.registries,
            mailer=mailer(settings),
            sender=settings.mail_sender,
            privacy_office=settings.privacy_office_mail or settings.mail_sender,
            clock=utc_now,
        ),
        publisher=outside.publisher,
        metrics=outside.metrics,
        clock=utc_now,
    )
    return RecordLoop(
        settings.kafka,
        topics=(ESCALATIONS.name,),
        group_id=ESCALATIONS_GROUP,
        handle=stream.handle,
        max_records=20,
    )


def look_after(process: Process, outside: Outside, built: Application) -> None:
    """Do now and then what nobody calls for."""
    _watch_lag(process, outside)
    holding, breaker = built.context.decisions.holding, built.context.breaker
    repeat(process, _FORGET_EVERY_S, lambda: _forget_keys(built.acceptance), turn=LAST)
    _tend(
        process,
        _FORGET_EVERY_S,
        built.context.webhooks.forget,
        else_say="webhooks are forgotten later",
    )
    _tend(process, _HOLDS_EVERY_S, holding.work, else_say="what holds ask for is done later")
    _tend(
        process,
        _LEFT_BEHIND_EVERY_S,
        built.left_behind.work,
        else_say="duplicates left behind go on later",
    )
    _tend(process, _LEARN_EVERY_S, breaker.learn, else_say="what is usual is learnt later")
    _tend(process, _MEASURE_EVERY_S, breaker.scopes, else_say="the breaker is looked at later")
    refusing = built.context.refusing
    _tend(process, _REFUSE_EVERY_S, refusing.work, else_say="what waits is refused later")
    keeping = built.context.keeping
    _tend(process, _RING_EVERY_S, keeping.look, else_say="the key ring is read later")
    _tend(
        process, _CLEAN_EVERY_S, keeping.clean, else_say="rows of destroyed keys are dropped later"
    )
    repeat(process, _OUTBOX_EVERY_S, lambda: _measure(outside), turn=LAST)
    _tend(
        process,
        _UNDECIDED_EVERY_S,
        built.undecided.work,
        else_say="undecided appeals are told of later",
    )
    standing = Measuring(PostgresStanding(outside.pool), outside.metrics, utc_now)
    _count(process, standing.measure, else_say="what is open is counted later")
    _count(process, built.receipts.measure, else_say="receipts are counted later")
    if built.packages is not None:
        expiring = built.packages.expiring
        _tend(
            process,
            _EXPIRE_EVERY_S,
            expiring.work,
            else_say="packages that are over are destroyed later",
        )
        _tend(
            process,
            _RELEASE_EVERY_S,
            built.packages.look_after,
            else_say="what is there past the legal date is handed over later",
        )
        _tend(process, _MEASURE_EVERY_S, expiring.standing, else_say="packages are measured later")
        handing, *_ = built.packages.handers
        _tend(process, _RELEASE_EVERY_S, handing.end, else_say="hand-overs are ended later")
        _tend(process, _FORGET_EVERY_S, handing.forget, else_say="hand-overs are forgotten later")
    letters = built.context.letters
    repeat(process, _MEASURE_EVERY_S, lambda: _count_letters(letters, outside.metrics), turn=LAST)
    repeat(process, _FOLLOW_UP_EVERY_S, lambda: _follow_up(built.following_up), turn=LAST)


def _watch_lag(process: Process, outside: Outside) -> None:
    settings, metrics = outside.settings, outside.metrics
    groups = {CLOSURES.name: GROUP, LINKS.name: LINKS_GROUP}
    if settings.smtp_url is not None:
        groups[ESCALATIONS.name] = ESCALATIONS_GROUP
    lag = Lag(
        settings.kafka,
        groups,
        show=lambda topic, unread: metrics.consumer_lag.labels(topic).set(unread),
    )
    process.spawn(lag.run(), stop=lag.stop, turn=LAST)


async def _forget_keys(store: PostgresAcceptance) -> None:
    try:
        count = await store.forget_keys(before=utc_now() - KEYS_KEPT)
    except (Unavailable, asyncpg.PostgresError) as error:
        log.warning("idempotency keys are forgotten later", error=type(error).__name__)
    else:
        log.info("idempotency keys forgotten", count=count)


def _tend(
    process: Process, every_s: float, work: Callable[[], Awaitable[object]], *, else_say: str
) -> None:
    """Do something now and then; that a part is away is logged, and ends nothing."""
    repeat(process, every_s, lambda: tried(work, else_say=else_say), turn=LAST)


def _count(process: Process, work: Callable[[], Awaitable[None]], *, else_say: str) -> None:
    """Count what grows, the more seldom the longer it takes."""
    counting = Seldom(work, every_s=_MEASURE_EVERY_S, else_say=else_say)
    process.spawn(counting.run(), stop=counting.stop, turn=LAST)


async def _follow_up(follow_ups: FollowingUp) -> None:
    try:
        count = await follow_ups.open_due()
    except Unavailable as error:
        log.warning("what is due for review is opened later", error=str(error))
    else:
        if count:
            log.info("requests opened that follow from exemptions", count=count)


async def _measure(outside: Outside) -> None:
    try:
        waiting = await outside.relay.backlog()
    except Unavailable as error:
        log.warning("the outbox is measured later", error=str(error))
    else:
        outside.room.learn(waiting.records)
        outside.metrics.outbox_records.set(waiting.records)
        outside.metrics.outbox_age.set(waiting.age_s)


async def _count_letters(letters: LetterStore, metrics: Metrics) -> None:
    try:
        found = {one.kind: one for one in await letters.standing()}
    except Unavailable as error:
        log.warning("letters are counted later", error=str(error))
        return
    now = utc_now()
    for kind in LetterKind:
        one = found.get(kind, LettersStanding(kind, 0, None, 0))
        age = max((now - one.oldest).total_seconds(), 0.0) if one.oldest else 0.0
        metrics.letters_waiting.labels(kind).set(one.waiting)
        metrics.letters_age.labels(kind).set(age)
        metrics.letters_given_up.labels(kind).set(one.given_up)
