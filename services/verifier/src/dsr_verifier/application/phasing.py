"""Phasing: which cohorts may have come a phase further by what one transaction has changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from dsr_core.rights import RIGHTS
from dsr_verifier.ports import Ledger, LedgerRequest, Transaction
from dsr_wire.codec.closures import Closure
from dsr_wire.codec.copies import SettledCopy
from dsr_wire.codec.obligations import OpenedObligations
from dsr_wire.codec.phases import ConfirmedPhase

__all__ = ["advanced", "settled", "waited_for_already"]


async def advanced(
    transaction: Transaction,
    requests: Iterable[LedgerRequest],
    closures: Iterable[Closure],
    at: datetime,
) -> list[ConfirmedPhase]:
    """Put on record which phases are confirmed by now; return the new ones.

    Args:
        transaction: The one that has written the change.
        requests: Those that were changed. One that has left its cohort may have been the last there.
        closures: Those that were closed. What hands data over may have been waited for.
        at: When.
    """
    cohorts = {
        cohort_id
        for one in requests
        if one.phases
        for cohort_id in (one.cohort_id, one.home_cohort_id)
    }
    handed_over = [one.request_id for one in closures if RIGHTS[one.right].hands_over]
    if handed_over:
        cohorts.update(await transaction.awaiting(handed_over))
    return await transaction.advance(sorted(cohorts), at) if cohorts else []


async def waited_for_already(
    ledger: Ledger, opened: Sequence[OpenedObligations], at: datetime
) -> list[ConfirmedPhase]:
    """Put on record which cohorts wait for what is over already; return their confirmed phases.

    In a transaction after the one that has opened them, under the locks of what they wait for: whoever
    closes that meanwhile either sees them, or is seen here.
    """
    waiting = [one for one in opened if one.after]
    if not waiting:
        return []
    async with ledger.transaction() as transaction:
        await transaction.lock({other for one in waiting for other in one.after})
        return await transaction.advance(sorted({one.cohort_id for one in waiting}), at)


async def settled(
    ledger: Ledger, copies: Sequence[SettledCopy], at: datetime
) -> list[ConfirmedPhase]:
    """Put on record that copies are settled; return the phases that are confirmed by it.

    In two transactions, as `waited_for_already` comes after an opening: of the two that look, the later
    one sees what both have written. There may be no request to lock, since some end before they are known.
    """
    async with ledger.transaction() as transaction:
        await transaction.settle_copies(copies)
    async with ledger.transaction() as transaction:
        cohorts = await transaction.awaiting({one.request_id for one in copies})
        return await transaction.advance(sorted(cohorts), at) if cohorts else []
