"""Who is told of no correction, though it holds what others correct."""

from __future__ import annotations

from datetime import date

import pytest

from dsr_cli.commands.registry import check
from dsr_cli.registry.untold import untold_of_corrections
from dsr_core.rights import Right
from support.builders import a_registry, a_system
from support.parts import ROOT

BOTH = (Right.CORRECTION, Right.DELETION)


def test_a_system_that_holds_what_others_correct_and_is_not_told_is_named_with_it() -> None:
    registry = a_registry(
        a_system("crm", categories=("user.contact", "user.name"), rights=BOTH),
        a_system("mailer", categories=("user.contact.email", "user.financial")),
        a_system("copy", categories=("user.name",), rights=BOTH),
        a_system("log", categories=("user.device",)),
        a_system("old", categories=("user.name",), retired_on=date(2026, 1, 1)),
    )
    assert untold_of_corrections(registry) == {"mailer": ("user.contact.email",)}


def test_where_nothing_is_corrected_nobody_is_to_be_told() -> None:
    assert untold_of_corrections(a_registry(a_system("crm"))) == {}


def test_the_check_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    check(ROOT / "registry")
    said = capsys.readouterr().out
    assert "accounts is told of no correction, and holds user.account.username" in said
    assert "newsletter is told" not in said
