"""Drafts: a submission made ready to be written. Everything that costs time is done here, before a transaction."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from dsr_core import tracing
from dsr_core.errors import RejectedInput, Unavailable
from dsr_core.ids import RequestId, uuid7
from dsr_core.law.proofs import Method, Role
from dsr_core.law.rules import Rules
from dsr_core.plan import Scope, plan
from dsr_core.rights import RIGHTS, Right
from dsr_core.suppressions import LISTED_KINDS
from dsr_intake.application.assurance import is_ever_lacking, needed
from dsr_intake.application.beginning import beginning
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.identity_cipher import KEY_BYTES, NONCE_BYTES, encrypt
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.model import Beginning, Draft, KeyTag, LegalHold, RequestView, Submission
from dsr_intake.model.suppressions import Suppressible
from dsr_intake.ports import Covering, RegistryView
from dsr_wire.suppression import SuppressionKey

__all__ = ["Drafter"]

_SKEW = timedelta(minutes=5)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_ID_BYTES = 10
_PLANS_LIMIT = 10_000


def _nobody_is_held(_hashes: Sequence[bytes]) -> Sequence[LegalHold]:
    return ()


class Drafter:
    """Makes drafts from submissions."""

    def __init__(
        self,
        *,
        registry: RegistryView,
        dating: Dating,
        lookup: LookupKeys,
        clock: Clock,
        letters_are_sent: bool = False,
        links_duplicates: bool = True,
        covering: Covering = _nobody_is_held,
        suppression_key: SuppressionKey | None = None,
    ) -> None:
        self._registry = registry
        self._dating = dating
        self._lookup = lookup
        self._clock = clock
        self._letters_are_sent = letters_are_sent
        self._links_duplicates = links_duplicates
        self._covering = covering
        self._suppression_key = suppression_key
        self._has_plan: dict[tuple[str, tuple[str, ...], Right, Scope], bool] = {}

    def check_ready(self) -> None:
        """Return when requests can be accepted.

        Raises:
            Unavailable: No registry is published, so nobody could be asked; or no rules are, so that
                no date could be named.
        """
        if self._registry.current is None:
            raise Unavailable("no registry is published yet; run `dsr registry publish`")
        if self._registry.current_rules is None:
            raise Unavailable("no rules are published yet; run `dsr rules publish`")

    def draft(
        self,
        submission: Submission,
        *,
        client_id: str,
        traceparent: str | None = None,
        by_letter: bool = False,
        may_wait: bool = True,
        appealed: RequestView | None = None,
    ) -> Draft:
        """Plan, name and encrypt.

        Args:
            submission: What was sent.
            client_id: Who sent it.
            traceparent: The trace that the call belongs to, where we record none ourselves.
            by_letter: Whether the person is told by letter where the submission leaves it to us.
            may_wait: Whether it may wait for a proof of who asks, or that they may.
            appealed: The request that it is an appeal against.

        Raises:
            Unavailable: No registry is published, or no rules.
            RuleViolation: It is an appeal, and its law gives no right to one.
            RejectedInput: No system must answer, the date of receipt
                cannot be, letters are wanted that cannot be sent, or it would wait and may not.
        """
        now = self._clock()
        received_at = self._received(submission.received_at, now)
        _check_since(submission.scope.since, received_at)
        digest = self._planned(submission, received_at)
        rules = self._registry.current_rules
        if rules is None:
            self.check_ready()
            raise RuntimeError("unreachable")
        if not RIGHTS[submission.right].asks_who:
            submission = replace(submission, is_attested=True)
        submission = self._assured(submission, rules, received_at, now)
        if submission.lacks is not None and (not may_wait or appealed is not None):
            raise RejectedInput("assurance_needed", submission.lacks, field="identity_level")
        submission = self._shown(submission, rules, received_at, now)
        if not may_wait and not submission.is_attested:
            detail = "more must be shown of who asks: send it by itself, so that it can wait"
            raise RejectedInput("authority_needed", detail, field="requester")
        persons = self._persons(submission)
        random = os.urandom(_ID_BYTES + KEY_BYTES + NONCE_BYTES)
        request_id = RequestId(uuid7(int(now.timestamp() * 1000), random[:_ID_BYTES]))
        data_key = random[_ID_BYTES : _ID_BYTES + KEY_BYTES]
        nonce = random[_ID_BYTES + KEY_BYTES :]
        draft = Draft(
            request_id=request_id,
            client_id=client_id,
            submission=submission,
            registry_digest=digest,
            dates=self._dating.appeal(rules, appealed, at=received_at, accepted_at=now)
            if appealed is not None
            else self._dating.dates(
                rules,
                jurisdiction=submission.jurisdiction,
                right=submission.right,
                received_at=received_at,
                accepted_at=now,
                is_attested=submission.is_attested,
            ),
            received_at=received_at,
            accepted_at=now,
            tag=self._tag(submission, client_id),
            lookup_hashes=self._lookup.identifiers(submission.identity),
            lookup_key_id=self._lookup.name,
            former_hashes=self._lookup.former_identifiers(submission.identity),
            ciphertext=encrypt(
                submission.identity,
                request_id=request_id,
                key=data_key,
                nonce=nonce,
                rectification=submission.rectification,
            ),
            data_key=data_key,
            letters=self._by_letter(submission, by_letter=by_letter),
            person_hash=persons[0] if persons else None,
            former_person_hashes=persons[1:],
            traceparent=tracing.current() or traceparent,
            suppressible=self._suppressible(submission),
        )
        if appealed is not None:
            # It repeats nothing, and what is held is held once it is granted.
            return replace(draft, person_hash=None)
        erases = RIGHTS[submission.right].erases
        holds = self._covering((*draft.lookup_hashes, *draft.former_hashes)) if erases else ()
        if not holds and submission.controller is None:
            return draft
        start = self._beginning(draft, holds)
        # What was decided about it before it came sets it apart from what it may repeat.
        return draft if start is None else replace(draft, beginning=start, person_hash=None)

    def _suppressible(self, submission: Submission) -> Suppressible:
        key = self._suppression_key
        if key is None or not RIGHTS[submission.right].suppresses:
            return Suppressible()
        listed = submission.identity.only(LISTED_KINDS).identifiers
        return Suppressible(tuple(key.digest(one.kind, one.value) for one in listed), key.name)

    def _beginning(self, draft: Draft, holds: Sequence[LegalHold]) -> Beginning | None:
        registry = self._registry.current
        if registry is None:
            raise RuntimeError("a draft was planned by a registry")
        return beginning(
            draft.submission,
            request_id=draft.request_id,
            client_id=draft.client_id,
            holds=holds,
            registry=registry,
            letters=draft.letters,
            at=draft.accepted_at,
        )

    def _assured(
        self, submission: Submission, rules: Rules, received_at: datetime, now: datetime
    ) -> Submission:
        """Return a submission that awaits a proof where its attestation is too little for the data."""
        if not submission.is_attested or not RIGHTS[submission.right].asks_who:
            return submission
        place, right, level = submission.jurisdiction, submission.right, submission.level
        regime = self._dating.applicable(
            rules, place, right, received_at=received_at, accepted_at=now
        )
        registry = self._registry.current
        if registry is None or not is_ever_lacking(regime, Method.ATTESTED, level):
            return submission
        kinds = submission.identity.kinds
        wanted = needed(regime, registry, right, submission.scope, kinds, received_at=received_at)
        lacks = wanted.lacks(Method.ATTESTED, level)
        return submission if lacks is None else replace(submission, is_attested=False, lacks=lacks)

    def _shown(
        self, submission: Submission, rules: Rules, received_at: datetime, now: datetime
    ) -> Submission:
        """Return a submission with what its regime makes of the requester's role and evidence."""
        role = Role(submission.requester_role)
        if role is Role.DATA_SUBJECT:
            return submission
        regime = self._dating.applicable(
            rules,
            submission.jurisdiction,
            submission.right,
            received_at=received_at,
            accepted_at=now,
        )
        demanded = regime.authority_of(role)
        if demanded is None:
            return submission
        evidence = submission.evidence.kind if submission.evidence else None
        awaits = not demanded.is_shown_by(evidence)
        asks_who = RIGHTS[submission.right].asks_who
        is_persons = awaits or (asks_who and demanded.leaves_proof_to_person(evidence))
        return replace(
            submission,
            awaits_authority=awaits,
            attested_once_shown=submission.is_attested and awaits,
            is_attested=submission.is_attested and not is_persons,
        )

    def _by_letter(self, submission: Submission, *, by_letter: bool) -> bool:
        has_address = submission.identity.first("email") is not None
        if submission.letters is None:
            return by_letter and has_address and self._letters_are_sent
        if submission.letters and not self._letters_are_sent:
            detail = "no mail server is configured here, so nobody can be told by letter"
            raise RejectedInput("letters_not_offered", detail, field="letters")
        if submission.letters and not has_address:
            detail = "who is told by letter needs an identifier of the kind email"
            raise RejectedInput("no_address", detail, field="letters")
        return submission.letters

    def _planned(self, submission: Submission, received_at: datetime) -> str:
        registry = self._registry.current
        if registry is None:
            self.check_ready()
            raise RuntimeError("unreachable")
        left = tuple(one.id for one in registry.organisations if one.has_left(received_at))
        asked = (registry.digest, left, submission.right, submission.scope)
        has_plan = self._has_plan.get(asked)
        if has_plan is None:
            if len(self._has_plan) >= _PLANS_LIMIT:
                self._has_plan.clear()
            planned = plan(registry, submission.right, submission.scope, received_at=received_at)
            has_plan = bool(planned)
            self._has_plan[asked] = has_plan
        if not has_plan:
            detail = "no registered system can be asked for this right within this scope"
            raise RejectedInput("empty_plan", detail, field="scope")
        return registry.digest

    @staticmethod
    def _received(received_at: datetime | None, now: datetime) -> datetime:
        if received_at is None:
            return now
        if received_at > now + _SKEW:
            raise RejectedInput(
                "received_in_future", "received_at lies in the future", field="received_at"
            )
        if received_at < _EARLIEST:
            detail = "received_at lies before the year 2000"
            raise RejectedInput("received_too_early", detail, field="received_at")
        return received_at

    def _persons(self, submission: Submission) -> tuple[bytes, ...]:
        if not self._links_duplicates or not RIGHTS[submission.right].may_repeat:
            return ()
        return self._lookup.persons(submission.identity, submission.right, submission.scope)

    def is_of(self, hashes: Iterable[bytes], draft: Draft) -> bool:
        """Tell whether hashes that were kept are those of a draft's person, under one of the keys."""
        return self._lookup.is_of(hashes, draft.submission.identity)

    def _tag(self, submission: Submission, client_id: str) -> KeyTag | None:
        key = submission.idempotency_key
        if key is None:
            return None
        return self._lookup.tag(client_id, key, b"submission\x00" + submission.content)


def _check_since(since: date | None, received_at: datetime) -> None:
    # A day more, since the day of whoever asks may have begun when ours had not.
    if since is not None and since > (received_at + timedelta(days=1)).date():
        detail = "the day lies after the request was received, so that nothing would be meant"
        raise RejectedInput("since_in_future", detail, field="scope/since")
