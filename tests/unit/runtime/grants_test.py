"""What services declare of their tables, without a database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dsr_runtime.grants import Privilege, declared, privileges_of
from support.sources import ROOT

MADE = re.compile(r"create table (?:if not exists )?(?P<name>\w+\.\w+)")
DROPPED = re.compile(r"drop table (?:if exists )?(?P<name>\w+\.\w+)")


def migrations(service: str) -> list[str]:
    folder: Path = ROOT / "services" / service / "src" / f"dsr_{service}" / "migrations"
    forward = [
        path.read_text().partition("def downgrade")[0] for path in sorted(folder.glob("v*.py"))
    ]
    assert forward
    return forward


@pytest.mark.parametrize("service", ["intake", "verifier"])
def test_every_table_of_a_migration_has_a_line_in_grants(service: str) -> None:
    made = {f"{service}.outbox"}
    for text in migrations(service):
        made |= {found["name"] for found in MADE.finditer(text)}
        made -= {found["name"] for found in DROPPED.finditer(text)}
    assert declared(f"dsr_{service}").keys() == made, f"see dsr_{service}.grants"


def test_a_column_is_a_privilege_of_its_own() -> None:
    assert privileges_of({"a.b": ("select", "update(c, d)")}) == {
        Privilege("a.b", "select"),
        Privilege("a.b", "update", "c"),
        Privilege("a.b", "update", "d"),
    }


def test_what_is_no_privilege_is_named_with_its_table() -> None:
    with pytest.raises(ValueError, match=r"a\.b: 'update\(' is no privilege"):
        privileges_of({"a.b": ("update(",)})
