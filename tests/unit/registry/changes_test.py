"""What a registry version changes for requests that are open, told before it is published."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from dsr_cli.commands.registry import app
from dsr_cli.registry.changes import changes
from dsr_core.ids import SystemId
from dsr_core.registry import AccessTerms, AutomatedDecisions, Organisation, Registry, Sale, System
from dsr_core.rights import Right
from support.builders import a_registry, a_system, an_organisation

DAY = date(2026, 6, 30)
NONE_MADE = AutomatedDecisions()
MADE = AutomatedDecisions(logic="Score", significance="Credit", consequences="Less")
A, B, C = a_system("a"), a_system("b"), a_system("c", "example-mail")


def retired(one: System, successor: str | None = None) -> System:
    name = SystemId(successor) if successor else None
    return replace(one, retired_on=DAY, successor=name)


def sold(*systems: System) -> Registry:
    organisations = (an_organisation(), an_organisation("example-mail", sold=Sale(on=DAY, to="X")))
    return Registry(organisations, systems)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (a_registry(A, B), a_registry(A, replace(B, name="Another")), [("b", "changed")]),
        (a_registry(A), a_registry(A, C), [("example-mail", "changed"), ("c", "joins")]),
        (a_registry(A, B), a_registry(A), [("b", "gone")]),
        (a_registry(A, B), a_registry(A, retired(B)), [("b", "retired")]),
        (a_registry(A, B), a_registry(A, retired(B, "a")), [("b", "succeeded")]),
        (a_registry(A, retired(B)), a_registry(A, retired(B, "a")), [("b", "succeeded")]),
        (a_registry(A, retired(B, "a")), a_registry(A, retired(B, "a")), []),
        (a_registry(A, retired(B)), a_registry(A), [("b", "changed")]),
        (a_registry(A), a_registry(A, retired(B)), [("b", "changed")]),
        (a_registry(A, retired(B)), a_registry(A, B), [("b", "returns")]),
        (a_registry(A, C), sold(A, C), [("example-mail", "sold")]),
        (sold(A, C), a_registry(A, C), [("example-mail", "returns")]),
        (sold(A, C), sold(A, C), []),
        (
            a_registry(replace(A, rights=(Right.ACCESS,))),
            a_registry(replace(A, rights=(Right.DELETION,))),
            [("a", "gone"), ("a", "joins")],
        ),
    ],
)
def test_each_change_is_told_once(
    before: Registry, after: Registry, expected: list[tuple[str, str]]
) -> None:
    assert [(one.id, one.kind) for one in changes(before, after)] == expected


def test_who_answers_instead_and_until_when_is_said() -> None:
    found = changes(a_registry(A, B), a_registry(A, retired(B, "c"), C))
    [succeeded] = (one for one in found if one.kind == "succeeded")
    assert succeeded.what == "is retired on 2026-06-30, and c of example-mail has its data"
    assert succeeded.open_requests == "c answers in its place, again where it has answered"
    [sale] = changes(a_registry(A, C), sold(A, C))
    assert sale.what == "has left the group on 2026-06-30, sold to X"


def test_what_changes_beside_the_data_is_told_field_by_field() -> None:
    terms = AccessTerms(purpose="To bill", source="You", recipients=("A", "B"), retention="A year")
    other = replace(terms, purpose="To sell", recipients=("B", "C"))
    before, after = (a_registry(replace(A, access=one)) for one in (terms, other))
    assert [one.what for one in changes(before, after)] == [
        'access.purpose: "To bill", now "To sell"',
        'access.recipients: -"A", +"C"',
    ]
    assert {one.open_requests for one in changes(before, after)} == {
        "nothing: they keep the version that they pin"
    }
    [added] = changes(a_registry(A), before)
    assert added.what.startswith("access: not said, now ")


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (None, NONE_MADE, "access.automated: not said, now none"),
        (NONE_MADE, None, "access.automated: none, now not said"),
        (NONE_MADE, MADE, 'access.automated: none, now "Score" "Credit" "Less"'),
        (MADE, NONE_MADE, 'access.automated: "Score" "Credit" "Less", now none'),
        (MADE, replace(MADE, logic="Age"), 'access.automated.logic: "Score", now "Age"'),
    ],
)
def test_that_nothing_is_said_of_automated_decisions_is_not_that_there_are_none(
    then: AutomatedDecisions | None, now: AutomatedDecisions | None, told: str
) -> None:
    terms = AccessTerms(purpose="To bill", source="You", retention="A year")
    before, after = (
        a_registry(replace(A, access=replace(terms, automated=one))) for one in (then, now)
    )
    assert [one.what for one in changes(before, after)] == [told]


def two_of(field: str, hint: Any) -> st.SearchStrategy[tuple[str, Any, Any]]:
    """Two different values that a field could have, whatever fields there will be."""
    values = st.from_type(hint)
    return st.tuples(st.just(field), values, values).filter(lambda pair: pair[1] != pair[2])


def any_field(of: type) -> st.SearchStrategy[tuple[str, Any, Any]]:
    hints = get_type_hints(of)
    return st.one_of(*(two_of(one.name, hints[one.name]) for one in fields(of) if one.name != "id"))


@given(any_field(System))
@example(("rights", (Right.ACCESS,), (Right.ACCESS, Right.ACCESS)))
def test_no_field_of_a_system_changes_untold(changed: tuple[str, Any, Any]) -> None:
    name, then, now = changed
    before, after = (a_registry(replace(A, **{name: value})) for value in (then, now))
    assert before.digest == after.digest or changes(before, after)


@given(any_field(Organisation))
def test_no_field_of_an_organisation_changes_untold(changed: tuple[str, Any, Any]) -> None:
    name, then, now = changed
    before, after = (Registry((an_organisation(**{name: value}),), (A,)) for value in (then, now))
    assert before.digest == after.digest or changes(before, after)


@given(any_field(AccessTerms))
def test_nothing_that_is_told_beside_the_data_changes_untold(
    changed: tuple[str, Any, Any],
) -> None:
    name, then, now = changed
    terms = AccessTerms(purpose="a", source="b", retention="c")
    before, after = (
        a_registry(replace(A, access=replace(terms, **{name: value}))) for value in (then, now)
    )
    assert before.digest == after.digest or any(
        one.what.startswith((f"access.{name}: ", f"access.{name}."))
        for one in changes(before, after)
    )


def diff(*arguments: str) -> str:
    wrapped = typer.Typer()
    wrapped.add_typer(app, name="registry")
    result = CliRunner().invoke(wrapped, ["registry", "diff", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_two_folders_are_compared_without_a_stack(good: str, tmp_path: Path) -> None:
    former, folder = tmp_path / "former", tmp_path / "folder"
    for one, text in ((former, good), (folder, f"{good}    retired: 2026-06-30\n")):
        one.mkdir()
        (one / "acme.yaml").write_text(text)
    said = diff(str(folder), "--from", str(former))
    assert "accounts" in said
    assert "is retired on 2026-06-30, without a successor" in said
    assert "owed still: it answers, or two people do" in said
    found = json.loads(diff(str(folder), "--from", str(former), "--json"))
    assert [one["kind"] for one in found["changes"]] == ["retired"]
    assert diff(str(folder), "--from", str(folder)) == ("nothing changes\n")
