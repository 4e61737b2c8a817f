"""Ids: their form, and that UUIDv7 sorts by time."""

from __future__ import annotations

import uuid

import pytest

from dsr_core.cohorts import COHORT_LIMIT, CohortKey, workflow_id
from dsr_core.ids import is_slug, is_uuid, uuid7
from dsr_core.plan import Scope
from dsr_core.rights import Right
from support.builders import NOW, a_cohort_id, a_registry, the_rules


def test_uuid7_is_the_example_of_rfc_9562() -> None:
    # Appendix A.6: 0x017F22E279B0, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
    randomness = ((0xCC3 << 64) | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert uuid7(0x017F22E279B0, randomness) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@pytest.mark.parametrize("randomness", [b"\x00" * 10, b"\xff" * 10, bytes(range(10))])
def test_uuid7_has_version_7_and_the_rfc_variant(randomness: bytes) -> None:
    made = uuid7(1_700_000_000_000, randomness)
    assert is_uuid(made)
    assert uuid.UUID(made).version == 7
    assert uuid.UUID(made).variant == uuid.RFC_4122
    assert uuid.UUID(made).int >> 80 == 1_700_000_000_000


def test_uuid7_sorts_by_time() -> None:
    made = [uuid7(at, b"\xff" * 10) for at in (1, 2, 1_700_000_000_000, 1_700_000_000_001)]
    assert made == sorted(made)


def test_uuid7_takes_no_more_than_48_bits_of_time() -> None:
    assert uuid7((1 << 48) + 5, bytes(10)) == uuid7(5, bytes(10))


@pytest.mark.parametrize("text", ["a", "crm", "crm-2", "a1-b2-c3", "x" * 48])
def test_slugs(text: str) -> None:
    assert is_slug(text)


@pytest.mark.parametrize(
    "text", ["", "A", "1a", "a_b", "a--b", "-a", "a-", "a.b", "a\n", "x" * 49, "é"]
)
def test_no_slugs(text: str) -> None:
    assert not is_slug(text)


@pytest.mark.parametrize(
    "text", ["", "0" * 32, "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", f"{uuid.UUID(int=1)}\n"]
)
def test_no_uuids(text: str) -> None:
    assert not is_uuid(text)


def test_a_workflow_is_named_for_its_cohort() -> None:
    assert workflow_id(a_cohort_id()) == f"dsr-{a_cohort_id()}"


def test_equal_cohort_keys_are_one_key() -> None:
    def key() -> CohortKey:
        return CohortKey(
            Right.ACCESS,
            "default",
            "DE",
            Scope(),
            ("email",),
            a_registry().digest,
            the_rules().digest,
            NOW.date(),
            NOW,
        )

    assert {key(), key()} == {key()}
    assert COHORT_LIMIT == 250
