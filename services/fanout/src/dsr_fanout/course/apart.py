"""What has set a request apart: rules on `Apart`, without a clock and without a call.

Decisions are counted by revision. Where one comes late all the same, what it decides still holds,
unless a later one has decided the same thing anew.
"""

from __future__ import annotations

from dataclasses import replace

from dsr_fanout.orders import Apart, Decided, State, Unsent

__all__ = ["after", "held", "holds_all", "instructed", "is_silent", "shown"]

PERFORM, STOP, SUSPEND = "perform", "stop", "suspend"
"""As `Instruction` spells them on the wire."""


def after(apart: Apart, decided: Decided) -> Apart:
    """Return what sets the request apart once a decision is taken."""
    apart = replace(
        apart,
        revision=max(apart.revision, decided.revision),
        late=[one for one in apart.late if one != decided.revision],
        has_left=True,
        dated_at=max(apart.dated_at, decided.revision),
    )
    match decided.kind:
        case "stopped":
            return replace(apart, outcome=decided.outcome)
        case "hold_placed":
            return _placed(apart, decided)
        case "hold_lifted":
            return _lifted(apart, decided.hold_id)
        case "clarification_asked" | "clarification_given" if decided.revision > apart.clarified_at:
            awaits = decided.kind == "clarification_asked"
            return replace(apart, clarified_at=decided.revision, awaits_clarification=awaits)
        case _:
            return apart


def _placed(apart: Apart, decided: Decided) -> Apart:
    if decided.hold_id in apart.lifted:
        return replace(apart, lifted=[one for one in apart.lifted if one != decided.hold_id])
    return replace(apart, holds={**apart.holds, decided.hold_id: decided.system_ids})


def _lifted(apart: Apart, hold_id: str) -> Apart:
    if hold_id not in apart.holds:
        return replace(apart, lifted=[*apart.lifted, hold_id])
    return replace(apart, holds={one: ids for one, ids in apart.holds.items() if one != hold_id})


def holds_all(apart: Apart) -> bool:
    """Tell whether a hold covers every system; none counts where the request is being stopped."""
    return not apart.outcome and any(not ids for ids in apart.holds.values())


def held(apart: Apart) -> list[str]:
    """Return the systems that a hold names; none where the request is being stopped."""
    if apart.outcome:
        return []
    return sorted({one for ids in apart.holds.values() for one in ids})


def is_silent(apart: Apart) -> bool:
    """Tell whether nobody is reminded or told, since the person was asked what is meant."""
    return apart.awaits_clarification and not apart.outcome


def instructed(before: Apart, decided: Decided) -> Unsent | None:
    """Return the notice that a decision has sent to systems, or none."""
    now = after(before, decided)
    told = Unsent(instruction=STOP, revision=now.revision)
    if decided.kind == "stopped":
        return told
    if now.outcome:
        return None
    if decided.kind == "hold_placed" and decided.hold_id in now.holds:
        return replace(told, instruction=SUSPEND, system_ids=decided.system_ids)
    if decided.kind == "identity_expanded" and not holds_all(now):
        still = held(now)
        anew = [one for one in decided.system_ids if one not in still]
        return replace(told, instruction=PERFORM, system_ids=anew) if anew else None
    if decided.kind == "hold_lifted" and decided.hold_id in before.holds and not holds_all(now):
        covered, still = before.holds[decided.hold_id], held(now)
        freed = [one for one in covered if one not in still]
        if freed or not covered:
            return replace(told, instruction=PERFORM, system_ids=freed, left_out=still)
    return None


def shown(apart: Apart, state: str) -> str:
    """Return what the search attribute says, where the tiers alone would say `state`.

    That its date has passed is said before a hold and before an open question: neither excuses it.
    """
    if apart.outcome:
        return State.STOPPING
    if state == State.OVERDUE:
        return state
    if apart.holds:
        return State.ON_HOLD
    return State.AWAITING_CLARIFICATION if apart.awaits_clarification else state
