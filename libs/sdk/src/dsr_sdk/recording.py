"""What an answer or a notice leaves in the outcome store. No I/O here."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RuleViolation
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_sdk.deciding import Step, effect_may_stand
from dsr_sdk.obligations import ObligationKey, SealedObligation
from dsr_sdk.outcomes import Outcome, OutcomeState
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes, acknowledgement_to_wire
from dsr_wire.codec.notices import Notice

__all__ = [
    "after_its_end",
    "looked_at_in_vain",
    "outcome_of",
    "still_asked",
    "suspended",
    "to_be_looked_at",
    "unasked_outcome",
]

_LOG = logging.getLogger("dsr_sdk")

_SHORTEST_RETRY = timedelta(milliseconds=250)
"""A retry that is wanted at once, or for the past, waits this long, so that none spins."""

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(hours=1)

_OUTCOME_UNKNOWN = "the work had begun before the stop, and whether it had its effect is not known"


def outcome_of(
    acknowledgement: Acknowledgement,
    *,
    notice_id: str,
    revision: int,
    sealed_obligation: SealedObligation | bytes,
    unsent: bool,
    state: OutcomeState | None = None,
    effect_may_stand: bool = False,
) -> Outcome:
    """Make what is stored of an answer.

    The sealed obligation is kept only where the handler may be asked again without a notice.
    """
    confirms = acknowledgement.confirms
    retry_at = acknowledgement.retry_at
    if retry_at is not None:
        retry_at = max(retry_at, acknowledgement.answered_at + _SHORTEST_RETRY)
    needs_it = retry_at is not None or acknowledgement.disposition is Disposition.IN_PROGRESS
    kept = b""
    if needs_it and not confirms:
        kept = (
            sealed_obligation.to_bytes()
            if isinstance(sealed_obligation, SealedObligation)
            else sealed_obligation
        )
    return Outcome(
        key=ObligationKey(acknowledgement.request_id, acknowledgement.right),
        notice_id=notice_id,
        state=state or (OutcomeState.CONFIRMED if confirms else OutcomeState.ANSWERED),
        sequence=acknowledgement.sequence,
        acknowledgement=_bytes(acknowledgement),
        retry_at=retry_at,
        sealed_obligation=kept,
        is_unsent=unsent,
        recorded_at=acknowledgement.answered_at,
        revision=revision,
        effect_may_stand=effect_may_stand and not confirms,
    )


def to_be_looked_at(outcome: Outcome, sealed_obligation: bytes, *, at: datetime) -> Outcome:
    """Have what was erased looked at again from a time on; until then its answer stands as it is."""
    return replace(
        outcome,
        state=OutcomeState.LOOKING,
        retry_at=max(at, (outcome.recorded_at or at) + _SHORTEST_RETRY),
        sealed_obligation=sealed_obligation,
    )


def looked_at_in_vain(
    stored: Outcome | None, obligation: SealedObligation, *, at: datetime
) -> Outcome:
    """Have it looked at again later, after as long as it has been tried already, up to an hour.

    What is asked for the first time by the instruction to look is not begun by it.
    """
    known = stored or Outcome(
        key=obligation.key,
        notice_id=obligation.notice.notice_id,
        state=OutcomeState.UNASKED,
        recorded_at=at,
    )
    tried_for = at - (known.recorded_at or at)
    return replace(
        known,
        retry_at=at + min(max(tried_for, _FIRST_PAUSE), _LONGEST_PAUSE),
        sealed_obligation=obligation.to_bytes(),
        revision=obligation.notice.revision,
        is_suspended=False,
    )


def unasked_outcome(
    step: Step,
    stored: Outcome | None,
    obligation: SealedObligation,
    *,
    system_id: SystemId,
    at: datetime,
) -> Outcome | None:
    """Return what is known of an obligation after a step that asks no handler."""
    notice = obligation.notice
    if step is Step.STOP:
        return _stopped(stored, obligation, system_id=system_id, at=at)
    if step is Step.SUSPEND:
        unasked = Outcome(
            key=obligation.key, notice_id=notice.notice_id, state=OutcomeState.UNASKED
        )
        return replace(suspended(stored or unasked), revision=notice.revision)
    if stored is not None and step is Step.REPEAT:
        return _repeated(stored, notice, at=at)
    if stored is not None and step is Step.REVISE:
        return replace(stored, revision=notice.revision, is_suspended=False)
    return stored


def suspended(outcome: Outcome) -> Outcome:
    """Keep the handler from being asked again without a notice: the one that resumes asks anyway."""
    return replace(outcome, is_suspended=True, retry_at=None, sealed_obligation=b"")


def _stopped(
    stored: Outcome | None, obligation: SealedObligation, *, system_id: SystemId, at: datetime
) -> Outcome:
    """Answer a stop by what is known, and never `stopped` where an effect may stand.

    What has its answer is told as it was. Where a crash or an exception fell between the effect and
    its outcome, or the work was said to go on, nobody knows: to ask the handler could erase what the
    person now keeps, and `stopped` could promise data that is gone. So it is `too_late`, and says why.
    """
    notice, key = obligation.notice, obligation.key
    is_unknown = stored is not None and effect_may_stand(stored)
    answer = Acknowledgement(
        request_id=key.request_id,
        system_id=system_id,
        right=key.right,
        disposition=Disposition.STOPPED,
        sequence=1 if stored is None else stored.sequence + 1,
        answered_at=at,
    )
    if stored is not None and stored.state in (OutcomeState.CONFIRMED, OutcomeState.LOOKING):
        former = acknowledgement_from_bytes(stored.acknowledgement)
        answer = _too_late(replace(former, sequence=answer.sequence, answered_at=at))
    elif is_unknown:
        answer = replace(answer, disposition=Disposition.TOO_LATE, reason=_OUTCOME_UNKNOWN)
        _LOG.warning("request %s is stopped after its work had begun", key.request_id)
    return outcome_of(
        answer,
        notice_id=notice.notice_id,
        revision=notice.revision,
        sealed_obligation=b"",
        unsent=False,
        state=OutcomeState.STOPPED,
        effect_may_stand=is_unknown,
    )


def _too_late(answer: Acknowledgement) -> Acknowledgement:
    return replace(
        answer,
        disposition=Disposition.TOO_LATE,
        reason=f"answered as {answer.disposition}",
        delivery=None,  # nobody takes it any more
        sealed_links=b"",
    )


def _repeated(stored: Outcome, notice: Notice, *, at: datetime) -> Outcome:
    """Make the stored answer one of the next number, under the reminder that brought it about.

    The time of the answer stays, since nothing was done anew.
    """
    former = acknowledgement_from_bytes(stored.acknowledgement)
    again = replace(former, sequence=stored.sequence + 1)
    return replace(
        stored,
        notice_id=notice.notice_id,
        sequence=again.sequence,
        acknowledgement=_bytes(again),
        is_unsent=False,
        recorded_at=at,
        revision=notice.revision,
        is_suspended=False,
    )


def still_asked(outcome: Outcome, stored: Outcome) -> Outcome:
    """Make an answer interim: a crash before the handler's own answer asks the handler again."""
    return replace(
        outcome,
        state=OutcomeState.ASKED,
        retry_at=stored.retry_at,
        sealed_obligation=stored.sealed_obligation,
        revision=stored.revision,
        is_suspended=stored.is_suspended,
        effect_may_stand=stored.effect_may_stand,
    )


def after_its_end(stored: Outcome, acknowledgement: Acknowledgement) -> Acknowledgement | None:
    """Return what a later answer still tells of an obligation that has ended; none where no news.

    After a stop, an answer that confirms says that the stop came too late after all.

    Raises:
        RuleViolation: Another answer has confirmed it; or it was stopped, and this does not confirm.
    """
    if stored.state is OutcomeState.STOPPED:
        if not acknowledgement.confirms:
            raise RuleViolation("already_stopped", "this request was stopped; nothing is owed")
        acknowledgement = _too_late(acknowledgement)
    former = acknowledgement_from_bytes(stored.acknowledgement)
    as_before = replace(acknowledgement, sequence=former.sequence, answered_at=former.answered_at)
    if as_before == former:
        return None
    is_open = former.disposition is Disposition.STOPPED or stored.effect_may_stand
    if stored.state is OutcomeState.STOPPED and is_open:
        return acknowledgement
    raise RuleViolation("already_confirmed", "this obligation has its answer")


def _bytes(acknowledgement: Acknowledgement) -> bytes:
    return acknowledgement_to_wire(acknowledgement).SerializeToString(deterministic=True)
