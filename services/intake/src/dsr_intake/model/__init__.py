"""What intake's layers hand to each other. Values only; nothing here reads a clock or a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from dsr_core.corrections import Rectification
from dsr_core.identity import Identity
from dsr_core.ids import CohortId, RequestId
from dsr_core.law.facts import Fact, FactKind
from dsr_core.law.proofs import Level, Method
from dsr_core.law.rules import Tier
from dsr_core.lifecycle import State
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_intake.model.decisions import DecisionEntry, Held, LegalHold, Proposal
from dsr_intake.model.duplicates import OpenTwin
from dsr_intake.model.ending import Answer, Known
from dsr_intake.model.feeds import LedgerChange, Owner, StateChangeRow, Twin
from dsr_intake.model.following import FollowsWhy
from dsr_intake.model.keys import (
    HashCount,
    HashedAnew,
    HashedRow,
    KeyCount,
    KeyTag,
    Ring,
    RingRow,
    WrappedKey,
    WrappedRow,
    key_name,
)
from dsr_intake.model.letters import Letter, LetterKind, LettersStanding, LetterState
from dsr_intake.model.proofs import AuthorityShown, Code, CodeLimits, RequesterEvidence
from dsr_intake.model.suppressions import NOBODY, Suppressible
from dsr_wire.codec.decisions import HoldLifted, HoldPlaced
from dsr_wire.codec.notices import SystemNotice
from dsr_wire.codec.requests import AcceptedCohort
from dsr_wire.envelope import Outgoing

__all__ = [
    "Acceptance",
    "Accepted",
    "Answer",
    "AuthorityShown",
    "Beginning",
    "Code",
    "CodeLimits",
    "CohortStanding",
    "Dates",
    "DecisionEntry",
    "Draft",
    "FollowsWhy",
    "FormedCohort",
    "HashCount",
    "HashedAnew",
    "HashedRow",
    "Held",
    "KeyCount",
    "KeyReused",
    "KeyTag",
    "Known",
    "LedgerChange",
    "LegalHold",
    "Letter",
    "LetterKind",
    "LetterState",
    "LettersStanding",
    "ListFilter",
    "Member",
    "OpenTwin",
    "Owner",
    "Proof",
    "Proposal",
    "RequestView",
    "RequesterEvidence",
    "Ring",
    "RingRow",
    "Ruling",
    "StateChangeRow",
    "StillRunning",
    "Submission",
    "Twin",
    "Verdict",
    "WrappedKey",
    "WrappedRow",
    "key_name",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A subject request as a client sent it, well-formed."""

    right: Right
    jurisdiction: str
    identity: Identity
    scope: Scope
    requester_role: str
    channel: str
    language: str | None
    received_at: datetime | None
    """When the person asked; none where the client left it to us."""

    is_attested: bool
    """The client has made sure who asks."""

    content: bytes = field(repr=False)
    """The whole submission in one canonical form: what an idempotency key is bound to."""

    appeal_of: RequestId | None = None
    """The closed request whose outcome is appealed against."""

    idempotency_key: str | None = None
    controller: tuple[str, str] | None = None
    """Whose the data is, and where the person can ask them, where it is a customer's."""

    rectification: Rectification | None = field(default=None, repr=False)
    letters: bool | None = None
    """Whether the person is told by letter; none where the client left it to us."""

    age_key: str | None = None
    """The public key that the package is handed over under, where one was given."""

    hand_over: bool = False
    """Whether its packages are sent to the callback of its client."""

    evidence: RequesterEvidence | None = None
    """What shows that the requester may ask for another person; none where nothing was sent."""

    awaits_authority: bool = False
    """That is not enough: nobody is asked before it is shown."""

    attested_once_shown: bool = False
    """The client has made sure who asks, which counts once that is shown."""

    level: Level = Level.HIGH
    """How sure the client is who asks, where it attests that."""

    lacks: str | None = None
    """Why its attestation is too little for the data that is asked for; none where it suffices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """Which law counts a request's days, and the dates that its orchestration needs."""

    regime: str
    regime_why: str
    rules_digest: str
    received_on: date
    """The day of receipt, in the zone of the regime's establishment."""

    due_at: datetime
    tiers: tuple[Tier, ...]
    verify_identity_by: datetime | None
    """By when it must be proven who asks; none where it is."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Draft:
    """A subject request that is ready to be written, in a cohort yet to be formed."""

    request_id: RequestId
    client_id: str
    submission: Submission
    registry_digest: str
    dates: Dates
    received_at: datetime
    accepted_at: datetime
    tag: KeyTag | None
    lookup_hashes: tuple[bytes, ...]
    lookup_key_id: str
    ciphertext: bytes
    data_key: bytes
    letters: bool = False
    """Whether the requester is told by letter."""

    person_hash: bytes | None = None
    former_hashes: tuple[bytes, ...] = ()
    """The identifiers under former lookup keys."""

    former_person_hashes: tuple[bytes, ...] = ()
    """Who asked for what, under former lookup keys; none where nobody looks for duplicates."""

    duplicate_of: RequestId | None = None
    """The open request that it repeats and is answered with."""

    related_to: RequestId | None = None
    """An open request of the same person and right that it is not answered with."""

    after: tuple[RequestId, ...] = ()
    """Open requests of the same person that hand data over before it erases any."""

    traceparent: str | None = None
    beginning: Beginning | None = None
    """What was decided about it before it came; such a request is a cohort of its own."""

    suppressible: Suppressible = NOBODY
    """What the suppression list is to have of the person, should it have them."""


@dataclass(frozen=True, slots=True)
class FormedCohort:
    """A cohort, its members, and the record that tells of it."""

    cohort: AcceptedCohort
    members: tuple[Draft, ...]
    record: Outgoing | None
    """None where nobody is asked: its member is answered with another request."""

    commands: tuple[Outgoing, ...] = ()
    """What was decided about its only member before it came."""

    @property
    def records(self) -> tuple[Outgoing, ...]:
        """What is told; nothing of a request that nobody is asked for."""
        beginning = self.members[0].beginning
        if beginning is not None and beginning.answer is not None:
            return ()
        return (*((self.record,) if self.record else ()), *self.commands)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What one transaction writes."""

    cohorts: tuple[FormedCohort, ...]
    keys: dict[RequestId, WrappedKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a client is told of a request that was accepted, now or under the same key before."""

    request_id: RequestId
    cohort_id: CohortId
    right: Right
    jurisdiction: str
    regime: str
    registry_digest: str
    rules_digest: str
    received_at: datetime
    accepted_at: datetime
    due_at: datetime
    state: State = State.OPEN
    """As it was accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """It is proven who asks, and what follows from it."""

    request_id: RequestId
    cohort_id: CohortId
    method: str
    entry: DecisionEntry
    """Why it is believed, and by whom."""

    due_at: datetime
    command: Outgoing
    """What has systems asked; told only where it is not answered with another request."""

    records: tuple[Outgoing, ...]
    authority: AuthorityShown | None = None
    """What is shown with it of a requester who asks for another person."""

    code_number: int | None = None
    """The one-time code that it is proven by, which is used up with it."""


class KeyReused:
    """The idempotency key stands for another request."""


class StillRunning:
    """Another call with the same idempotency key has not ended."""


Verdict = Accepted | KeyReused | StillRunning


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A subject request as its client sees it."""

    request_id: RequestId
    cohort_id: CohortId
    client_id: str
    """The client of the API that submitted it."""

    state: State
    outcome: str | None
    right: Right
    jurisdiction: str
    regime: str
    regime_why: str
    registry_digest: str
    rules_digest: str
    requester_role: str
    channel: str
    language: str | None
    scope: Scope
    identifier_kinds: tuple[str, ...]
    identifiers: int
    """How many there are, of all kinds."""

    received_at: datetime
    accepted_at: datetime
    due_at: datetime
    identity_proven_at: datetime | None
    """When it was proven who asks; none while it is not."""

    proven_by: Method | None = None
    """How it was proven who asks, or by whom it was attested though that may not count yet."""

    closed_at: datetime | None
    answered_at: datetime | None
    revision: int
    """Where its last change of state stands in the order of all of them."""

    letters: bool = False
    """Whether the requester is told by letter."""

    age_key: str | None = None
    """The public key that its package is handed over under, where one was given with it."""

    hand_over: bool = False
    """Whether its packages are sent to the callback of its client."""

    evidence: RequesterEvidence | None = None
    """What was sent to show that the requester may ask for another person."""

    home_cohort_id: CohortId
    """The cohort that it was accepted in; another than its own once a decision has set it apart."""

    duplicate_of: RequestId | None = None
    """The request that it repeats and is answered with."""

    related_to: RequestId | None = None
    """A request of the same person and right that it is not answered with."""

    names_strangers: bool = False
    """Whether one of these two was submitted by another client, who is nothing to this one."""

    commands: int = 0
    """How many commands there have been about it."""

    facts: tuple[Fact, ...] = ()
    """What people have decided that its dates depend on."""

    follows: RequestId | None = None
    """The closed request that it follows."""

    follows_why: FollowsWhy | None = None
    held_before: datetime | None = None
    """Set where systems are only asked to look: what they held before then is meant."""

    after: tuple[RequestId, ...] = ()
    """Requests of the same person that hand data over before it erases any."""

    @property
    def is_attested(self) -> bool:
        """Whether the client has made sure who asks, though it may not count yet."""
        return self.proven_by is Method.ATTESTED

    @property
    def counted_from(self) -> datetime:
        """The receipt that its dates count from: an earlier one, where the same person had asked before."""
        receipts = (one.effective_at for one in self.facts if one.kind is FactKind.RECEIVED)
        return min((self.received_at, *receipts))

    @property
    def is_one_address(self) -> bool:
        """Whether its identity is one email address and nothing else: a code proves no more."""
        return self.identifiers == 1 and self.identifier_kinds == ("email",)

    @property
    def answered_with(self) -> RequestId:
        """The request whose obligations and closure are this one's too."""
        return self.duplicate_of or self.request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What was decided about a request before it came, written with it."""

    state: State
    """In which it is accepted."""

    entries: tuple[DecisionEntry, ...] = ()
    held: tuple[Held, ...] = ()
    answer: Answer | None = None
    """Set where it ends at once, since nobody is asked."""

    records: tuple[Outgoing, ...] = ()
    """What is told of its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What follows from a decision, to be written together."""

    entry: DecisionEntry
    state: State
    facts: tuple[Fact, ...]
    due_at: datetime
    clock_stopped: bool = False
    """Whether no date counts for now; the date is then that of before."""

    records: tuple[Outgoing, ...] = ()
    """What is told of it."""

    if_home_ends: Outgoing | None = None
    """Set where the request leaves a cohort of several: told if it was the last open member."""

    answer: Answer | None = None
    """Set where the request ends at once, since nobody was asked."""

    set_free: Callable[[RequestView], tuple[Outgoing, ...]] | None = None
    """Set where the request is followed no more, gets a later date, or none for now: tells of each
    duplicate, which now goes its own way."""

    proposal_id: str | None = None
    """Set where a proposed answer is approved."""

    hold: HoldPlaced | HoldLifted | None = None
    """Set where a hold is placed or lifted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFilter:
    """Which requests a client wants to see; none means all."""

    state: State | None = None
    right: Right | None = None
    jurisdiction: str | None = None
    received_after: datetime | None = None
    received_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class CohortStanding:
    """How far a cohort is."""

    cohort_id: CohortId
    right: Right
    members: int
    open_members: int
    answered_at: datetime | None
    open_leavers: int
    """Requests that have left it, and of which systems are still being asked."""


@dataclass(frozen=True, slots=True, repr=False)
class Member:
    """One member's identity, encrypted, and the key to it."""

    request_id: RequestId
    ciphertext: bytes
    key: WrappedKey | None
    """None where it is gone though the request is not answered, which must never be."""

    held: frozenset[str] = frozenset()
    """The systems that a legal hold keeps from erasing."""

    deferred: SystemNotice | None = None
    """What was sealed for its one system, where there never was a key: it follows an exemption."""
