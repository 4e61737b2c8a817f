"""What is open is shown by law, with when it is due; what ends is counted with its promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from dsr_core.closing import Outcome
from dsr_core.lifecycle import State
from dsr_core.metrics.intake import DUE_LABELS, DUE_WITHIN
from dsr_core.rights import Right
from dsr_intake.application.measuring import Measuring
from dsr_intake.metrics import Metrics
from dsr_intake.model import Answer
from dsr_intake.model.promises import OpenRequests, Promise
from support.builders import a_cohort_id, a_request_id

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATE, WITHIN_DAY, NO_DATE_NEAR = 0, 2, len(DUE_WITHIN)


class Store:
    def __init__(self, *found: OpenRequests) -> None:
        self.found = list(found)

    async def open_requests(self, bounds: Sequence[float], at: datetime) -> list[OpenRequests]:
        assert (bounds, at) == (DUE_WITHIN, NOW)
        return self.found


def some(members: int, place: int, *, regime: str = "gdpr", days: int = 1) -> OpenRequests:
    return OpenRequests("deletion", regime, place, members, NOW - timedelta(days=days))


async def test_what_is_open_is_shown_by_law_and_by_when_it_is_due() -> None:
    registry = CollectorRegistry()
    store = Store(some(2, LATE, days=40), some(5, WITHIN_DAY), some(7, NO_DATE_NEAR, regime="ccpa"))
    measuring = Measuring(store, Metrics(registry), lambda: NOW)
    await measuring.measure()

    def value(name: str, regime: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"right": "deletion", "regime": regime, **labels})

    assert value("dsr_intake_open_requests", "gdpr") == 7
    assert value("dsr_intake_open_requests", "ccpa") == 7
    assert value("dsr_intake_open_age_seconds", "gdpr") == timedelta(days=40).total_seconds()
    due = {
        bound: value("dsr_intake_open_due_seconds_bucket", "gdpr", le=bound) for bound in DUE_LABELS
    }
    assert due["0"] == due["21600"] == 2
    assert due["86400"] == due["+Inf"] == 7
    assert value("dsr_intake_open_due_seconds_bucket", "ccpa", le="7776000") == 0
    assert value("dsr_intake_open_due_seconds_bucket", "ccpa", le="+Inf") == 7
    assert registry.get_sample_value("dsr_intake_measured_timestamp_seconds") == NOW.timestamp()

    store.found = []
    await measuring.measure()
    assert value("dsr_intake_open_requests", "gdpr") == 0
    assert value("dsr_intake_open_age_seconds", "gdpr") == 0
    assert value("dsr_intake_open_due_seconds_bucket", "gdpr", le="0") == 0


async def test_what_may_be_late_is_counted_from_nought() -> None:
    """A counter that appears with its first count has not grown, and an alert on its growth is silent."""
    registry = CollectorRegistry()
    await Measuring(Store(some(2, WITHIN_DAY)), Metrics(registry), lambda: NOW).measure()
    law = {"right": "deletion", "regime": "gdpr", "promise": "broken"}
    for outcome in Outcome:
        labels = {**law, "outcome": outcome.value}
        assert registry.get_sample_value("dsr_intake_answered_total", labels) == 0


PROMISE = Promise(
    right=Right.DELETION,
    regime="gdpr",
    received_at=NOW - timedelta(days=3),
    accepted_at=NOW - timedelta(days=2),
    due_at=NOW,
)
END = Answer(
    request_id=a_request_id(),
    cohort_id=a_cohort_id(),
    state=State.ANSWERED,
    outcome=Outcome.FULFILLED,
    closed_at=NOW - timedelta(hours=1),
    answered_at=NOW,
    promise=PROMISE,
)


def test_an_answer_is_counted_with_whether_its_promise_was_kept() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    late = replace(END, answered_at=NOW + timedelta(seconds=1))
    metrics.count_ends([END, late, replace(END, answered_at=None), replace(END, promise=None)])

    def answered(promise: str) -> float | None:
        labels = {"right": "deletion", "regime": "gdpr", "outcome": "fulfilled", "promise": promise}
        return registry.get_sample_value("dsr_intake_answered_total", labels)

    assert (answered("kept"), answered("broken")) == (1, 1)
    law = {"right": "deletion", "regime": "gdpr"}
    days = timedelta(days=3).total_seconds()
    assert registry.get_sample_value("dsr_intake_answer_seconds_sum", law) == 2 * days + 1


def test_an_answer_while_the_clock_stands_still_keeps_its_promise() -> None:
    registry = CollectorRegistry()
    undated = replace(END, promise=replace(PROMISE, due_at=None))
    Metrics(registry).count_ends([undated])
    labels = {"right": "deletion", "regime": "gdpr", "outcome": "fulfilled", "promise": "kept"}
    assert registry.get_sample_value("dsr_intake_answered_total", labels) == 1


def test_a_closure_is_counted_once_though_its_answer_comes_later() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.count_ends([replace(END, answered_at=None)])
    metrics.count_ends([replace(END, was_closed=True)])
    law = {"right": "deletion", "regime": "gdpr"}
    assert registry.get_sample_value("dsr_intake_closure_seconds_count", law) == 1
    hours = timedelta(days=2, hours=-1).total_seconds()
    assert registry.get_sample_value("dsr_intake_closure_seconds_sum", law) == hours
