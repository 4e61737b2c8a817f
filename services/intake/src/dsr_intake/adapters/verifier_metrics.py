"""What the verifier counts for those who watch it, read from its metrics."""

from __future__ import annotations

from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.metrics import OTHER, verifier
from dsr_intake.model.console import LedgerMeasures, Missing

__all__ = ["measures"]

_READ = {
    one.name: one
    for one in (
        verifier.MISSING,
        verifier.MISSING_AGE,
        verifier.OUTBOX_RECORDS,
        verifier.OUTBOX_AGE,
        verifier.MEASURED_AT,
    )
}


def measures(text: str) -> LedgerMeasures:
    """Read an exposition.

    Raises:
        ValueError: It is none.
    """
    shown: dict[str, dict[tuple[str, str], float]] = {name: {} for name in _READ}
    for family in text_string_to_metric_families(_wanted(text)):
        for sample in family.samples:
            labels = sample.labels
            by = (labels.get("organisation_id", ""), labels.get("system_id", ""))
            shown[family.name][by] = sample.value

    def one(name: str) -> float:
        return shown[name].get(("", ""), 0.0)

    measured_at = one(verifier.MEASURED_AT.name)
    ages = shown[verifier.MISSING_AGE.name]
    return LedgerMeasures(
        outbox_records=int(one(verifier.OUTBOX_RECORDS.name)),
        outbox_age_s=one(verifier.OUTBOX_AGE.name),
        measured_at=datetime.fromtimestamp(measured_at, UTC) if measured_at else None,
        missing=tuple(
            Missing(
                OrganisationId(owner), SystemId(system), int(count), ages.get((owner, system), 0.0)
            )
            for (owner, system), count in sorted(shown[verifier.MISSING.name].items())
            if count and OTHER not in {owner, system}
        ),
    )


def _wanted(text: str) -> str:
    """Return the lines of what is read: the rest would be parsed for nothing."""
    lines = text.splitlines(keepends=True)
    return "".join(
        one
        for one in lines
        if not one.startswith("#") and one.partition("{")[0].split()[0] in _READ
    )
