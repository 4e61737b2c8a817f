"""How many people were not told that their requests arrived, by whether the date for it has passed."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry

from dsr_core.law.calendars import Term
from dsr_core.law.rules import ACKNOWLEDGE_RECEIPT_BY, Regime
from dsr_intake.application.dating import Dating
from dsr_intake.application.receipts import Receipts
from dsr_intake.metrics import Metrics
from dsr_intake.model import Letter, LetterKind, LetterState, RequestView
from support.builders import NOW, a_regime, a_request_id, days, the_rules
from support.intake_fakes import FakeRegistryView, a_letter, a_request_view, no_holidays


def telling() -> Regime:
    """A regime that has people told within 10 days."""
    one = a_regime("telling", jurisdictions=("US-CA",))
    [rule] = one.rules
    receipt = replace(rule, name=ACKNOWLEDGE_RECEIPT_BY, term=Term.parse("10 days"))
    return replace(one, rules=(rule, receipt))


RULES = the_rules(a_regime(), telling())


class Store:
    def __init__(self, found: list[tuple[RequestView, Letter]]) -> None:
        self.found, self.pages = found, 0

    async def unsent(self, *, after: str | None, limit: int) -> list[tuple[RequestView, Letter]]:
        self.pages += 1
        return [each for each in self.found if after is None or each[0].request_id > after][:limit]


def a_bounced(number: int = 1, *, ago: int, regime: str = "telling") -> tuple[RequestView, Letter]:
    one = a_request_view(
        request_id=a_request_id(number),
        regime=regime,
        rules_digest=RULES.digest,
        received_at=NOW - days(ago),
    )
    letter = a_letter(
        request_id=one.request_id,
        kind=LetterKind.RECEIVED,
        state=LetterState.BOUNCED,
        settled_at=NOW,
        reason="smtp_550",
    )
    return one, letter


class Measured:
    """What is shown once a store has been counted."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        self._receipts = Receipts(
            store=store,
            registry=FakeRegistryView(None, RULES),
            dating=Dating(no_holidays),
            metrics=Metrics(self._registry),
            clock=lambda: NOW,
        )

    async def shown(self, regime: str = "telling") -> tuple[float | None, float | None]:
        """How many have their date ahead, and how many have it behind them."""
        await self._receipts.measure()
        ahead, passed = (
            self._registry.get_sample_value(
                "dsr_intake_receipts_untold", {"regime": regime, "date": date}
            )
            for date in ("ahead", "passed")
        )
        return ahead, passed


async def test_they_are_counted_until_they_are_told() -> None:
    store = Store([a_bounced(1, ago=3), a_bounced(2, ago=4), a_bounced(3, ago=20)])
    measured = Measured(store)
    assert await measured.shown() == (2, 1)
    store.found = []
    assert await measured.shown() == (0, 0)


async def test_a_regime_without_such_a_date_has_no_series_and_one_with_it_begins_at_zero() -> None:
    measured = Measured(Store([a_bounced(ago=20, regime="default")]))
    assert await measured.shown() == (0, 0)
    assert await measured.shown("default") == (None, None)


async def test_more_than_a_page_are_counted() -> None:
    found = [a_bounced(number, ago=3) for number in range(450)]
    store = Store(found)
    assert await Measured(store).shown() == (450, 0)
    assert store.pages == 3
