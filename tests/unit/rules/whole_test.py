"""What rules can have wrong as a whole, each of which is sound: what intake could not count by."""

from pathlib import Path

import pytest
from unit.rules.conftest import GOOD
from unit.rules.finding import FindFaults, the_fault

from dsr_cli.rules import load_rules

PROOF = """\
  - name: verify_identity_by
    version: 1
    in_force_from: 2018-05-25
    rights: [access, deletion]
    counts_from: received
    term: 1 month
    citation: the policy
"""
TIER = GOOD[GOOD.index("  - { percent: 50") :]
ITS = "version: 1, in_force_from: 2020-07-01, citation: the policy }\n"
GUARDIAN = f"  - {{ role: guardian, needs: [consent], {ITS}"
PAYMENT = f"  - {{ categories: [user.payment], accepts: [operator], rights: [access], {ITS}"


def later(entry: str, day: str) -> str:
    """The second version of an entry, in force from a day."""
    return entry.replace("version: 1", "version: 2").replace("2020-07-01", day)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "counts_from: received", "counts_from: refused",
            "a.yaml:8: respond_by counts from refused, which need not come; "
            "count it from received or identity_proven",
            id="answer_after_a_refusal",
        ),
        pytest.param(
            "counts_from: received", "counts_from: identity_proven",
            "a.yaml:8: respond_by waits for the proof of identity without an end for access; "
            "add verify_identity_by, counted from received",
            id="proof_without_an_end",
        ),
        pytest.param(
            TIER, TIER * 2,
            "a.yaml:20: remind_systems at 50 % stands twice; keep one of the two",
            id="tier_twice",
        ),
        pytest.param(
            TIER, TIER + TIER.replace("50", "60").replace("2020-07-01", "2020-08-01"),
            "a.yaml:20: version 1 of the tiers is in force from 2020-08-01 and 2020-07-01; "
            "give all tiers of a version the same day",
            id="tiers_of_one_version_and_two_days",
        ),
        pytest.param(
            TIER, TIER + later(TIER, "2020-07-01"),
            "a.yaml:20: tiers version 2 is in force from 2020-07-01, no later than version 1; "
            "give the higher version to what comes into force later",
            id="tiers_that_are_not_later",
        ),
        pytest.param(
            "tiers:\n", f"authority:\n{GUARDIAN}{GUARDIAN}tiers:\n",
            "a.yaml:20: role 'guardian' stands twice in version 1; "
            "give the newer one the next version",
            id="role_twice",
        ),
        pytest.param(
            "tiers:\n", f"authority:\n{later(GUARDIAN, '2019-01-01')}{GUARDIAN}tiers:\n",
            "a.yaml:19: role 'guardian' version 2 is in force from 2019-01-01, "
            "no later than version 1; give the higher version to what comes into force later",
            id="role_that_is_not_later",
        ),
        pytest.param(
            "tiers:\n", f"assurance:\n{PAYMENT}{PAYMENT}tiers:\n",
            "a.yaml:20: assurance of user.payment for access stands twice in version 1; "
            "give the newer one the next version",
            id="assurance_twice",
        ),
        pytest.param(
            "tiers:\n", f"assurance:\n{PAYMENT}{later(PAYMENT, '2020-07-01')}tiers:\n",
            "a.yaml:20: assurance of user.payment for access version 2 is in force from 2020-07-01, "
            "no later than version 1; give the higher version to what comes into force later",
            id="assurance_that_is_not_later",
        ),
        pytest.param(
            "    moved_by", "    unanswered: an act\n    moved_by",
            "a.yaml:8: unanswered: respond_by does not count from a refusal; "
            "leave it out, or count from refused",
            id="silence_that_refuses_an_answer",
        ),
    ],
)  # fmt: skip
def test_what_intake_could_not_count_by(
    files: tuple[str, str], faults_of: FindFaults, old: str, new: str, expected: str
) -> None:
    good, default = files
    assert old in good
    assert the_fault(faults_of(good.replace(old, new, 1), default)) == expected


def test_a_proof_that_has_an_end_may_be_waited_for(good: str, default: str, tmp_path: Path) -> None:
    waits = good.replace("counts_from: received", "counts_from: identity_proven")
    (tmp_path / "a.yaml").write_text(waits.replace("tiers:", f"{PROOF}tiers:"))
    (tmp_path / "b.yaml").write_text(default)
    assert load_rules(tmp_path).regime("gdpr") is not None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rights: [access, deletion]", "rights: [access]"),
        ("2018-05-25", "2018-05-26"),
        ("counts_from: received", "counts_from: identity_proven"),
    ],
)
def test_an_end_of_another_right_or_of_later_or_of_the_proof_itself_is_none(
    good: str, default: str, faults_of: FindFaults, old: str, new: str
) -> None:
    waits = good.replace("counts_from: received", "counts_from: identity_proven")
    found = faults_of(waits.replace("tiers:", f"{PROOF.replace(old, new)}tiers:"), default)
    assert "waits for the proof of identity without an end" in the_fault(found)


@pytest.mark.parametrize("day", ["2018-05-24", "2018-05-25"])
def test_a_newer_version_that_is_not_later(
    good: str, default: str, faults_of: FindFaults, day: str
) -> None:
    rule = good[good.index("  - name") : good.index("tiers:")]
    newer = rule.replace("version: 1", "version: 2").replace("2018-05-25", day)
    assert the_fault(faults_of(good.replace("tiers:", f"{newer}tiers:"), default)) == (
        f"a.yaml:18: respond_by version 2 is in force from {day}, no later than version 1; "
        "give the higher version to what comes into force later"
    )


def test_later_versions_of_what_stands_beside_the_dates_are_no_fault(
    good: str, default: str, tmp_path: Path
) -> None:
    beside = "".join(
        f"{key}:\n{one}{later(one, '2021-01-01')}"
        for key, one in (("tiers", TIER), ("authority", GUARDIAN), ("assurance", PAYMENT))
    )
    (tmp_path / "a.yaml").write_text(good.partition("tiers:")[0] + beside)
    (tmp_path / "b.yaml").write_text(default)
    regime = load_rules(tmp_path).regime("gdpr")
    assert regime is not None
    for entries in (regime.tiers, regime.authority, regime.assurance):
        assert [one.version for one in entries] == [1, 2]
