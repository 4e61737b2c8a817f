"""Data categories on the page and in letters: by name, in the language of whoever reads them."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from dsr_cli.registry.taxonomy import data_categories
from dsr_intake.application.letters.writing import LANGUAGES, Stationery
from support.builders import a_registry, a_system
from support.packages import World

NAMES = tomllib.loads(
    (files("dsr_intake") / "application/letters/data/categories.toml").read_text("utf-8")
)


def test_each_category_that_a_registry_may_name_has_a_name_in_each_language() -> None:
    assert NAMES.keys() == data_categories()
    for key, names in NAMES.items():
        assert tuple(names) == LANGUAGES, key
        assert all(name and name != key for name in names.values()), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_categories_have_one_name(language: str) -> None:
    called = [names[language] for names in NAMES.values()]
    assert sorted(called) == sorted(set(called))


@pytest.mark.parametrize(
    ("language", "names", "kept"),
    [
        ("en", "Email address, Cookie identifier", "Financial data"),
        ("de", "E-Mail-Adresse, Kennung in Cookies", "Finanzdaten"),
    ],
)
def test_the_page_says_what_is_held_and_what_is_kept_by_name_and_the_manifest_by_key(
    tmp_path: Path, language: str, names: str, kept: str
) -> None:
    keys = ["user.contact.email", "user.device.cookie_id"]
    registry = a_registry(a_system("crm", categories=tuple(keys)), a_system("billing"))
    world = World(tmp_path, registry=registry)
    found = world.package({}, language)
    page = found["index.html"].decode()
    assert names in page
    assert f"({kept})" in page
    assert "user." not in page
    [crm] = [one for one in json.loads(found["manifest.json"])["systems"] if one["id"] == "crm"]
    assert crm["categories"] == keys


def test_a_category_that_has_no_name_is_its_key() -> None:
    assert Stationery().categories("fr", ["user.name", "user.shoe_size"]) == "Nom, user.shoe_size"
