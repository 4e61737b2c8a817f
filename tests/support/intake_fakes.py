"""Hand-written fakes of intake's ports, and builders of what goes through them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from dsr_core.errors import Unavailable
from dsr_core.ids import CohortId, RequestId
from dsr_core.law.rules import Rules
from dsr_core.lifecycle import State
from dsr_core.plan import Scope
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_intake.application.dating import Dating
from dsr_intake.application.drafting import Drafter
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.model import (
    Accepted,
    DecisionEntry,
    Draft,
    Held,
    KeyReused,
    KeyTag,
    LedgerChange,
    LegalHold,
    Letter,
    LetterKind,
    LettersStanding,
    LetterState,
    Member,
    Owner,
    Proposal,
    RequestView,
    Ruling,
    StateChangeRow,
    Twin,
    Verdict,
    WrappedKey,
)
from dsr_intake.model.principals import (
    Authentication,
    ClientRow,
    Principal,
    PrincipalKind,
    Sight,
    StoredKey,
)
from dsr_intake.ports import Covering, Decide, Form, Resolve, Tell
from dsr_wire.codec.registry import PublishedRegistry
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.suppression import SuppressionKey
from support.builders import NOW, a_registry, a_request_id, days, the_rules

__all__ = [
    "FakeAcceptance",
    "FakeApiClients",
    "FakeDecisions",
    "FakeHolds",
    "FakeLetters",
    "FakeProposals",
    "FakeReads",
    "FakeRegistryView",
    "FakeStates",
    "FakeWrapper",
    "a_drafter",
    "a_ledger_change",
    "a_letter",
    "a_request_view",
    "a_state_row",
    "no_holidays",
]


class FakeRegistryView:
    """A registry and rules that a test chose."""

    def __init__(
        self,
        current: Registry | None,
        rules: Rules | None = None,
        *,
        former: Sequence[Registry] = (),
    ) -> None:
        self.current = current
        self.current_rules = rules or the_rules()
        self.versions: list[Registry] = [*former, *(() if current is None else (current,))]
        """The oldest first, each published a day after the one before; the first now."""

    async def rules(self, digest: str) -> Rules:
        if self.current_rules.digest != digest:
            raise Unavailable("the rules have not arrived")
        return self.current_rules

    async def version(self, digest: str) -> Registry:
        for one in self.versions:
            if one.digest == digest:
                return one
        raise Unavailable("the version has not arrived")

    def since(self, digest: str) -> list[PublishedRegistry]:
        published = [
            PublishedRegistry(one, NOW + days(number)) for number, one in enumerate(self.versions)
        ]
        digests = [one.digest for one in self.versions]
        return published[digests.index(digest) + 1 if digest in digests else 0 :]

    def holder(self, system_id: str) -> Registry | None:
        found = [one for one in self.versions if one.system(system_id)]
        return found[-1] if found else None

    async def keys(self, system_id: str) -> SystemPublicKeys:
        raise Unavailable(f"no keys are registered for the system {system_id}")


def no_holidays(*jurisdictions: str) -> dict[date, str]:
    """A calendar in which only weekends are off."""
    del jurisdictions
    return {}


def nobody_is_held(_hashes: Sequence[bytes]) -> Sequence[LegalHold]:
    """No hold covers anybody."""
    return ()


def a_drafter(
    registry: Registry | None,
    rules: Rules | None = None,
    *,
    letters_are_sent: bool = False,
    covering: Covering = nobody_is_held,
    suppression_key: SuppressionKey | None = None,
) -> Drafter:
    """A drafter at NOW."""
    return Drafter(
        registry=FakeRegistryView(registry, rules),
        dating=Dating(no_holidays),
        lookup=LookupKeys(b"k" * 32),
        clock=lambda: NOW,
        letters_are_sent=letters_are_sent,
        covering=covering,
        suppression_key=suppression_key,
    )


class FakeWrapper:
    """Wraps by reversing."""

    async def wrap(self, keys: Sequence[tuple[RequestId, bytes]]) -> list[WrappedKey]:
        return [WrappedKey(key[::-1], "fake") for _, key in keys]

    async def unwrap(self, keys: Sequence[tuple[RequestId, WrappedKey]]) -> list[bytes]:
        return [key.wrapped[::-1] for _, key in keys]


class FakeAcceptance:
    """Keeps what was accepted in memory; waits for `gate` before each transaction."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.transactions: list[list[RequestId]] = []
        self.fault: Exception | None = None
        self._held: dict[bytes, tuple[bytes, Accepted]] = {}

    async def accept(self, drafts: Sequence[Draft], form: Form, *, wait: bool) -> list[Verdict]:
        del wait
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        fresh = [one for one in drafts if one.tag is None or one.tag.key not in self._held]
        for formed in form(fresh, ()).cohorts if fresh else ():
            for member in formed.members:
                accepted = _accepted(member, formed.cohort.cohort_id, formed.cohort.due_at)
                key = member.tag or (member.request_id.encode(), b"")
                self._held[key[0]] = (key[1], accepted)
        self.transactions.append([one.request_id for one in drafts])
        return [self._verdict(one) for one in drafts]

    async def knows(self, tag: KeyTag) -> bool:
        return tag.key in self._held

    def _verdict(self, draft: Draft) -> Verdict:
        content, accepted = self._held[draft.tag.key if draft.tag else draft.request_id.encode()]
        return KeyReused() if draft.tag and draft.tag.content != content else accepted


def _accepted(draft: Draft, cohort_id: CohortId, due_at: datetime) -> Accepted:
    return Accepted(
        request_id=draft.request_id,
        cohort_id=cohort_id,
        right=draft.submission.right,
        jurisdiction=draft.submission.jurisdiction,
        regime=draft.dates.regime,
        registry_digest=draft.registry_digest,
        rules_digest=draft.dates.rules_digest,
        received_at=draft.received_at,
        accepted_at=draft.accepted_at,
        due_at=due_at,
    )


class FakeApiClients:
    """Keeps clients in memory, and counts how often it is asked."""

    def __init__(self) -> None:
        self.rows: dict[str, ClientRow] = {}
        self.hashes: dict[str, list[bytes]] = {}
        self.asked = 0

    async def add(self, client: ClientRow, secret_hash: bytes, *, reason: str) -> None:
        del reason
        self.rows[client.client_id] = client
        self.hashes[client.client_id] = [secret_hash]

    async def stored(self, client_id: str) -> StoredKey | None:
        self.asked += 1
        row = self.rows.get(client_id)
        if row is None or row.revoked_at is not None:
            return None
        ends = (row.expires_at, row.former_expires_at)
        principal = Principal(
            id=client_id,
            kind=row.kind,
            scopes=row.scopes,
            authentication=Authentication.API_KEY,
            jurisdictions=row.jurisdictions,
            limits=row.limits,
        )
        secrets = tuple(zip(self.hashes[client_id], ends, strict=False))
        return StoredKey(principal=principal, secrets=secrets)

    async def rotate(
        self,
        client_id: str,
        secret_hash: bytes,
        *,
        expires_at: datetime | None,
        former_until: datetime,
        reason: str,
    ) -> ClientRow | None:
        del reason
        row = self.rows.get(client_id)
        if row is None or row.revoked_at is not None:
            return None
        former = min(filter(None, (row.expires_at, former_until)))
        self.hashes[client_id] = [secret_hash, self.hashes[client_id][0]]
        self.rows[client_id] = replace(row, expires_at=expires_at, former_expires_at=former)
        return self.rows[client_id]

    async def receive(
        self, client_id: str, recipient: str | None, *, reason: str
    ) -> ClientRow | None:
        del reason
        row = self.rows.get(client_id)
        if row is None or row.kind is not PrincipalKind.CLIENT or row.revoked_at is not None:
            return None
        self.rows[client_id] = replace(row, package_recipient=recipient)
        return self.rows[client_id]

    async def all(self) -> Sequence[ClientRow]:
        return list(self.rows.values())

    async def revoke(self, client_id: str, *, at: datetime, reason: str) -> bool:
        del reason
        row = self.rows.get(client_id)
        if row is None:
            return False
        self.rows[client_id] = replace(row, revoked_at=row.revoked_at or at)
        return True


class FakeDecisions:
    """Decisions that a test chose."""

    def __init__(self, *entries: DecisionEntry) -> None:
        self._entries = list(entries)

    async def decide(self, request_id: str, resolve: Resolve, tell: Tell) -> Ruling | None:
        raise NotImplementedError

    async def entries(self, request_id: str) -> list[DecisionEntry]:
        return [one for one in self._entries if one.request_id == request_id]


class FakeHolds:
    """Holds on one request that a test chose; of the store only what reads them."""

    def __init__(self, *held: Held) -> None:
        self._held = list(held)

    async def of_request(self, request_id: str) -> list[Held]:
        return [one for one in self._held if one.request_id == request_id]


class FakeProposals:
    """Proposed answers that a test chose; of the store only what reads them."""

    def __init__(self, *proposals: Proposal) -> None:
        self._proposals = list(proposals)

    async def proposals(self, request_id: str) -> list[Proposal]:
        return [one for one in self._proposals if one.request_id == request_id]


class FakeReads:
    """Requests that a test chose; of the store only what reads one."""

    def __init__(self, *views: RequestView) -> None:
        self._views = {one.request_id: one for one in views}

    async def any(self, request_id: str) -> RequestView | None:
        return self._views.get(RequestId(request_id))

    async def followers(self, request_id: str) -> list[RequestView]:
        return [one for one in self._views.values() if one.follows == request_id]


class FakeStates:
    """A feed of states that a test writes."""

    def __init__(self) -> None:
        self.rows: list[StateChangeRow] = []
        self.repeating: list[Twin] = []
        self.reads = 0

    async def horizon(self) -> int:
        return max((row.revision for row in self.rows), default=0)

    async def changed_since(
        self, revision: int, *, request_id: str | None = None, sight: Sight | None = None
    ) -> tuple[list[StateChangeRow], int]:
        self.reads += 1
        found = [
            row
            for row in self.rows
            if row.revision > revision
            and (request_id is None or row.request_id == request_id)
            and (request_id is not None or sight is None or sight.covers(**row.owner._asdict()))
        ]
        return found, found[-1].revision if found else revision

    async def twins(self, request_ids: Sequence[str]) -> list[Twin]:
        return [one for one in self.repeating if one.repeats in request_ids]

    async def owners(self, request_ids: Sequence[str]) -> dict[str, Owner]:
        return {row.request_id: row.owner for row in self.rows if row.request_id in request_ids}


class FakeLetters:
    """Letters that a test wrote, in memory."""

    def __init__(self, *letters: Letter) -> None:
        self.letters = list(letters)
        self.found: Member | None = None
        """The identity of every request."""

    async def claim(
        self, *, at: datetime, since: datetime, lease: timedelta, limit: int
    ) -> list[Letter]:
        due = [
            one
            for one in self.letters
            if one.next_try_at and one.next_try_at <= at and one.waiting_since <= since
        ][:limit]
        for one in due:
            self._replace(one, tries=one.tries + 1, next_try_at=at + lease)
        return [replace(one, tries=one.tries + 1) for one in due]

    async def member(self, request_id: RequestId) -> Member | None:
        del request_id
        return self.found

    async def postpone(self, letter: Letter, *, until: datetime) -> None:
        self._replace(letter, next_try_at=until)

    async def settle(
        self,
        letter: Letter,
        state: LetterState,
        *,
        reason: str | None,
        at: datetime,
        decide: Decide,
        tell: Tell,
    ) -> bool:
        del decide, tell
        self._replace(letter, state=state, reason=reason, settled_at=at, next_try_at=None)
        return True

    async def came_back(
        self, request_id: RequestId, kind: LetterKind, number: int, *, reason: str, at: datetime
    ) -> bool:
        del request_id, kind, number, reason, at
        return False

    async def again(self, letter: Letter, *, reason: str, at: datetime) -> None:
        del reason
        self._replace(letter, state=LetterState.WAITING, next_try_at=at)

    async def standing(self) -> list[LettersStanding]:
        return []

    async def of(self, request_id: RequestId) -> list[Letter]:
        del request_id
        return self.letters

    def _replace(self, letter: Letter, **changes: Any) -> None:
        self.letters = [
            replace(one, **changes) if one.kind is letter.kind else one for one in self.letters
        ]


def a_letter(**changes: Any) -> Letter:
    """The letter that answers, waiting."""
    one = Letter(
        request_id=a_request_id(),
        kind=LetterKind.DONE,
        number=1,
        state=LetterState.WAITING,
        tries=0,
        next_try_at=NOW,
        waiting_since=NOW,
        settled_at=None,
        reason=None,
    )
    return replace(one, **changes)


def a_ledger_change(cursor: int, request_id: str | None = None, **changes: Any) -> LedgerChange:
    """A confirmation of one system."""
    fields: dict[str, Any] = {
        "system_id": "crm",
        "disposition": "erased",
        "is_confirmed": True,
        "at": "now",
    }
    return LedgerChange(str(cursor), request_id or a_request_id(), **(fields | changes))


def a_request_view(**changes: Any) -> RequestView:
    """An open deletion, received just now."""
    one = RequestView(
        request_id=a_request_id(),
        cohort_id=CohortId(a_request_id()),
        client_id="mine",
        state=State.OPEN,
        outcome=None,
        right=Right.DELETION,
        jurisdiction="DE",
        regime="default",
        regime_why="no regime names DE; the default applies",
        registry_digest=a_registry().digest,
        rules_digest=the_rules().digest,
        requester_role="data_subject",
        channel="api",
        language=None,
        scope=Scope(),
        identifier_kinds=("email",),
        identifiers=1,
        received_at=NOW,
        accepted_at=NOW,
        due_at=NOW + timedelta(days=30),
        identity_proven_at=NOW,
        closed_at=None,
        answered_at=None,
        revision=1,
        home_cohort_id=CohortId(a_request_id()),
    )
    return replace(one, **changes)


def a_state_row(
    revision: int, request_id: RequestId | None = None, *, state: State = State.OPEN
) -> StateChangeRow:
    """A request of the client `mine` in a state since a revision."""
    outcome = None if state is State.OPEN else "fulfilled"
    owner = Owner("mine", "DE")
    return StateChangeRow(revision, request_id or a_request_id(), owner, state, outcome, NOW)
