"""What a package says of decisions by automated means alone: GDPR 15(1)(h)."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from dsr_core.registry import AutomatedDecisions
from support.builders import a_registry, a_system
from support.exports import lines
from support.packages import TERMS, WORDS, World

SCORE = AutomatedDecisions(
    logic="A score is made of <b>payments</b>",
    significance="It decides on credit",
    consequences="Only cards are taken.",
)
SAID = {
    "are_made": True,
    "consequences": "Only cards are taken.",
    "logic": "A score is made of <b>payments</b>",
    "significance": "It decides on credit",
}


def package_of(
    folder: Path, automated: AutomatedDecisions | None, language: str = "en"
) -> tuple[Any, str]:
    """Return what the manifest says of the system, and the page."""
    system = a_system("crm", access=replace(TERMS, automated=automated))
    world = World(folder, registry=a_registry(system))
    found = world.package({"crm": world.hand_over(lines("orders", [{"id": 1}]))}, language)
    manifest = json.loads(found["manifest.json"])
    jsonschema_rs.validate(json.loads(found["manifest.schema.json"]), manifest)
    [told] = manifest["systems"]
    return told["automated_decisions"], found["index.html"].decode()


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "pt"])
def test_that_none_are_made_is_said_plainly(tmp_path: Path, language: str) -> None:
    told, page = package_of(tmp_path, AutomatedDecisions(), language)
    assert told == {"are_made": False}
    words = WORDS.of(language)
    none = escape(words["automated_none"], quote=False).replace("'", "&#39;")
    assert f"<dt>{words['automated']}</dt><dd>{none}</dd>" in page


def test_their_logic_significance_and_consequences_are_said(tmp_path: Path) -> None:
    told, page = package_of(tmp_path, SCORE)
    assert told == SAID
    said = "It decides on credit. A score is made of <b>payments</b>. Only cards are taken."
    assert f"<dd>{escape(said)}</dd>" in page


def test_where_the_registry_says_nothing_it_is_said_not_to_be_stated(tmp_path: Path) -> None:
    told, page = package_of(tmp_path, None)
    assert told is None
    assert f"<dt>{WORDS.of('en')['automated']}</dt><dd>not stated</dd>" in page
