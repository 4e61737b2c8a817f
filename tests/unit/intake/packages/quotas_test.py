"""Quotas: what one system may hand over, what all may, and who gives way."""

from __future__ import annotations

import pytest

from dsr_core.exports import Delivery
from dsr_core.ids import SystemId
from dsr_intake.application.packages.assembling import BadExport, SystemAssembly
from dsr_intake.application.packages.quotas import Quotas

QUOTAS = Quotas(system_bytes=1000, system_files=50, files=80)


def handed_over(system_id: str, *, files: int, size: int = 10) -> SystemAssembly:
    delivery = Delivery(
        export_id="export",
        sealed_key=b"",
        size=size,
        index_size=1,
        index_digest=b"",
        files=files,
    )
    return SystemAssembly(system_id=SystemId(system_id), told={}, delivery=delivery)


NOTHING = SystemAssembly(system_id=SystemId("backup"), told={}, delivery=None)


def test_what_is_just_within_passes() -> None:
    QUOTAS.check(
        [handed_over("crm", files=50, size=1000), handed_over("mailer", files=30), NOTHING]
    )


@pytest.mark.parametrize(
    ("files", "size", "reason", "told"),
    [
        (1, 1001, "too_large", "1,001 bytes, and one system may hand over 1,000"),
        (51, 10, "too_many_files", "51 files, and one system may hand over 50"),
    ],
)
def test_a_system_that_is_beyond_is_named_with_the_limit(
    files: int, size: int, reason: str, told: str
) -> None:
    with pytest.raises(BadExport) as caught:
        QUOTAS.check([handed_over("mailer", files=1), handed_over("crm", files=files, size=size)])
    assert (caught.value.system_id, caught.value.reason) == ("crm", reason)
    assert str(caught.value) == f"the export of crm cannot be used: {reason} ({told})"


def test_where_all_are_beyond_together_whoever_has_the_most_files_gives_way() -> None:
    systems = [handed_over(*one[:1], files=one[1]) for one in (("a", 30), ("b", 45), ("c", 6))]
    with pytest.raises(BadExport, match="45 of 81 files, and a package may have 80") as caught:
        QUOTAS.check(systems)
    assert (caught.value.system_id, caught.value.reason) == ("b", "too_many_files")
