"""Packages that are made before everything has come, and those that follow them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jsonschema_rs
import pytest

from dsr_intake.application.letters.writing import LANGUAGES
from support.builders import NOW
from support.exports import lines
from support.packages import World

ORDERS = lines("orders", [{"id": n, "city": "Berlin"} for n in range(25)])
CALLS = lines("calls", [{"n": 1}])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_late_is_named_in_the_manifest_and_on_the_page(world: World, language: str) -> None:
    found = world.package({"crm": world.hand_over(ORDERS)}, language, is_partial=True)
    manifest = json.loads(found["manifest.json"])
    jsonschema_rs.validate(json.loads(found["manifest.schema.json"]), manifest)
    assert (manifest["closed_at"], manifest["late"]) == (None, ["backup"])
    status = {one["id"]: one["status"] for one in manifest["systems"]}
    assert status["backup"] == "late"
    words = json.dumps(found["index.html"].decode())
    assert words.count("backup") >= 2
    assert "data/crm/orders.jsonl" in found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_supplement_names_the_package_before_and_has_what_was_not_in_it(
    world: World, language: str
) -> None:
    first = {"crm": world.hand_over(ORDERS)}
    partial = world.package(first, is_partial=True)
    digest = hashlib.sha256(partial["manifest.json"]).digest()
    before = world.wanted(first, is_partial=True, manifest_digest=digest, made_at=NOW)
    late = world.hand_over(CALLS, system_id="backup", export=2)
    found = world.package({**first, "backup": late}, language, number=2, before=before)
    manifest = json.loads(found["manifest.json"])
    jsonschema_rs.validate(json.loads(found["manifest.schema.json"]), manifest)
    assert manifest["supplements"] == {
        "manifest_sha256": digest.hex(),
        "made_at": NOW.isoformat(timespec="seconds"),
    }
    status = {one["id"]: one["status"] for one in manifest["systems"]}
    assert (status["crm"], status["backup"]) == ("before", "included")
    assert [one for one in found if one.startswith("data/")] == ["data/backup/calls.jsonl"]


def test_what_could_not_be_used_before_is_still_missing_in_the_supplement(world: World) -> None:
    first = {"crm": world.hand_over(ORDERS)}
    before = world.wanted(first, is_partial=True, excluded={"crm": "corrupted_part"}, made_at=NOW)
    late = world.hand_over(CALLS, system_id="backup", export=2)
    found = world.package({**first, "backup": late}, number=2, before=before)
    told = {one["id"]: one for one in json.loads(found["manifest.json"])["systems"]}
    assert (told["crm"]["status"], told["crm"]["why"]) == ("missing", "corrupted_part")
