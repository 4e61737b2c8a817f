"""What is missing is shown by who owes it, and answers by who gave them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from unit.verifier.world import a_new_request_id, answer, batch

from dsr_core.errors import RejectedInput
from dsr_core.ids import SystemId
from dsr_core.rights import Disposition
from dsr_verifier.application.tally import Tally
from dsr_verifier.metrics import Metrics
from dsr_verifier.ports import Owed, Refusal
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
    owing = Owing(
        Owed("ucloud-us", "billing", 12, NOW - timedelta(hours=3), NOW + timedelta(days=2))
    )
    measuring = Measuring(owing, metrics, lambda: NOW)
    await measuring.measure()
    value = metrics.registry.get_sample_value
    assert value("dsr_verifier_missing_obligations", BILLING) == 12
    assert value("dsr_verifier_missing_age_seconds", BILLING) == 3 * 3600
    assert value("dsr_verifier_missing_due_seconds", BILLING) == 2 * 86_400
    owing.found = []
    await measuring.measure()
    assert value("dsr_verifier_missing_obligations", BILLING) == 0
    assert value("dsr_verifier_missing_age_seconds", BILLING) == 0
    assert value("dsr_verifier_missing_due_seconds", BILLING) == 0
    assert value("dsr_verifier_measured_timestamp_seconds") == NOW.timestamp()


async def test_the_nearest_date_is_shown_and_one_that_has_passed_is_negative() -> None:
    metrics = Metrics()
    owed = Owed("ucloud-us", "billing", 1, NOW - timedelta(days=31), NOW - timedelta(days=1))
    await Measuring(Owing(owed), metrics, lambda: NOW).measure()
    assert metrics.registry.get_sample_value("dsr_verifier_missing_due_seconds", BILLING) == -86_400


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


def test_how_long_it_took_to_confirm_is_shown_by_organisation() -> None:
    registry, metrics = example_registry(), Metrics()
    metrics.newest = registry.system
    metrics.count(Tally(confirmed=[(SystemId("billing"), 5.0), (SystemId("gone"), 86_400.0)]))

    def value(sample: str, organisation_id: str) -> float | None:
        labels = {"organisation_id": organisation_id}
        return metrics.registry.get_sample_value(f"dsr_verifier_confirm_seconds_{sample}", labels)

    owner = registry.system("billing").organisation_id
    assert (value("count", owner), value("sum", owner)) == (1, 5.0)
    assert (value("count", "other"), value("sum", "other")) == (1, 86_400.0)


def test_a_refused_answer_is_counted_for_who_it_says_it_is_from() -> None:
    registry, metrics = example_registry(), Metrics()
    metrics.newest = registry.system
    received = batch(answer(a_new_request_id(), "billing"), by="billing")
    rubbish = replace(received, value=b"rubbish")
    metrics.count(
        Tally(
            refusals=[
                Refusal(received, RejectedInput("not_addressed", "owes nothing")),
                Refusal(received, RejectedInput("bad_signature", "not signed by it")),
                Refusal(rubbish, RejectedInput("malformed", "cannot be read")),
            ]
        )
    )

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"dsr_verifier_{name}_total", labels)

    owner = registry.system("billing").organisation_id
    refused = "system_answers_refused"
    assert value(refused, organisation_id=owner, reason="not_addressed") == 1
    assert value(refused, organisation_id=owner, reason="bad_signature") == 1
    assert value(refused, organisation_id="other", reason="malformed") == 1
    assert value("signatures_refused", reason="bad_signature") == 1
