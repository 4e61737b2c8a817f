"""Appealing: a person asks that a refusal be reviewed, and somebody who did not refuse decides.

An appeal is a new request that follows the closed one. Until it is granted no system is asked; to
refuse it is to refuse a request.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from dsr_core.closing import Outcome
from dsr_core.errors import RejectedInput, RuleViolation
from dsr_core.law.rules import APPEAL_BY, Regime
from dsr_core.lifecycle import Event, advance
from dsr_core.plan import Scope
from dsr_intake.application.accepting import AppealAcceptor
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.deciding import Deciding, changed
from dsr_intake.application.drafting import Drafter
from dsr_intake.application.forming import accepted_record, alone
from dsr_intake.model import (
    DecisionEntry,
    Draft,
    FollowsWhy,
    RequestView,
    Ruling,
    Submission,
    Verdict,
)
from dsr_intake.model.principals import Sight
from dsr_intake.ports import AppealStore, DecisionStore, ReadStore, RegistryView

__all__ = ["Appealing"]

_APPEALABLE = (Outcome.REFUSED, Outcome.PARTLY_FULFILLED)

_EVERYTHING = Scope()


class Appealing:
    """Takes appeals, and grants them."""

    def __init__(
        self,
        *,
        reads: ReadStore,
        appeals: AppealStore,
        decisions: DecisionStore,
        deciding: Deciding,
        drafter: Drafter,
        acceptor: AppealAcceptor,
        registry: RegistryView,
        dating: Dating,
        clock: Clock,
    ) -> None:
        self._reads = reads
        self._appeals = appeals
        self._decisions = decisions
        self._deciding = deciding
        self._drafter = drafter
        self._acceptor = acceptor
        self._registry = registry
        self._dating = dating
        self._clock = clock

    async def submit(
        self, sent: Submission, *, client_id: str, traceparent: str | None
    ) -> Verdict | None:
        """Accept an appeal, which waits for a decision; none where the client has no such request.

        Raises:
            RuleViolation: The law, the outcome or the time allows none, or there is one already.
            RejectedInput: It does not fit the request that it is against.
            Unavailable: The rules that the request pins have not arrived, or the store is away.
        """
        if sent.appeal_of is None:
            raise RuntimeError("what is no appeal comes another way")
        one = await self._reads.get(Sight(client_id=client_id), sent.appeal_of)
        if one is None:
            return None
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        self._check_outcome(one, regime)
        _check_fits(one, sent)
        draft = self._drafter.draft(
            replace(sent, scope=one.scope),
            client_id=client_id,
            traceparent=traceparent,
            by_letter=True,
            may_wait=False,
            appealed=one,
        )
        await self._check_person(one, draft)
        return await self._acceptor.accept(draft)

    async def check_decider(self, request_id: str, *, by: str) -> None:
        """Return where somebody may decide about a request; of an appeal that is not who refused.

        Raises:
            RuleViolation: They refused what is appealed against.
        """
        one = await self._reads.any(request_id)
        if one is None or one.follows_why is not FollowsWhy.APPEAL or one.follows is None:
            return
        entries = await self._decisions.entries(one.follows)
        # Of what waited before the breaker two people refuse together.
        refusers = {
            name
            for entry in entries
            if entry.kind == Event.REFUSE
            for name in (entry.decided_by, entry.details.get("proposed_by"))
        }
        if by in refusers:
            detail = "an appeal is decided by somebody else than who refused the request"
            raise RuleViolation("decided_by_refuser", detail)

    async def grant(self, request_id: str, *, by: str, reason: str) -> RequestView | None:
        """Have systems asked for what an appeal is about; none where there is no such request.

        The decision, the new state and what fanout begins with are durable together.

        Raises:
            RuleViolation: It is no appeal that waits for a decision, or who decides had refused.
            Unavailable: The rules that it pins have not arrived.
        """
        await self.check_decider(request_id, by=by)
        return await self._deciding.carry_out(
            request_id,
            Event.GRANT_APPEAL,
            lambda one, _held, regime, now: _granted(one, regime, by=by, reason=reason, now=now),
        )

    def _check_outcome(self, one: RequestView, regime: Regime) -> None:
        if one.outcome is None:
            raise RuleViolation("not_decided", f"it is {one.state}: there is nothing to appeal yet")
        if one.outcome not in _APPEALABLE:
            detail = f"it ended as {one.outcome}; {' or '.join(_APPEALABLE)} can be appealed"
            raise RuleViolation("outcome_not_appealable", detail)
        until = self._dating.timeline(regime, one).entry(APPEAL_BY)
        if until is not None and until.at is not None and self._clock() > until.at:
            detail = f"it could be appealed until {until.at.isoformat()} ({until.rule})"
            raise RuleViolation("appeal_too_late", detail)

    async def _check_person(self, one: RequestView, draft: Draft) -> None:
        if not self._drafter.is_of(await self._appeals.lookup_hashes(one.request_id), draft):
            detail = "the identifiers are not those of the request that is appealed"
            raise RejectedInput("other_identity", detail, field="identity")
        if one.closed_at is not None and draft.received_at < one.closed_at:
            detail = "it was received before the request ended that is appealed"
            raise RejectedInput("received_too_early", detail, field="received_at")


def _check_fits(one: RequestView, sent: Submission) -> None:
    if not sent.is_attested:
        detail = "an appeal needs an identity that the client has made sure of"
        raise RejectedInput("identity_not_attested", detail, field="identity_attested")
    for field, before, now in (
        ("right", one.right, sent.right),
        ("jurisdiction", one.jurisdiction, sent.jurisdiction),
    ):
        if before != now:
            detail = f"it is not that of the request that is appealed, which is {before}"
            raise RejectedInput("other_request", detail, field=field)
    if sent.scope not in (_EVERYTHING, one.scope):
        detail = "an appeal is about the whole of what was asked: leave the scope out"
        raise RejectedInput("other_request", detail, field="scope")


def _granted(one: RequestView, regime: Regime, *, by: str, reason: str, now: datetime) -> Ruling:
    state = advance(one.state, Event.GRANT_APPEAL)
    entry = DecisionEntry(
        request_id=one.request_id,
        revision=one.commands,  # no command tells of it: fanout hears of the request for the first time
        kind=Event.GRANT_APPEAL.value,
        decided_by=by,
        reason=reason,
        effective_at=now,
        recorded_at=now,
        details={},
    )
    cohort = alone(replace(one, accepted_at=now), regime.tiers, one.due_at)
    return Ruling(
        entry=entry,
        state=state,
        facts=one.facts,
        due_at=one.due_at,
        records=(accepted_record(cohort), changed(one, state, entry)),
    )
