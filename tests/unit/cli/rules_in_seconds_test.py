"""The rules with days as seconds are the same rules, and can be read as such."""

from __future__ import annotations

from pathlib import Path

from dsr_cli.demo.rules_in_seconds import write_in_seconds
from dsr_cli.rules import load_rules
from dsr_core.law.calendars import Unit
from support.parts import ROOT


def test_every_term_of_every_regime_is_in_seconds(tmp_path: Path) -> None:
    rules = load_rules(ROOT / "rules")
    quick = load_rules(write_in_seconds(ROOT / "rules", tmp_path))
    assert [one.name for one in quick.regimes] == [one.name for one in rules.regimes]
    terms = {
        term.unit
        for regime in quick.regimes
        for rule in regime.rules
        for term in (rule.term, *([rule.extension.term] if rule.extension else []))
    }
    assert terms == {Unit.SECONDS}


def test_a_month_is_thirty_seconds_and_a_business_day_more_than_one(tmp_path: Path) -> None:
    quick = load_rules(write_in_seconds(ROOT / "rules", tmp_path))
    found = {
        (regime.name, rule.name, str(rule.term))
        for regime in quick.regimes
        for rule in regime.rules
    }
    assert ("gdpr", "respond_by", "30 seconds") in found
    assert ("ccpa", "acknowledge_receipt_by", "14 seconds") in found
    assert ("ccpa", "respond_by", "45 seconds") in found
