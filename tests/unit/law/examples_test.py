"""The worked examples, each run on the rules that ship with the project."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from dsr_cli.rules import load_rules
from dsr_cli.rules.what_if import what_if
from dsr_core.law.facts import FactKind
from dsr_core.law.rules import Rules
from dsr_core.rights import Right
from support.sources import ROOT

EXAMPLES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("examples.yaml").read_text()
)


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(ROOT / "rules")


def texts(stated: Any) -> list[str]:
    """A fact may be stated once or several times, as a day or as a moment."""
    several = stated if isinstance(stated, list) else [stated]
    return [one.isoformat() if isinstance(one, date) else one for one in several]


def run(rules: Rules, example: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    return what_if(
        rules,
        regime=None,
        right=Right(example["right"]),
        jurisdiction=example["jurisdiction"],
        days={FactKind(kind): texts(stated) for kind, stated in facts.items()},
    )


def comparable(at: str | None, expected: date | str | None) -> date | str | None:
    """An entry's date, in the form in which the example states it."""
    if at is None or isinstance(expected, str):
        return at
    moment = datetime.fromisoformat(at)
    assert at[11:19] == "23:59:59"
    return moment.date()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["title"])
def test_example(rules: Rules, example: dict[str, Any]) -> None:
    document = run(rules, example, example["facts"])
    assert document["regime"] == example["regime"]
    expected = example["entries"]
    found = {one["name"]: one["at"] for one in document["entries"]}
    assert len(found) == len(document["entries"])
    assert {name: comparable(at, expected.get(name)) for name, at in found.items()} == expected
    cited = {one["name"]: one["rule"] for one in document["entries"]}
    for name, provision in example.get("provisions", {}).items():
        assert provision in cited[name]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["title"])
def test_the_order_of_the_facts_of_an_example_is_no_matter(
    rules: Rules, example: dict[str, Any]
) -> None:
    backwards = {
        kind: list(reversed(stated)) if isinstance(stated, list) else [stated, stated]
        for kind, stated in reversed(example["facts"].items())
    }
    there, back = run(rules, example, example["facts"]), run(rules, example, backwards)
    assert back["entries"] == there["entries"]


def test_the_examples_cover_every_regime_and_say_whence_they_are(rules: Rules) -> None:
    assert len(EXAMPLES) >= 70
    assert len({one["title"] for one in EXAMPLES if one["source"]}) == len(EXAMPLES)
    assert {one["regime"] for one in EXAMPLES} == {one.name for one in rules.regimes}
    named = {name for one in EXAMPLES for name in one["entries"]}
    assert named >= {rule.name for one in rules.regimes for rule in one.rules}
