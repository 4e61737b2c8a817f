"""Receipts: where a law dates it, whoever was not told that their request arrived is counted."""

from __future__ import annotations

from dsr_core.law.rules import ACKNOWLEDGE_RECEIPT_BY, Regime
from dsr_intake.application.clock import Clock
from dsr_intake.application.dating import Dating
from dsr_intake.application.paging import each_of
from dsr_intake.application.promises import receipt_untold
from dsr_intake.metrics import Metrics
from dsr_intake.model import Letter, RequestView
from dsr_intake.ports import ReceiptStore, RegistryView
from dsr_runtime.metrics import show_all

__all__ = ["Receipts"]

_AT_ONCE = 200


class Receipts:
    """Counts receipts that are untold. Every replica counts all of them, so that none has to be asked."""

    def __init__(
        self,
        *,
        store: ReceiptStore,
        registry: RegistryView,
        dating: Dating,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._dating = dating
        self._metrics = metrics
        self._clock = clock

    async def measure(self) -> None:
        """Show by regime of how many the date is ahead, and of how many it has passed.

        Raises:
            Unavailable: The store is away, or rules that a request pins; what was shown before stays.
        """
        untold = self._none()
        async for one, letter in each_of(self._store.unsent, at_once=_AT_ONCE):
            date = await self._date(one, letter)
            if date is not None:
                key = (one.regime, date)
                untold[key] = untold.get(key, 0.0) + 1
        show_all(self._metrics.receipts_untold, untold)

    def _none(self) -> dict[tuple[object, ...], float]:
        """Return zero for every regime that has such a date, so that a first one is seen as a rise."""
        rules = self._registry.current_rules
        names = [one.name for one in rules.regimes if _dates_receipts(one)] if rules else []
        return {(name, date): 0.0 for name in names for date in ("ahead", "passed")}

    async def _date(self, one: RequestView, letter: Letter) -> str | None:
        """Return whether the date of a receipt that is untold is ahead or has passed; none of others."""
        regime = self._dating.regime(await self._registry.rules(one.rules_digest), one)
        if not _dates_receipts(regime):
            return None
        now, dates = self._clock(), self._dating.timeline(regime, one)
        risk = receipt_untold(one, dates, [letter], contact=None, now=now)
        if risk is None or risk.by is None:
            return None
        return "passed" if risk.by < now else "ahead"


def _dates_receipts(regime: Regime) -> bool:
    return any(one.name == ACKNOWLEDGE_RECEIPT_BY for one in regime.rules)
