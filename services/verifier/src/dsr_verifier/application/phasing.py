"""Phasing: which cohorts may have come a phase further by what one transaction has changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from dsr_verifier.ports import LedgerRequest, Transaction
from dsr_wire.codec.phases import ConfirmedPhase

__all__ = ["advanced"]


async def advanced(
    transaction: Transaction, requests: Iterable[LedgerRequest], at: datetime
) -> list[ConfirmedPhase]:
    """Put on record which phases are confirmed by now; return the new ones.

    Args:
        transaction: The one that has written the change.
        requests: Those that were changed. One that has left its cohort may have been the last there.
        at: When.
    """
    cohorts = {
        cohort_id
        for one in requests
        if one.phases
        for cohort_id in (one.cohort_id, one.home_cohort_id)
    }
    return await transaction.advance(sorted(cohorts), at) if cohorts else []
