"""What the routes work with: made by `bootstrap`, handed to each group of routes."""

from __future__ import annotations

from dataclasses import dataclass

from dsr_intake.application.accepting import BatchAcceptor, InteractiveAcceptor
from dsr_intake.application.appealing import Appealing
from dsr_intake.application.authorising import Authorising
from dsr_intake.application.breaking import Breaker
from dsr_intake.application.clients import ApiClients
from dsr_intake.application.codes import Codes
from dsr_intake.application.console.looking import Looking
from dsr_intake.application.console.sessions import Sessions
from dsr_intake.application.dating import Dating
from dsr_intake.application.decisions import Decisions
from dsr_intake.application.discretion import Discretion
from dsr_intake.application.drafting import Drafter
from dsr_intake.application.events import Events
from dsr_intake.application.explaining import Explaining
from dsr_intake.application.followers import Followers
from dsr_intake.application.identifying import Identifying
from dsr_intake.application.keeping import Keeping
from dsr_intake.application.letters.sending import Sending
from dsr_intake.application.linking import LinkTaking
from dsr_intake.application.packages.copies import Copies
from dsr_intake.application.packages.fetching import Fetching
from dsr_intake.application.packages.links import Links
from dsr_intake.application.packages.releasing import Releasing
from dsr_intake.application.packages.signing import ManifestSigner
from dsr_intake.application.packages.words import Words
from dsr_intake.application.refusing import Refusing
from dsr_intake.application.rehashing import Rehashing
from dsr_intake.application.room import Room
from dsr_intake.application.sealing import Sealing
from dsr_intake.application.suppressing import Suppressing
from dsr_intake.application.webhooks import Webhooks
from dsr_intake.http.doors import Doors
from dsr_intake.metrics import Metrics
from dsr_intake.ports import (
    AuditStore,
    Ledger,
    LetterStore,
    PackageStore,
    ReadStore,
    RegistryView,
)
from dsr_intake.ports.hand_overs import HandOverStore
from dsr_intake.ports.links import LinkStore

__all__ = ["ConsoleDoor", "Context", "PackageDoor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageDoor:
    """How packages for access are handed over."""

    links: Links
    fetching: Fetching
    hand_overs: HandOverStore
    releasing: Releasing
    copies: Copies
    store: PackageStore
    words: Words
    signer: ManifestSigner


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleDoor:
    """The console: who is signed in, and what there is to see."""

    sessions: Sessions
    looking: Looking
    temporal_url: str | None
    """Where people reach Temporal's web UI; none where nobody said."""

    temporal_namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The application, as HTTP sees it."""

    appealing: Appealing
    authorising: Authorising
    breaker: Breaker
    refusing: Refusing
    clients: ApiClients
    codes: Codes
    drafter: Drafter
    dating: Dating
    explaining: Explaining
    followers: Followers
    identifying: Identifying
    keeping: Keeping
    decisions: Decisions
    discretion: Discretion
    registry: RegistryView
    rehashing: Rehashing
    single: InteractiveAcceptor
    batch: BatchAcceptor
    room: Room
    reads: ReadStore
    ledger: Ledger
    events: Events
    sealing: Sealing
    linking: LinkTaking
    links: LinkStore
    letters: LetterStore
    packages: PackageDoor | None
    """None where packages are kept nowhere."""

    console: ConsoleDoor | None
    """None where there is no console."""

    sending: Sending
    suppressing: Suppressing
    webhooks: Webhooks
    audit: AuditStore
    metrics: Metrics
    doors: Doors
