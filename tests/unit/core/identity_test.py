"""Identifiers never show themselves, and are compared in one form."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsr_core.errors import RejectedInput
from dsr_core.identity import IDENTIFIER_KINDS, Identifier, Identity, normalised
from support.builders import MARKER, an_identifier, an_identity


def shown(value: object) -> str:
    return f"{value!r} {value!s} {value} {[value]} { {'key': value} }"


def test_identifier_is_redacted_in_repr_str_and_format() -> None:
    assert MARKER not in shown(an_identifier())
    assert repr(an_identifier()) == "Identifier(email=…)"


def test_identity_is_redacted_in_repr_and_str() -> None:
    assert MARKER not in shown(an_identity())
    assert "email" in repr(an_identity())


def test_identifier_is_redacted_in_the_traceback_of_a_frozen_assignment() -> None:
    one = an_identifier()
    with pytest.raises(FrozenInstanceError) as caught:
        one.value = "another"
    text = "".join(traceback.TracebackException.from_exception(caught.value).format())
    assert MARKER not in text


def test_identifier_is_redacted_in_an_exception_that_holds_it() -> None:
    error = LookupError(an_identifier(), an_identity())
    assert MARKER not in "".join(traceback.TracebackException.from_exception(error).format())


def fail_holding(held: Identity) -> None:
    raise LookupError(len(held.identifiers))


def test_identifier_is_redacted_among_the_locals_of_a_traceback() -> None:
    with pytest.raises(LookupError) as caught:
        fail_holding(an_identity())
    captured = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = "".join(captured.format())
    assert "held = Identity" in text
    assert MARKER not in text


def test_identity_keeps_its_value_through_pickle() -> None:
    assert pickle.loads(pickle.dumps(an_identity())) == an_identity()  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("account_id", "  Ab-1 ", "Ab-1"),
        ("cookie_id", " c1 ", "c1"),
        ("customer_number", " k-12 34 ", "K1234"),
        ("device_id", " ABC ", "abc"),
        ("email", " Some.One@Example.COM ", "some.one@example.com"),
        ("government_id", "ab 12-34", "AB1234"),
        ("ip_address", "2001:DB8::1", "2001:db8::1"),
        ("phone", "+1 (555) 010-0199", "+15550100199"),
        ("phone", "0555 010 0199", "05550100199"),
        ("username", " Some One ", "Some One"),
    ],
)
def test_values_are_brought_into_one_form(kind: str, given: str, kept: str) -> None:
    assert Identifier.of(kind, given).value == kept


@pytest.mark.parametrize("kind", sorted(IDENTIFIER_KINDS))
def test_an_empty_value_is_refused(kind: str) -> None:
    with pytest.raises(RejectedInput, match="invalid_identifier") as caught:
        Identifier.of(kind, "   ")
    assert caught.value.field == "value"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "marked-person"),
        ("email", "marked person@example.com"),
        ("phone", "12"),
        ("ip_address", "marked-person"),
        ("username", "marked\nperson"),
        ("username", "m" * 321),
    ],
)
def test_a_value_that_cannot_be_of_its_kind_is_refused_without_an_echo(
    kind: str, value: str
) -> None:
    with pytest.raises(RejectedInput, match="invalid_identifier") as caught:
        Identifier.of(kind, value)
    assert value not in str(caught.value)


def test_an_unknown_kind_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(RejectedInput, match="unknown_identifier_kind") as caught:
        Identifier.of("shoe_size", MARKER)
    assert MARKER not in str(caught.value)
    assert caught.value.field == "kind"
    assert "email" in caught.value.detail


def test_order_and_repeats_do_not_matter() -> None:
    email, account = an_identifier(), an_identifier("account_id", f"{MARKER}-1")
    assert Identity.of([email, account, email]) == Identity.of([account, email])
    assert Identity.of([email, account]).kinds == ("account_id", "email")


def test_a_system_sees_only_the_kinds_that_it_needs() -> None:
    email, account = an_identifier(), an_identifier("account_id", f"{MARKER}-1")
    assert an_identity(email, account).only(["email", "phone"]) == an_identity(email)


def test_values_are_found_by_kind() -> None:
    one = an_identity(
        an_identifier("email", "b@example.com"), an_identifier("email", "a@example.com")
    )
    assert one.first("email") == "a@example.com"
    assert one.values("email") == ("a@example.com", "b@example.com")
    assert one.first("phone") is None
    assert one.values("phone") == ()


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("", False),
        ("kept for the tax office", False),
        ("kept for Jane.Roe@Example.com, who is sued", True),
        ("maryjane.roe@example.com is another's", False),
        ("called back on +44 20 7946-0018 today", True),
        ("+442079460018", True),
        ("invoice +4420794600181", False),
        ("account a-77 was closed", False),
        ("customer AB123456 owes", True),
        ("customer ab123456", True),
        ("xab123456", False),
    ],
)
def test_an_identity_is_found_in_a_text(text: str, *, is_named: bool) -> None:
    identity = Identity.of(
        [
            Identifier.of("email", "jane.roe@example.com"),
            Identifier.of("phone", "+44 20 7946 0018"),
            Identifier.of("account_id", "a-77"),
            Identifier.of("customer_number", "AB 123-456"),
        ]
    )
    assert identity.is_named_in("a first text", text) is is_named


_ROWS = st.lists(st.text() | st.text("+0123456789 ()-.\n\tAbΣς@İß\x85", max_size=12), max_size=8)


@given(kind=st.sampled_from(sorted(IDENTIFIER_KINDS)), rows=_ROWS)
@example(kind="phone", rows=["+1 (201) 5", "00 49+30"])
@example(kind="phone", rows=["é+49 30", "+44"])
@example(kind="email", rows=["ΑΣ", "Σ", " a\nb "])
@example(kind="email", rows=[""])
def test_many_values_are_normalised_as_each_is_alone(kind: str, rows: list[str]) -> None:
    alone = [IDENTIFIER_KINDS[kind](row).encode("utf-8", "surrogatepass") for row in rows]
    assert normalised(kind, rows) == alone
