"""What is missing is shown by who owes it, and answers by who gave them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_verifier.application.tally import Tally
from dsr_verifier.metrics import Metrics
from dsr_verifier.ports import Owed
from dsr_verifier.worker.measuring import Measuring
from support.parts import example_registry

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BILLING = {"organisation_id": "ucloud-us", "system_id": "billing"}


class Owing:
    def __init__(self, *found: Owed) -> None:
        self.found = list(found)

    async def owed(self) -> list[Owed]:
        return self.found


async def test_what_a_system_owes_is_shown_until_it_owes_nothing() -> None:
    metrics = Metrics()
    owing = Owing(Owed("ucloud-us", "billing", 12, NOW - timedelta(hours=3)))
    measuring = Measuring(owing, metrics, lambda: NOW)
    await measuring.measure()
    value = metrics.registry.get_sample_value
    assert value("dsr_verifier_missing_obligations", BILLING) == 12
    assert value("dsr_verifier_missing_age_seconds", BILLING) == 3 * 3600
    owing.found = []
    await measuring.measure()
    assert value("dsr_verifier_missing_obligations", BILLING) == 0
    assert value("dsr_verifier_missing_age_seconds", BILLING) == 0
    assert value("dsr_verifier_measured_timestamp_seconds") == NOW.timestamp()


def test_an_answer_is_counted_for_its_system_and_organisation() -> None:
    registry, metrics = example_registry(), Metrics()
    metrics.newest = registry.system
    [system] = [one for one in registry.systems if one.id == "billing"]
    tally, more = Tally(), Tally()
    tally.given.update([(system.id, Disposition.ERASED)] * 2)
    more.given.update([(system.id, Disposition.ERASED), (SystemId("gone"), Disposition.FAILED)])
    tally.add(more)
    metrics.count(tally)

    def given(organisation_id: str, system_id: str, disposition: str) -> float | None:
        labels = {
            "organisation_id": organisation_id,
            "system_id": system_id,
            "disposition": disposition,
        }
        return metrics.registry.get_sample_value("dsr_verifier_system_answers_total", labels)

    assert given(system.organisation_id, "billing", "erased") == 3
    assert given("other", "gone", "failed") == 1
