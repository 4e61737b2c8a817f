"""What a registry file says of access, and each fault that it can have there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dsr_cli.files.faults import Fault
from dsr_cli.registry import load_registry
from dsr_core.exports import ProtectedField, Protection
from dsr_core.registry import AccessTerms, AutomatedDecisions, Registry

FindFaults = Callable[..., list[Fault]]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    access: {purpose: p, source: s}",
            "a.yaml:12: access: missing key 'retention'; add it, like 'retention: Until the account is closed'",
            id="access_without_retention",
        ),
        pytest.param(
            "    name: Accounts", "    name: Accounts\n    access: {purpose: p, source: s, retention: r, recipient: x}",
            "a.yaml:12: unknown key 'recipient'; did you mean 'recipients'?",
            id="unknown_key_of_access",
        ),
        pytest.param(
            "    name: Accounts",
            "    name: Accounts\n    access: {purpose: p, source: s, retention: r, recipients: [a, a]}",
            "a.yaml:12: recipient 'a' stands twice in this list; keep one of the two",
            id="recipient_twice",
        ),
        pytest.param(
            "    name: Accounts",
            "    name: Accounts\n    access:\n      purpose: p\n      source: s\n      retention: r\n"
            "      protected: {orders.agent: thirdparty}",
            "a.yaml:16: unknown protection 'thirdparty'; did you mean 'third_party'?",
            id="unknown_protection",
        ),
        pytest.param(
            "    name: Accounts",
            "    name: Accounts\n    access: {purpose: p, source: s, retention: r, protected: {agent: secret}}",
            "a.yaml:12: protected: 'agent' names no field of a file; "
            "write it like 'orders.referee', or '*.referee' for every file",
            id="protected_field_of_no_file",
        ),
        pytest.param(
            "    name: Accounts",
            "    name: Accounts\n    access: {purpose: p, source: s, retention: r, protected: {../x.y: secret}}",
            "a.yaml:12: protected: '../x.y' names no field of a file; "
            "write it like 'orders.referee', or '*.referee' for every file",
            id="protected_field_outside",
        ),
        pytest.param(
            "    name: Accounts",
            "    name: Accounts\n    access: {purpose: p, source: s, retention: r, protected: {a.b: secret, a.b: secret}}",
            "a.yaml:12: protected: field 'a.b' stands twice in this mapping; keep one of the two",
            id="protected_twice",
        ),
        pytest.param(
            "    name: Accounts",
            "    name: Accounts\n    access: {purpose: p, source: s, retention: r, protected: [a.b]}",
            "a.yaml:12: protected: expected a mapping, found a list; write each entry on a line, like 'key: value'",
            id="protected_that_is_a_list",
        ),
        pytest.param(
            "    name: Accounts",
            "    name: Accounts\n    access: {purpose: p, source: s, retention: r, automated_decisions: non}",
            "a.yaml:12: unknown automated_decisions 'non'; did you mean 'none'?",
            id="automated_decisions_that_are_neither_none_nor_said",
        ),
        pytest.param(
            "    name: Accounts",
            "    name: Accounts\n    access: {purpose: p, source: s, retention: r, automated_decisions: {logic: l, significance: s}}",
            "a.yaml:12: automated_decisions: missing key 'consequences'; "
            "add it, like 'consequences: Below 50 points only cards are taken'",
            id="automated_decisions_without_consequences",
        ),
        pytest.param(
            "    rights: [access, deletion]",
            "    rights: [deletion]\n    access: {purpose: p, source: s, retention: r}",
            "a.yaml:16: access: only what can be asked for access has terms of it; "
            "add 'access' to its rights, or leave it out",
            id="access_of_what_takes_none",
        ),
    ],
)  # fmt: skip
def test_fault(good: str, faults_of: FindFaults, old: str, new: str, expected: str) -> None:
    assert old in good
    assert [str(one) for one in faults_of(good.replace(old, new, 1))] == [expected]


def test_the_terms_of_access_are_read(good: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        good
        + """\
    access:
      purpose: To keep an account
      source: You
      recipients: [The post, A bank]
      retention: Until the account is closed
      protected:
        orders.agent: third_party
        "*.pin": secret
"""
    )
    registry = load_registry(tmp_path)
    assert registry.systems[0].access == AccessTerms(
        purpose="To keep an account",
        source="You",
        recipients=("A bank", "The post"),
        retention="Until the account is closed",
        protected=(
            ProtectedField("*.pin", Protection.SECRET),
            ProtectedField("orders.agent", Protection.THIRD_PARTY),
        ),
    )
    assert Registry.from_canonical(registry.canonical()) == registry


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", None),
        ("automated_decisions: none", AutomatedDecisions()),
        (
            "automated_decisions: {logic: A score, significance: Credit, consequences: None}",
            AutomatedDecisions(logic="A score", significance="Credit", consequences="None"),
        ),
    ],
)
def test_automated_decisions_are_not_stated_none_or_said(
    good: str, tmp_path: Path, written: str, read: AutomatedDecisions | None
) -> None:
    access = (
        f"    access:\n      purpose: p\n      source: s\n      retention: r\n      {written}\n"
    )
    (tmp_path / "a.yaml").write_text(good + access)
    registry = load_registry(tmp_path)
    terms = registry.systems[0].access
    assert terms is not None
    assert terms.automated == read
    assert Registry.from_canonical(registry.canonical()) == registry
    assert (b"automated" in registry.canonical()) is (read is not None)
