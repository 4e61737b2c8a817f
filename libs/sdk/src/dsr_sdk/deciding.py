"""The rules of redelivery: replay or ask, and what an answer leaves in the store. No I/O here."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

from dsr_core.acknowledgements import Acknowledgement
from dsr_core.errors import RejectedInput
from dsr_core.rights import Disposition
from dsr_sdk.answers import Failed
from dsr_sdk.handlers import UnfitAnswer
from dsr_sdk.obligations import ObligationKey, SealedObligation
from dsr_sdk.outcomes import Outcome, OutcomeState
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes, acknowledgement_to_wire

__all__ = [
    "Step",
    "decide",
    "failure",
    "outcome_of",
    "repeated",
    "says_the_same",
    "still_asked",
]

_LOG = logging.getLogger("dsr_sdk")

_SHORTEST_RETRY = timedelta(milliseconds=250)
"""A retry that is wanted at once, or for the past, waits this long, so that none spins."""

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS = 12
"""More than it takes from the first pause to the longest; keeps the power small."""


class Step(Enum):
    """What to do with an obligation that a notice or a retry brings."""

    REPLAY = auto()
    REPEAT = auto()
    """Say the stored answer again under the next number."""

    ASK = auto()
    ASK_AS_REPEAT = auto()
    """Ask, and say that the handler's effect may stand already."""


def decide(stored: Outcome | None, notice_id: str, *, is_retry: bool, reminder: int = 0) -> Step:
    """Decide between replaying the stored answer and asking the handler.

    The same notice again is redelivery after a crash, and its answer is replayed. Another notice is
    a reminder, which asks again unless the answer confirms. A reminder of what has been confirmed
    says that the answer does not count: where it contradicts another of its number, as it may after
    a loss of this store, only the next number settles that. An identity that could not be opened is
    always tried again, since an operator replays a dead letter after repairing the key.
    """
    if stored is None:
        return Step.ASK
    is_redelivery = stored.notice_id == notice_id and not is_retry
    match stored.state:
        case OutcomeState.CONFIRMED:
            return Step.REPEAT if reminder and not (is_redelivery or is_retry) else Step.REPLAY
        case OutcomeState.UNREADABLE:
            return Step.ASK
        case OutcomeState.ANSWERED | OutcomeState.RAISED if is_redelivery:
            return Step.REPLAY
        case OutcomeState.ANSWERED if not _is_in_progress(stored):
            return Step.ASK
        case OutcomeState.ASKED | OutcomeState.ANSWERED | OutcomeState.RAISED:
            return Step.ASK_AS_REPEAT


def _is_in_progress(stored: Outcome) -> bool:
    answer = acknowledgement_from_bytes(stored.acknowledgement)
    return answer.disposition is Disposition.IN_PROGRESS


def outcome_of(
    acknowledgement: Acknowledgement,
    *,
    notice_id: str,
    sealed_obligation: SealedObligation | bytes,
    unsent: bool,
    state: OutcomeState | None = None,
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
        acknowledgement=acknowledgement_to_wire(acknowledgement).SerializeToString(
            deterministic=True
        ),
        retry_at=retry_at,
        sealed_obligation=kept,
        is_unsent=unsent,
        recorded_at=acknowledgement.answered_at,
    )


def repeated(stored: Outcome, notice_id: str, *, at: datetime) -> Outcome:
    """Make the stored answer one of the next number, under the reminder that brought it about.

    The time of the answer stays, since nothing was done anew.
    """
    former = acknowledgement_from_bytes(stored.acknowledgement)
    again = replace(former, sequence=stored.sequence + 1)
    return replace(
        stored,
        notice_id=notice_id,
        sequence=again.sequence,
        acknowledgement=acknowledgement_to_wire(again).SerializeToString(deterministic=True),
        is_unsent=False,
        recorded_at=at,
    )


def still_asked(outcome: Outcome, stored: Outcome) -> Outcome:
    """Make an answer interim: a crash before the handler's own answer asks the handler again."""
    return replace(
        outcome,
        state=OutcomeState.ASKED,
        retry_at=stored.retry_at,
        sealed_obligation=stored.sealed_obligation,
    )


def says_the_same(acknowledgement: Acknowledgement, stored: bytes) -> bool:
    """Tell whether a stored answer says what this one says, its number and time apart."""
    former = acknowledgement_from_bytes(stored)
    return acknowledgement == replace(
        former,
        sequence=acknowledgement.sequence,
        answered_at=acknowledgement.answered_at,
    )


def failure(error: Exception, key: ObligationKey, *, sequence: int, at: datetime) -> Failed:
    """Answer for a handler that raised, or returned what is no answer.

    Only the exception's class and place are told: its message may hold personal data. The handler is
    asked again by itself, since what it needs may just be away, and the next reminder is days off.
    """
    pause = min(_FIRST_PAUSE * 2 ** min(sequence - 1, _DOUBLINGS), _LONGEST_PAUSE)
    return Failed(_reason(error, key), retry_at=at + pause)


def _reason(error: Exception, key: ObligationKey) -> str:
    if isinstance(error, RejectedInput):
        _LOG.error("request %s: the handler's answer is refused: %s", key.request_id, error.detail)
        return f"the handler's answer is refused: {error.reason}"
    if isinstance(error, UnfitAnswer):
        _LOG.error("request %s: %s", key.request_id, error)
        return str(error)
    _LOG.error(
        "request %s: the handler raised %s%s", key.request_id, type(error).__name__, place(error)
    )
    return type(error).__name__


def place(error: BaseException) -> str:
    """Say where an exception came from, without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
