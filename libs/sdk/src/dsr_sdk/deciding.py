"""The rules of notices: which one counts, and whether it asks, replays, stops or waits. No I/O here."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from dsr_core.errors import RejectedInput
from dsr_core.rights import Disposition
from dsr_sdk.answers import Failed
from dsr_sdk.handlers import UnfitAnswer
from dsr_sdk.obligations import ObligationKey, SealedObligation
from dsr_sdk.outcomes import Outcome, OutcomeState
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.codec.notices import Instruction, Notice

__all__ = [
    "Step",
    "decide",
    "effect_may_stand",
    "failure",
    "pause_after",
    "place",
    "those_that_count",
]

_LOG = logging.getLogger("dsr_sdk")

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS = 12
"""More than it takes from the first pause to the longest; keeps the power small."""


class Step(Enum):
    """What to do with an obligation that a notice or a retry brings."""

    ASK = auto()
    LOOK = auto()
    """Look whether what was erased is gone."""

    REPLAY = auto()
    """Send the stored answer as it is; nothing where there is none yet."""

    REPEAT = auto()
    """Say the stored answer again under the next number."""

    REVISE = auto()
    """Send the stored answer as it is, and go by this notice from now on."""

    SUSPEND = auto()
    """Begin nothing more; no answer is owed."""

    STOP = auto()
    """Answer `stopped` or `too_late`, and begin nothing more for good."""

    PASS = auto()
    """Do nothing: what the notice says is known, or does not count."""


_RANKS = {
    Instruction.PERFORM: 0,
    Instruction.LOOK: 0,
    Instruction.SUSPEND: 1,
    Instruction.STOP: 2,
}
"""Of two notices of one revision the one that does less counts."""

_UNKNOWN = {
    Instruction.PERFORM: Step.ASK,
    Instruction.LOOK: Step.LOOK,
    Instruction.SUSPEND: Step.SUSPEND,
    Instruction.STOP: Step.STOP,
}


def those_that_count(
    obligations: Sequence[SealedObligation],
) -> tuple[dict[ObligationKey, int], set[ObligationKey]]:
    """Return the position of the notice that counts for each obligation, and which overruled others.

    The higher revision counts; of equals the one that does less; of those the later.
    """
    counting: dict[ObligationKey, int] = {}
    overruled: set[ObligationKey] = set()
    for position, one in enumerate(obligations):
        key = one.key
        former = counting.setdefault(key, position)
        if former == position:
            continue
        overruled.add(key)
        if _rank(one.notice) >= _rank(obligations[former].notice):
            counting[key] = position
    return counting, overruled


def decide(
    stored: Outcome | None, notice: Notice, *, is_retry: bool, since: datetime | None = None
) -> Step:
    """Decide between asking the handler, sending what is stored, stopping and waiting.

    Of two notices about one obligation the higher revision counts, in whatever order they come. A
    stop is final: the request has ended, and nothing that comes later has it begin again. One that
    says to look has the erasing handler asked only after something was found. A notice
    that does not count gets the stored answer again, since a crash may have kept it from being sent.

    Args:
        stored: What is known of the obligation; none before its first notice.
        notice: The notice.
        is_retry: Whether it is tried again without a notice.
        since: When this system took over the data of others, if it did: an answer from before does
            not count, and the handler is asked again.
    """
    if stored is None:
        return _UNKNOWN[notice.instruction]
    if _is_overruled(notice, stored):
        return Step.PASS if notice.instruction is Instruction.SUSPEND else Step.REPLAY
    match notice.instruction:
        case Instruction.SUSPEND:
            return Step.PASS if _rank(notice) == _rank_of(stored) else Step.SUSPEND
        case Instruction.STOP if stored.state is not OutcomeState.STOPPED:
            return Step.STOP
        case Instruction.STOP | Instruction.PERFORM | Instruction.LOOK:
            if notice.instruction is Instruction.PERFORM and _is_outdated(stored, since):
                return Step.ASK
            step = _ask_or_replay(stored, notice, is_retry=is_retry)
            looks = notice.instruction is Instruction.LOOK and not _has_found(stored)
            return Step.LOOK if step is Step.ASK and looks else step


def _has_found(stored: Outcome) -> bool:
    """Tell whether the last answer is that something is there."""
    if not stored.sequence:
        return False
    answer = acknowledgement_from_bytes(stored.acknowledgement)
    return answer.disposition is Disposition.PRESENT


def _is_outdated(stored: Outcome, since: datetime | None) -> bool:
    """Tell whether a confirming answer was given before the system took over the data of others."""
    if since is None or stored.state is not OutcomeState.CONFIRMED:
        return False
    return acknowledgement_from_bytes(stored.acknowledgement).answered_at < since


def _ask_or_replay(stored: Outcome, notice: Notice, *, is_retry: bool) -> Step:
    """Decide between replaying the stored answer and asking the handler.

    The same notice again is redelivery after a crash, and its answer is replayed. Another notice is
    a reminder, which asks again unless the answer is the last one. A reminder of what has its last
    answer says that this does not count: where it contradicts another of its number, as it may after
    a loss of this store, only the next number settles that. An identity that could not be opened is
    always tried again, since an operator replays a dead letter after repairing the key. Where an
    erasure is to be looked at again, a reminder has that done at once.
    """
    is_redelivery = stored.notice_id == notice.notice_id and not is_retry
    match stored.state:
        case OutcomeState.CONFIRMED | OutcomeState.STOPPED:
            if notice.reminder and not (is_redelivery or is_retry):
                return Step.REPEAT
            return Step.REPLAY if _rank(notice) == _rank_of(stored) else Step.REVISE
        case OutcomeState.LOOKING:
            return Step.REPLAY if is_redelivery else Step.LOOK
        case OutcomeState.ANSWERED | OutcomeState.RAISED if is_redelivery:
            return Step.REPLAY
        case (
            OutcomeState.ASKED
            | OutcomeState.ANSWERED
            | OutcomeState.RAISED
            | OutcomeState.UNREADABLE
            | OutcomeState.UNASKED
        ):
            return Step.ASK


def effect_may_stand(stored: Outcome) -> bool:
    """Tell whether a handler was asked whose effect may stand without an answer that says so.

    A crash or an exception fell between the two, or its last answer was that the work goes on.
    """
    return (
        stored.effect_may_stand
        or stored.state in (OutcomeState.ASKED, OutcomeState.RAISED)
        or (stored.state is OutcomeState.ANSWERED and _is_in_progress(stored))
    )


def _is_in_progress(stored: Outcome) -> bool:
    answer = acknowledgement_from_bytes(stored.acknowledgement)
    return answer.disposition is Disposition.IN_PROGRESS


def _is_overruled(notice: Notice, stored: Outcome) -> bool:
    if stored.state is OutcomeState.STOPPED and notice.instruction is not Instruction.STOP:
        return True
    return _rank(notice) < _rank_of(stored)


def _rank(notice: Notice) -> tuple[int, int]:
    return (notice.revision, _RANKS[notice.instruction])


def _rank_of(stored: Outcome) -> tuple[int, int]:
    if stored.state is OutcomeState.STOPPED:
        return (stored.revision, _RANKS[Instruction.STOP])
    last = Instruction.SUSPEND if stored.is_suspended else Instruction.PERFORM
    return (stored.revision, _RANKS[last])


def failure(error: Exception, key: ObligationKey, *, sequence: int, at: datetime) -> Failed:
    """Answer for a handler that raised, or returned what is no answer.

    Only the exception's class and place are told: its message may hold personal data. The handler is
    asked again by itself, since what it needs may just be away, and the next reminder is days off.
    """
    return Failed(_reason(error, key), retry_at=at + pause_after(sequence))


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many tries: longer each time, up to an hour."""
    pause: timedelta = _FIRST_PAUSE * 2 ** min(tries - 1, _DOUBLINGS)
    return min(pause, _LONGEST_PAUSE)


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
