"""Intake's application, on the adapters that stand behind its ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import SystemRandom

from dsr_intake.adapters.acceptance import PostgresAcceptance
from dsr_intake.adapters.audit import PostgresAudit
from dsr_intake.adapters.breaker import PostgresBreaker
from dsr_intake.adapters.breaker_refusals import PostgresBreakerRefusals
from dsr_intake.adapters.clients import PostgresApiClients
from dsr_intake.adapters.closing import PostgresClosing
from dsr_intake.adapters.codes import PostgresCodes
from dsr_intake.adapters.decisions import PostgresDecisions
from dsr_intake.adapters.deferral import PostgresDeferral
from dsr_intake.adapters.hash_store import PostgresHashes
from dsr_intake.adapters.holds import PostgresHolds
from dsr_intake.adapters.identity import PostgresIdentity
from dsr_intake.adapters.key_store import PostgresKeys
from dsr_intake.adapters.left_behind import PostgresLeftBehind
from dsr_intake.adapters.letters import PostgresLetters
from dsr_intake.adapters.links import PostgresLinks
from dsr_intake.adapters.proposals import PostgresProposals
from dsr_intake.adapters.reading import PostgresReads, PostgresStateFeed
from dsr_intake.adapters.receipts import PostgresReceipts
from dsr_intake.adapters.suppressions import PostgresSuppressions
from dsr_intake.adapters.undecided import PostgresUndecided
from dsr_intake.application.accepting import AppealAcceptor, BatchAcceptor, InteractiveAcceptor
from dsr_intake.application.answering import Answering
from dsr_intake.application.appealing import Appealing
from dsr_intake.application.authorising import Authorising
from dsr_intake.application.breaking import Breaker, BreakerPolicy
from dsr_intake.application.bringing_forward import BringingForward
from dsr_intake.application.clients import ApiClients
from dsr_intake.application.clock import utc_now
from dsr_intake.application.codes import CodeLetters, Codes
from dsr_intake.application.dating import Dating
from dsr_intake.application.deciding import Deciding
from dsr_intake.application.decisions import Decisions, DecisionsParts
from dsr_intake.application.deferring import Deferring
from dsr_intake.application.discretion import Discretion
from dsr_intake.application.drafting import Drafter
from dsr_intake.application.events import Events
from dsr_intake.application.explaining import Explaining
from dsr_intake.application.extending import Extending
from dsr_intake.application.followers import Followers
from dsr_intake.application.following import FollowingUp
from dsr_intake.application.identifying import Identifying
from dsr_intake.application.keeping import Keeping
from dsr_intake.application.left_behind import LeftBehind
from dsr_intake.application.letters.contents import Gathering
from dsr_intake.application.letters.sending import Posting, Sending
from dsr_intake.application.letters.writing import Stationery
from dsr_intake.application.limiting import Limiter
from dsr_intake.application.packages.wanting import Wanting
from dsr_intake.application.receipts import Receipts
from dsr_intake.application.refusing import Refusing
from dsr_intake.application.rehashing import Rehashing
from dsr_intake.application.sampling import Sampling, SamplingPolicy
from dsr_intake.application.sealing import Sealing
from dsr_intake.application.suppressing import Suppressing
from dsr_intake.application.undecided import Undecided
from dsr_intake.bootstrap.console import console
from dsr_intake.bootstrap.linking import link_taking, reaching
from dsr_intake.bootstrap.outside import Outside, mailer
from dsr_intake.bootstrap.packages import Packages, packages
from dsr_intake.bootstrap.webhooks import webhooks
from dsr_intake.http.context import Context
from dsr_intake.http.doors import Doors
from dsr_intake.model.principals import Limits
from dsr_runtime.holidays import public_holidays

__all__ = ["Application", "application"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stores:
    """What is kept in the database."""

    acceptance: PostgresAcceptance
    reads: PostgresReads
    closing: PostgresClosing
    letters: PostgresLetters
    codes: PostgresCodes
    proofs: PostgresIdentity
    decisions: PostgresDecisions
    holds: PostgresHolds
    breaker: PostgresBreaker
    deferral: PostgresDeferral


@dataclass(frozen=True, slots=True)
class _Basis:
    """What nearly all of it is made of."""

    outside: Outside
    stores: _Stores
    dating: Dating
    committed: Callable[[], None]
    """Called when records or letters have been written."""

    packages: Packages | None
    """None where packages are kept nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What drives it: the routes by `context`, closures, and what is done now and then."""

    context: Context
    acceptance: PostgresAcceptance
    answering: Answering
    following_up: FollowingUp
    left_behind: LeftBehind
    undecided: Undecided
    receipts: Receipts
    packages: Packages | None
    """None where packages are kept nowhere."""


async def application(outside: Outside) -> Application:
    """Build it; returns when it knows who is held, and how many erasures are usual."""
    pool = outside.pool
    stores = _Stores(
        acceptance=PostgresAcceptance(pool),
        reads=PostgresReads(pool),
        closing=PostgresClosing(pool),
        letters=PostgresLetters(pool),
        codes=PostgresCodes(pool),
        proofs=PostgresIdentity(pool),
        decisions=PostgresDecisions(pool),
        holds=PostgresHolds(pool),
        breaker=PostgresBreaker(pool),
        deferral=PostgresDeferral(pool),
    )
    dating = Dating(public_holidays)
    to_wake: list[Callable[[], object]] = [outside.relay.wake]

    def committed() -> None:
        for wake in to_wake:
            wake()

    made = packages(outside, Stationery(), committed)
    basis = _Basis(outside, stores, dating, committed, made)
    decisions = Decisions(
        DecisionsParts(
            reads=stores.reads,
            store=stores.decisions,
            closing=stores.closing,
            holds=stores.holds,
            proposals=PostgresProposals(pool),
            registry=outside.registries,
            dating=dating,
            metrics=outside.metrics,
            lookup=outside.lookup,
            clock=utc_now,
            on_committed=committed,
        )
    )
    sending = _sending(basis, decisions.extending)
    to_wake.append(sending.wake)
    await decisions.watch.refresh()
    breaker = _breaker(outside, stores)
    await breaker.learn()
    return Application(
        context=_context(basis, decisions, breaker, sending),
        acceptance=stores.acceptance,
        answering=_answering(basis),
        packages=made,
        following_up=FollowingUp(
            store=stores.deferral,
            registry=outside.registries,
            dating=dating,
            metrics=outside.metrics,
            clock=utc_now,
            on_committed=outside.relay.wake,
        ),
        left_behind=LeftBehind(
            store=PostgresLeftBehind(pool),
            forward=BringingForward(deciding=decisions.deciding, dating=dating),
            registry=outside.registries,
            dating=dating,
            metrics=outside.metrics,
            clock=utc_now,
            on_committed=committed,
        ),
        undecided=Undecided(
            store=PostgresUndecided(pool),
            registry=outside.registries,
            dating=dating,
            metrics=outside.metrics,
            clock=utc_now,
            on_committed=outside.relay.wake,
        ),
        receipts=Receipts(
            store=PostgresReceipts(pool),
            registry=outside.registries,
            dating=dating,
            metrics=outside.metrics,
            clock=utc_now,
        ),
    )


def _context(basis: _Basis, decisions: Decisions, breaker: Breaker, sending: Sending) -> Context:
    outside, stores, dating = basis.outside, basis.stores, basis.dating
    settings = outside.settings
    drafter = Drafter(
        registry=outside.registries,
        dating=dating,
        lookup=outside.lookup,
        clock=utc_now,
        letters_are_sent=settings.smtp_url is not None,
        links_duplicates=settings.intake_links_duplicates,
        covering=decisions.watch.covering,
        suppression_key=next(iter(outside.suppression_keys), None),
    )
    clients = ApiClients(PostgresApiClients(outside.pool), clock=utc_now)
    identifying = Identifying(
        reads=stores.reads,
        proofs=stores.proofs,
        closing=stores.closing,
        registry=outside.registries,
        dating=dating,
        metrics=outside.metrics,
        clock=utc_now,
        on_committed=basis.committed,
    )
    return Context(
        appealing=_appealing(basis, decisions.deciding, drafter),
        breaker=breaker,
        refusing=Refusing(
            store=PostgresBreakerRefusals(outside.pool),
            stopping=decisions.stopping,
            clock=utc_now,
        ),
        decisions=decisions,
        discretion=Discretion(store=stores.letters, wrapper=outside.wrapper),
        authorising=Authorising(
            reads=stores.reads,
            proofs=stores.proofs,
            identifying=identifying,
            registry=outside.registries,
            dating=dating,
            metrics=outside.metrics,
            clock=utc_now,
            on_committed=basis.committed,
        ),
        codes=Codes(
            store=stores.codes,
            identifying=identifying,
            registry=outside.registries,
            dating=dating,
            keys=outside.lookup.all,
            lasts=timedelta(seconds=settings.identity_code_lasts_s),
            are_sent=settings.smtp_url is not None,
            clock=utc_now,
            on_committed=basis.committed,
        ),
        clients=clients,
        doors=_doors(outside, clients),
        audit=PostgresAudit(outside.pool),
        dating=dating,
        explaining=Explaining(
            ledger=outside.ledger,
            decisions=stores.decisions,
            holds=stores.holds,
            breaker=stores.breaker,
            letters=stores.letters,
            proposals=PostgresProposals(outside.pool),
            links=PostgresLinks(outside.pool),
            reads=stores.reads,
            registry=outside.registries,
            dating=dating,
            privacy_office=settings.privacy_office_mail or settings.mail_sender,
            clock=utc_now,
        ),
        followers=Followers(reads=stores.reads, ledger=outside.ledger),
        identifying=identifying,
        keeping=Keeping(
            ring=outside.wrapper,
            wrapper=outside.wrapper,
            store=PostgresKeys(outside.pool),
            metrics=outside.metrics,
        ),
        registry=outside.registries,
        rehashing=Rehashing(
            lookup=outside.lookup,
            wrapper=outside.wrapper,
            store=PostgresHashes(outside.pool),
            clock=utc_now,
        ),
        drafter=drafter,
        single=InteractiveAcceptor(
            store=stores.acceptance,
            wrapper=outside.wrapper,
            metrics=outside.metrics,
            on_committed=basis.committed,
            waiting_limit=settings.intake_waiting_limit,
        ),
        batch=BatchAcceptor(
            store=stores.acceptance,
            wrapper=outside.wrapper,
            metrics=outside.metrics,
            on_committed=basis.committed,
        ),
        room=outside.room,
        reads=stores.reads,
        ledger=outside.ledger,
        events=Events(
            states=PostgresStateFeed(outside.pool), ledger=outside.ledger, metrics=outside.metrics
        ),
        sealing=Sealing(
            store=stores.reads,
            wrapper=outside.wrapper,
            registry=outside.registries,
            breaker=breaker,
            packages=basis.packages.keys if basis.packages else None,
            reaching=reaching(outside),
            metrics=outside.metrics,
        ),
        linking=link_taking(outside, decisions.deciding),
        links=PostgresLinks(outside.pool),
        letters=stores.letters,
        packages=basis.packages.door if basis.packages else None,
        console=console(outside, stores.reads, breaker, clients) if settings.console else None,
        sending=sending,
        suppressing=Suppressing(
            store=PostgresSuppressions(outside.pool),
            keys=outside.suppression_keys,
            clock=utc_now,
        ),
        webhooks=webhooks(outside),
        metrics=outside.metrics,
    )


def _doors(outside: Outside, clients: ApiClients) -> Doors:
    settings = outside.settings
    standard = Limits(settings.client_calls_per_s, settings.client_calls_at_once)
    return Doors(
        clients=clients,
        tokens=outside.tokens,
        internal_token=settings.internal_token.get_secret_value(),
        limiter=Limiter(standard),
    )


def _breaker(outside: Outside, stores: _Stores) -> Breaker:
    settings = outside.settings
    policy = BreakerPolicy(
        floor=settings.breaker_floor,
        factor=settings.breaker_factor,
        window=timedelta(seconds=settings.breaker_window_s),
        limits=settings.breaker_limits,
        day_floor=settings.breaker_day_floor,
        day_limits=settings.breaker_day_limits,
    )
    return Breaker(stores.breaker, policy=policy, metrics=outside.metrics, clock=utc_now)


def _appealing(basis: _Basis, deciding: Deciding, drafter: Drafter) -> Appealing:
    outside, stores = basis.outside, basis.stores
    return Appealing(
        reads=stores.reads,
        appeals=stores.reads,
        decisions=stores.decisions,
        deciding=deciding,
        drafter=drafter,
        acceptor=AppealAcceptor(
            store=stores.acceptance,
            wrapper=outside.wrapper,
            metrics=outside.metrics,
            on_committed=basis.committed,
        ),
        registry=outside.registries,
        dating=basis.dating,
        clock=utc_now,
    )


def _answering(basis: _Basis) -> Answering:
    outside = basis.outside

    def waiting() -> None:
        basis.committed()
        if basis.packages is not None:
            basis.packages.wake()

    return Answering(
        store=basis.stores.closing,
        deferring=Deferring(
            ledger=outside.ledger,
            store=basis.stores.deferral,
            wrapper=outside.wrapper,
            registry=outside.registries,
            sampling=_sampling(outside),
            metrics=outside.metrics,
        ),
        wanting=_wanting(basis),
        metrics=outside.metrics,
        clock=utc_now,
        on_committed=outside.relay.wake,
        on_waiting=waiting,
    )


def _wanting(basis: _Basis) -> Wanting | None:
    return Wanting(basis.outside.ledger, basis.packages.store) if basis.packages else None


def _sampling(outside: Outside) -> Sampling:
    settings = outside.settings
    policy = SamplingPolicy(
        settings.verify_later_share,
        earliest=timedelta(seconds=settings.verify_later_earliest_s),
        latest=timedelta(seconds=settings.verify_later_latest_s),
    )
    return Sampling(policy=policy, draw=SystemRandom().random, registry=outside.registries)


def _sending(basis: _Basis, extending: Extending) -> Sending:
    """Return what sends letters; without a mail server it gives up what waits from before."""
    outside, stores, dating = basis.outside, basis.stores, basis.dating
    settings, links = outside.settings, basis.packages.links if basis.packages else None
    proving = CodeLetters(
        store=stores.codes,
        key=outside.lookup.current,
        lasts=timedelta(seconds=settings.identity_code_lasts_s),
        public_url=settings.public_url,
        clock=utc_now,
    ).proving
    return Sending(
        store=stores.letters,
        reads=stores.reads,
        wrapper=outside.wrapper,
        gathering=Gathering(
            ledger=outside.ledger,
            decisions=stores.decisions,
            registry=outside.registries,
            dating=dating,
            proving=proving,
            fetching=links.proving if links else None,
        ),
        stationery=Stationery(),
        mailer=None if settings.smtp_url is None else mailer(settings),
        posting=Posting(
            sender=settings.mail_sender,
            give_up_after=timedelta(seconds=settings.letters_give_up_after_s),
        ),
        metrics=outside.metrics,
        clock=utc_now,
        on_committed=outside.relay.wake,
        lease=timedelta(seconds=settings.letters_lease_s),
        extending=extending,
        contact=links.contact if links else None,
    )
