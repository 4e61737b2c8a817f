"""Each fault that a rules file can have, by name."""

from pathlib import Path

import pytest
from unit.rules.conftest import DEFAULT
from unit.rules.finding import FindFaults, the_fault

from dsr_cli.rules import load_rules


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "holidays: DE", "holyday: DE", "a.yaml:5: unknown key 'holyday'; did you mean 'holidays'?",
            id="unknown_key",
        ),
        pytest.param(
            "    moved_by", "    move_by", "a.yaml:14: unknown key 'move_by'; did you mean 'moved_by'?",
            id="unknown_key_of_a_rule",
        ),
        pytest.param(
            "zone: Europe/Berlin\n", "", "a.yaml:1: file: missing key 'zone'; add it, like 'zone: Europe/Berlin'",
            id="no_zone",
        ),
        pytest.param(
            "    counts_from: received\n", "", "a.yaml:8: rule: missing key 'counts_from'; add it, like 'counts_from: received'",
            id="no_start",
        ),
        pytest.param(
            "    citation: GDPR art. 12(3)\n", "", "a.yaml:8: rule: missing key 'citation'; add it, like 'citation: GDPR art. 12(3)'",
            id="no_citation",
        ),
        pytest.param(
            "{ term: 2 months, citation: GDPR art. 12(3) }", "{ term: 2 months }",
            "a.yaml:16: extension: missing key 'citation'; "
            "add it, like 'citation: GDPR art. 12(3), second sentence'",
            id="extension_without_citation",
        ),
        pytest.param(
            "{ term: 2 months, citation: GDPR art. 12(3) }", "2 months",
            "a.yaml:16: extension: expected a mapping, found text; write its keys: term, citation",
            id="extension_that_is_a_text",
        ),
        pytest.param(
            "{ term: 2 months,", "{ term: 60 days,",
            "a.yaml:8: extension: counted in another unit than the term; use months",
            id="extension_in_another_unit",
        ),
        pytest.param(
            "regime: gdpr", "regime: GDPR",
            "a.yaml:1: regime: 'GDPR' is not lower-case words joined by underscores; write it like 'uk_gdpr'",
            id="name_in_upper_case",
        ),
        pytest.param(
            "zone: Europe/Berlin", "zone: Europe/Bonn",
            "a.yaml:4: zone: 'Europe/Bonn' is no IANA time zone; write it like 'Europe/Berlin'",
            id="unknown_zone",
        ),
        pytest.param(
            "zone: Europe/Berlin", "zone: Europe",
            "a.yaml:4: zone: 'Europe' is no IANA time zone; write it like 'Europe/Berlin'",
            id="zone_that_is_a_folder",
        ),
        pytest.param(
            "zone: Europe/Berlin", "zone: ../../etc/passwd",
            "a.yaml:4: zone: '../../etc/passwd' is no IANA time zone; write it like 'Europe/Berlin'",
            id="zone_that_climbs",
        ),
        pytest.param(
            "zone: Europe/Berlin", "zone: +01:00",
            "a.yaml:4: zone: '+01:00' is no IANA time zone; write it like 'Europe/Berlin'",
            id="zone_that_is_an_offset",
        ),
        pytest.param(
            "holidays: DE", "holidays: Germany",
            "a.yaml:5: holidays: 'Germany' is no ISO 3166 code; write it like 'DE' or 'US-CA', or 'requester'",
            id="holidays_of_no_code",
        ),
        pytest.param(
            "[DE, FR]", "[DE, fr]",
            "a.yaml:6: jurisdiction: 'fr' is no ISO 3166 code; write it like 'DE' or 'US-CA'",
            id="jurisdiction_in_lower_case",
        ),
        pytest.param(
            "[DE, FR]", "[DE, UK]",
            "a.yaml:6: jurisdiction: 'UK' is no ISO 3166 code; write it like 'DE' or 'US-CA'",
            id="jurisdiction_uk",
        ),
        pytest.param(
            "[DE, FR]", "[DE, ZZ-1]",
            "a.yaml:6: jurisdiction: 'ZZ-1' is no ISO 3166 code; write it like 'DE' or 'US-CA'",
            id="part_of_no_country",
        ),
        pytest.param(
            "[DE, FR]", "[DE, NO]",
            "a.yaml:6: jurisdiction: expected text, found a truth value; put it in quotes",
            id="norway",
        ),
        pytest.param(
            "[DE, FR]", "DE", "a.yaml:6: jurisdictions: expected a list, found text; write each entry on a line, after '- '",
            id="jurisdictions_that_are_a_text",
        ),
        pytest.param(
            "[DE, FR]", "[DE, FR, DE]", "a.yaml:6: jurisdiction 'DE' is taken, at a.yaml:6; keep it in one place",
            id="jurisdiction_twice",
        ),
        pytest.param(
            "jurisdictions: [DE, FR]\n", "",
            "a.yaml:1: gdpr names no jurisdiction; list the codes it applies in",
            id="no_jurisdiction",
        ),
        pytest.param(
            "name: respond_by", "name: answer_by",
            "a.yaml:8: unknown rule name 'answer_by'; did you mean 'answer_appeal_by'?",
            id="unknown_rule",
        ),
        pytest.param(
            "name: respond_by", "name: complain_by",
            "a.yaml:1: gdpr has no respond_by; every regime says by when the person has the answer",
            id="no_date_to_answer_by",
        ),
        pytest.param(
            "version: 1", "version: one", "a.yaml:9: version: expected a whole number, 1 to 10000; write it like 1",
            id="version_in_words",
        ),
        pytest.param(
            "version: 1", "version: 0", "a.yaml:9: version: expected a whole number, 1 to 10000; write it like 1",
            id="version_nought",
        ),
        pytest.param(
            "version: 1", "version: 1.0", "a.yaml:9: version: expected a whole number, 1 to 10000; write it like 1",
            id="version_with_a_point",
        ),
        pytest.param(
            "version: 1", "version: -1", "a.yaml:9: version: expected a whole number, 1 to 10000; write it like 1",
            id="version_below_nought",
        ),
        pytest.param(
            "version: 1", "version: 010", "a.yaml:9: version: expected a whole number, 1 to 10000; write it like 1",
            id="version_in_octal",
        ),
        pytest.param(
            "version: 1", f"version: {'9' * 5000}",
            "a.yaml:9: version: expected a whole number, 1 to 10000; write it like 1",
            id="version_of_five_thousand_digits",
        ),
        pytest.param(
            "version: 1", "version: '1'", "a.yaml:9: version: expected a whole number, 1 to 10000; write it like 1",
            id="version_that_is_a_text",
        ),
        pytest.param(
            "in_force_from: 2018-05-25", "in_force_from: 25.05.2018",
            "a.yaml:10: in_force_from: expected a day; write it as 2026-01-31",
            id="date_of_another_form",
        ),
        pytest.param(
            "in_force_from: 2018-05-25", "in_force_from: 2018-02-30",
            "a.yaml:10: in_force_from: expected a day; write it as 2026-01-31",
            id="date_that_never_was",
        ),
        pytest.param(
            "in_force_from: 2018-05-25", "in_force_from: 20180525",
            "a.yaml:10: in_force_from: expected a day; write it as 2026-01-31",
            id="date_without_hyphens",
        ),
        pytest.param(
            "in_force_from: 2018-05-25", "in_force_from: [2018-05-25]",
            "a.yaml:10: in_force_from: expected a day; write it as 2026-01-31",
            id="date_that_is_a_list",
        ),
        pytest.param(
            "[access, deletion]", "[access, erasure]",
            "a.yaml:11: unknown right 'erasure'; known are access, correction, deletion, objection, opt_out, "
            "portability, restriction",
            id="unknown_right",
        ),
        pytest.param(
            "[access, deletion]", "[]", "a.yaml:11: rights: must name at least one right; known are access, correction, deletion, objection, opt_out, "
            "portability, restriction",
            id="no_right",
        ),
        pytest.param(
            "[access, deletion]", "[access, access]",
            "a.yaml:11: right 'access' stands twice in this list; keep one of the two",
            id="right_twice",
        ),
        pytest.param(
            "counts_from: received", "counts_from: recieved",
            "a.yaml:12: unknown fact 'recieved'; did you mean 'received'?",
            id="unknown_start",
        ),
        pytest.param(
            "counts_from: received", "counts_from: clarification_asked",
            "a.yaml:12: unknown fact 'clarification_asked'; "
            "known are answered, appealed, identity_proven, received, refused",
            id="start_that_may_come_often",
        ),
        pytest.param(
            "term: 1 month\n", "term: one month\n",
            "a.yaml:13: term: 'one month' is no term; "
            "write it as '45 days', '10 business days', '1 month' or '2 years'",
            id="term_in_words",
        ),
        pytest.param(
            "term: 1 month\n", "term: 30\n",
            "a.yaml:13: term: expected text, found a number; put it in quotes",
            id="term_without_unit",
        ),
        pytest.param(
            "term: 1 month\n", "term: 101 months\n",
            "a.yaml:13: term: '101 months' is no term; at most 100 of these",
            id="term_of_a_lifetime",
        ),
        pytest.param(
            "term: 2 months", "term: 2 moons",
            "a.yaml:16: term: '2 moons' is no term; "
            "write it as '45 days', '10 business days', '1 month' or '2 years'",
            id="term_of_the_extension",
        ),
        pytest.param(
            "moved_by: Regulation 1182/71 art. 3(4)", "moved_by: true",
            "a.yaml:14: moved_by: expected text, found a truth value; put it in quotes",
            id="moved_by_without_provision",
        ),
        pytest.param(
            "pauses: EDPB Guidelines 01/2022", "pauses:",
            "a.yaml:15: pauses: expected text, found nothing; write one text",
            id="pauses_by_nothing",
        ),
        pytest.param(
            "percent: 50", "percent: 101", "a.yaml:19: percent: expected a whole number, 1 to 100; write it like 1",
            id="percent_beyond_the_date",
        ),
        pytest.param(
            "remind_systems", "remind_system",
            "a.yaml:19: unknown action 'remind_system'; did you mean 'remind_systems'?",
            id="unknown_action",
        ),
        pytest.param(
            " action: remind_systems,", "",
            "a.yaml:19: tier: missing key 'action'; add it, like 'action: remind_systems'",
            id="tier_without_action",
        ),
        pytest.param(
            ", citation: the policy }", " }",
            "a.yaml:19: tier: missing key 'citation'; add it, like 'citation: company policy'",
            id="tier_without_citation",
        ),
        pytest.param(
            "version: 1, in_force_from: 2020-07-01", "in_force_from: 2020-07-01",
            "a.yaml:19: tier: missing key 'version'; add it, like 'version: 1'",
            id="tier_without_version",
        ),
        pytest.param(
            "version: 1, in_force_from: 2020-07-01", "version: 0, in_force_from: 2020-07-01",
            "a.yaml:19: version: expected a whole number, 1 to 10000; write it like 1",
            id="tier_of_no_version",
        ),
        pytest.param(
            "2020-07-01", "July 2020",
            "a.yaml:19: in_force_from: expected a day; write it as 2026-01-31",
            id="tier_from_a_month",
        ),
        pytest.param(
            "title: General", "title: &x General",
            "a.yaml:2: anchors and aliases are not allowed; write the value out",
            id="anchor",
        ),
        pytest.param(
            "title: General", "title: General: x",
            "a.yaml:2: not YAML: mapping values are not allowed in this context; "
            "put text with ':' or '#' in quotes, close what is open, indent by spaces",
            id="syntax",
        ),
    ],
)  # fmt: skip
def test_fault(
    files: tuple[str, str], faults_of: FindFaults, old: str, new: str, expected: str
) -> None:
    good, default = files
    assert old in good
    assert the_fault(faults_of(good.replace(old, new, 1), default)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "    counts_from", "    rights: [access, deletion, opt_out]\n    counts_from",
            "b.yaml:1: the default has no respond_by for correction, "
            "objection, portability, restriction; every request must have a date to answer by",
            id="right_without_date",
        ),
        pytest.param(
            "zone: Etc/UTC", "zone: Etc/UTC\njurisdictions: [US]",
            "b.yaml:1: the default names jurisdictions; it is for all that no other names",
            id="jurisdictions",
        ),
        pytest.param(
            DEFAULT[DEFAULT.index("tiers:") :], "",
            "b.yaml:1: the default has no tiers; the other regimes take them from here",
            id="no_tiers",
        ),
        pytest.param(
            "term: 30 days", "term: 30 dyas",
            "b.yaml:10: term: '30 dyas' is no term; "
            "write it as '45 days', '10 business days', '1 month' or '2 years'",
            id="a_bad_rule_is_not_a_missing_one_too",
        ),
        pytest.param(
            "action: record_breach", "action: breach",
            "b.yaml:13: unknown action 'breach'; did you mean 'record_breach'?",
            id="a_bad_tier_is_not_a_missing_one_too",
        ),
        pytest.param(
            "regime: default", "regime: Default",
            "b.yaml:1: regime: 'Default' is not lower-case words joined by underscores; write it like 'uk_gdpr'",
            id="a_bad_name_is_not_a_missing_file_too",
        ),
        pytest.param(
            "title: The company's own promise", "title: x: y",
            "b.yaml:2: not YAML: mapping values are not allowed in this context; "
            "put text with ':' or '#' in quotes, close what is open, indent by spaces",
            id="bad_yaml_is_not_a_missing_file_too",
        ),
    ],
)  # fmt: skip
def test_fault_of_the_default(
    files: tuple[str, str], faults_of: FindFaults, old: str, new: str, expected: str
) -> None:
    good, default = files
    assert old in default
    assert the_fault(faults_of(good, default.replace(old, new, 1))) == expected


def test_all_faults_come_at_once(good: str, default: str, faults_of: FindFaults) -> None:
    first = good.replace("Europe/Berlin", "Bonn").replace("1 month", "1 moon", 1)
    second = default.replace("1900-01-01", "long ago").replace("percent: 90", "percent: 0")
    found = faults_of(first, second, "a: [")
    assert [(fault.file, fault.line) for fault in found] == [
        ("a.yaml", 4),
        ("a.yaml", 13),
        ("b.yaml", 8),
        ("b.yaml", 13),
        ("c.yaml", 2),
    ]


def test_a_regime_in_two_files_names_both_places(
    good: str, default: str, faults_of: FindFaults
) -> None:
    other = good.replace("[DE, FR]", "[IT]")
    assert (
        the_fault(faults_of(good, default, other))
        == "c.yaml:1: regime 'gdpr' is taken, at a.yaml:1; keep it in one place"
    )


def test_a_jurisdiction_in_two_files_names_both_places(
    good: str, default: str, faults_of: FindFaults
) -> None:
    other = good.replace("regime: gdpr", "regime: other").replace("[DE, FR]", "[IT, FR]")
    assert (
        the_fault(faults_of(good, default, other))
        == "c.yaml:6: jurisdiction 'FR' is taken, at a.yaml:6; keep it in one place"
    )


def test_a_rule_twice_in_one_version_for_one_right(
    good: str, default: str, faults_of: FindFaults
) -> None:
    rule = good[good.index("  - name") : good.index("tiers:")]
    twice = good.replace("tiers:", f"{rule.replace('[access, deletion]', '[access]')}tiers:")
    assert the_fault(faults_of(twice, default)) == (
        "a.yaml:1: respond_by version 1 stands twice for access; give the newer one the next version"
    )


def test_a_rule_twice_in_two_versions_is_no_fault(good: str, default: str, tmp_path: Path) -> None:
    rule = good[good.index("  - name") : good.index("tiers:")].replace("version: 1", "version: 2")
    rule = rule.replace("2018-05-25", "2020-01-01")
    (tmp_path / "a.yaml").write_text(good.replace("tiers:", f"{rule}tiers:"))
    (tmp_path / "b.yaml").write_text(default)
    regime = load_rules(tmp_path).regime("gdpr")
    assert regime is not None
    assert [one.version for one in regime.rules] == [1, 2]


def test_the_order_of_files_and_lists_does_not_matter(
    good: str, default: str, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(good)
    (tmp_path / "b.yaml").write_text(default)
    first = load_rules(tmp_path)
    other = good.replace("[DE, FR]", "[FR, DE]").replace("[access, deletion]", "[deletion, access]")
    (tmp_path / "a.yaml").write_text(default)
    (tmp_path / "b.yaml").write_text(other)
    assert load_rules(tmp_path).digest == first.digest


def test_a_regime_without_tiers_has_the_default_s(good: str, default: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(good.partition("tiers:")[0])
    (tmp_path / "b.yaml").write_text(default)
    rules = load_rules(tmp_path)
    assert [one.tiers for one in rules.regimes] == [rules.regimes[0].tiers] * 2
    assert rules.regimes[0].tiers
