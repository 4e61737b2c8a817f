"""What becomes of a request once some of its blockers are gone: the rules run forward, on paper.

A system that was not asked yet confirms by itself once it is. One that was asked confirms once the blocker
that names it, or the decision that kept it, is among what is gone: where it has not confirmed and the
product names it nowhere, it keeps the request open for ever. What was
decided stands unless it is gone, whether or not the product names it. A closure is told and a letter is
sent by itself. States follow each other by the lifecycle's own table, and closing is the
closing rule's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dsr_core.acknowledgements import Acknowledgement, standing
from dsr_core.blockers import Blocker, BlockerKind, Decided, Owed, blockers
from dsr_core.closing import Closed, Obligation, closing
from dsr_core.ids import SystemId
from dsr_core.lifecycle import Event, State, advance
from dsr_core.rights import Disposition, Right
from support.builders import NOW, a_request_id

__all__ = ["Simulated"]

_PROOFS = (
    (State.AWAITING_AUTHORITY, BlockerKind.AUTHORITY_NOT_PROVEN, Event.PROVE_AUTHORITY),
    (State.AWAITING_IDENTITY, BlockerKind.IDENTITY_NOT_PROVEN, Event.PROVE_IDENTITY),
    (State.AWAITING_DECISION, BlockerKind.APPEAL_UNDECIDED, Event.GRANT_APPEAL),
)
_UNTOLD = (BlockerKind.NOT_ANSWERED, BlockerKind.LETTER_BOUNCED)
_OF_ONE_SYSTEM = frozenset(
    {
        BlockerKind.UNANSWERED,
        BlockerKind.WAITING,
        BlockerKind.IN_PROGRESS,
        BlockerKind.FAILED,
        BlockerKind.UNRESOLVABLE,
        BlockerKind.CONTRADICTED,
        BlockerKind.UNVERIFIED,
        BlockerKind.STOPPING,
        BlockerKind.NOT_SIGNED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A request as it stands."""

    state: State
    answers: Mapping[SystemId, Sequence[Acknowledgement]]
    """What each system that must answer has said so far."""

    decided: Decided = field(default_factory=Decided)
    is_opened: bool = True
    bounced_at: datetime | None = None
    waits_for: Mapping[SystemId, tuple[SystemId, ...]] = field(default_factory=dict)
    """Who is not told yet, and for whom that waits."""

    def blockers(self) -> tuple[Blocker, ...]:
        """Return what the product says."""
        closed = self.state in {State.CLOSED, State.ANSWERED}
        return blockers(
            [_owed(name, given, self.waits_for.get(name)) for name, given in self.answers.items()]
            if self.is_opened
            else (),
            awaits_authority=self.state is State.AWAITING_AUTHORITY,
            awaits_identity=self.state in {State.AWAITING_AUTHORITY, State.AWAITING_IDENTITY},
            accepted_at=NOW,
            opened_at=NOW if self.is_opened else None,
            closed_at=NOW if closed else None,
            answered_at=NOW if self.state is State.ANSWERED else None,
            decided=self.decided,
            bounced_at=self.bounced_at,
            planned=tuple(self.answers),
        )

    def ends(self, *, without: Collection[Blocker]) -> bool:
        """Tell whether it comes to its end once these of its blockers are gone, and all else is as it is."""
        still = [one for one in self.blockers() if one not in without]
        kinds = {one.kind for one in still}
        gone = {one.kind for one in without}
        state = self.state
        for waiting, kind, event in _PROOFS:
            if state is waiting:
                if kind not in gone:
                    return False
                state = advance(state, event)
        if state not in {State.CLOSED, State.ANSWERED}:
            if BlockerKind.NOT_OPENED in kinds or not self._closes(without):
                return False
            state = advance(state, Event.CLOSE)
        if state is State.CLOSED:
            if kinds.intersection(_UNTOLD):
                return False
            state = advance(state, Event.ANSWER)
        return state is State.ANSWERED

    def _closes(self, without: Collection[Blocker]) -> bool:
        named = {one.system_id for one in without if one.kind in _OF_ONE_SYSTEM}
        answers = {
            name: [*given, _an_erasure(name)]
            if (not self.is_opened or name in named or self._is_kept(name, given, ()))
            and not self._is_kept(name, given, without)
            else list(given)
            for name, given in self.answers.items()
        }
        obligations = [Obligation(name, standing(given)) for name, given in answers.items()]
        return isinstance(closing(len(answers), obligations), Closed)

    def _is_kept(
        self, name: SystemId, given: Sequence[Acknowledgement], without: Collection[Blocker]
    ) -> bool:
        """Tell whether something that was decided, and stands, keeps a system from answering."""
        decided, gone = self.decided, {one.kind for one in without}
        if decided.stopping_since is not None:
            return False  # it may say how far it came, whatever was decided before
        lifted = {one.hold_id for one in without}
        if any(one.covers(name) for one in decided.holds if one.hold_id not in lifted):
            return True
        one = standing(given)
        if decided.untold is not None and BlockerKind.BREAKER not in gone:
            is_silent = one.answer is None and not one.is_contradicted
            if name in decided.untold.system_ids and is_silent:
                return True
        if decided.unlinked is not None and BlockerKind.LINKS_UNDECIDED not in gone:
            is_unresolvable = (
                one.answer is not None and one.answer.disposition is Disposition.UNRESOLVABLE
            )
            if name in decided.unlinked.system_ids and is_unresolvable and not one.is_contradicted:
                return True
        if decided.clarification_since is None or BlockerKind.CLARIFICATION_AWAITED in gone:
            return False
        has_failed = one.answer is not None and one.answer.disposition is Disposition.FAILED
        return not one.is_confirmed and not one.is_contradicted and not has_failed


def _owed(
    name: SystemId, given: Sequence[Acknowledgement], waits_for: tuple[SystemId, ...] | None
) -> Owed:
    one = standing(given)
    return Owed(
        system_id=name,
        is_confirmed=one.is_confirmed,
        is_contradicted=one.is_contradicted,
        disposition=one.answer.disposition if one.answer else None,
        waits_for=waits_for,
    )


def _an_erasure(system_id: SystemId) -> Acknowledgement:
    return Acknowledgement(
        request_id=a_request_id(),
        system_id=system_id,
        right=Right.DELETION,
        disposition=Disposition.ERASED,
        sequence=9,
        answered_at=NOW,
    )
