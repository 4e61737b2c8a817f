"""Linking: which of the identifiers that systems have found are used, and which never."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from dsr_core.identity import Identifier, Identity
from dsr_core.ids import SystemId
from dsr_core.linking import (
    LINKABLE,
    PROOFS,
    ROUNDS,
    Claim,
    Link,
    Linking,
    LinkOutcome,
    LinkProof,
    LinkReason,
    linked,
)
from dsr_core.resolving import Confidence, Resolution
from dsr_core.rights import RIGHTS, Right

GIVEN = Identity.of([Identifier.of("email", "ada@example.com")])
VERIFIED, PROBABLE = Confidence.VERIFIED, Confidence.PROBABLE
STATED = {
    SystemId("crm"): [
        Resolution("email", "account_id", VERIFIED),
        Resolution("account_id", "phone", VERIFIED),
        Resolution("phone", "username", VERIFIED),
        Resolution("username", "device_id", VERIFIED),
        Resolution("account_id", "email", VERIFIED),
    ],
    SystemId("shop"): [
        Resolution("email", "account_id", VERIFIED),
        Resolution("email", "customer_number", PROBABLE),
        Resolution("email", "ip_address", VERIFIED),
    ],
}


def one_of(kind: str, value: str) -> Identifier:
    return Identifier.of(kind, value)


def a_claim(
    kind: str = "account_id",
    value: str = "A-1",
    *,
    by: str = "crm",
    through: str = "email",
    sequence: int = 1,
    confidence: Confidence = VERIFIED,
    proof: LinkProof = LinkProof.SAME_LOGIN,
) -> Claim:
    return Claim(SystemId(by), sequence, Link(one_of(kind, value), through, confidence, proof))


def of(
    *claims: Claim,
    right: Right = Right.DELETION,
    against: Mapping[Identifier, LinkReason] | None = None,
    rulings: Mapping[Identifier, bool] | None = None,
    given: Identity = GIVEN,
) -> Linking:
    return linked(
        given, claims, right=right, stated=STATED, against=against or {}, rulings=rulings or {}
    )


def said(found: Linking) -> list[tuple[LinkOutcome, LinkReason, int]]:
    return [(one.outcome, one.reason, one.round) for one in found.judged]


def values(identifiers: Iterable[Identifier]) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in identifiers]


def test_a_link_that_is_stated_and_proven_is_used() -> None:
    found = of(a_claim())
    assert said(found) == [(LinkOutcome.USED, LinkReason.UNDISPUTED, 1)]
    assert values(found.identity(GIVEN).identifiers) == [
        ("account_id", "A-1"),
        ("email", "ada@example.com"),
    ]


def test_a_link_that_was_given_is_no_news() -> None:
    found = of(a_claim(), a_claim("email", "ada@example.com", through="account_id"))
    assert (LinkOutcome.KNOWN, LinkReason.GIVEN, 0) in said(found)
    assert found.added == (one_of("account_id", "A-1"),)


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (a_claim(by="stranger"), LinkReason.NOT_STATED),
        (a_claim("device_id", "d"), LinkReason.NOT_STATED),
        (a_claim("ip_address", "192.0.2.1", by="shop"), LinkReason.NOT_LINKABLE),
        (a_claim(confidence=PROBABLE), LinkReason.TOO_WEAK),
        (a_claim(proof=LinkProof.SAME_DEVICE), LinkReason.TOO_WEAK),
        (a_claim("customer_number", "7", by="shop"), LinkReason.TOO_WEAK),
        (a_claim("phone", "+4912345", through="account_id"), LinkReason.NOT_AT_HAND),
    ],
)
def test_what_is_refused_says_why(claim: Claim, reason: LinkReason) -> None:
    found = of(claim)
    assert said(found) == [(LinkOutcome.REFUSED, reason, 0)]
    assert found.added == ()


@pytest.mark.parametrize("right", list(Right))
def test_only_an_opt_out_takes_what_is_probable(right: Right) -> None:
    found = of(a_claim(confidence=PROBABLE), right=right)
    assert bool(found.added) is (right is Right.OPT_OUT)
    assert (RIGHTS[right].links is PROBABLE) is (right is Right.OPT_OUT)


def test_every_proof_has_its_bound() -> None:
    assert set(PROOFS) == set(LinkProof)
    assert not {"ip_address", "government_id"} & LINKABLE


def test_links_are_followed_for_so_many_rounds_and_no_further() -> None:
    chain = [
        a_claim("account_id", "A-1"),
        a_claim("phone", "+4912345", through="account_id"),
        a_claim("username", "ada", through="phone"),
        a_claim("device_id", "d", through="username"),
    ]
    found = of(*chain)
    assert ROUNDS == 3
    assert {one.claim.link.identifier.kind: one.round for one in found.judged} == {
        "account_id": 1,
        "phone": 2,
        "username": 3,
        "device_id": 0,
    }
    assert (LinkOutcome.REFUSED, LinkReason.TOO_FAR, 0) in said(found)


def test_two_values_of_a_kind_that_has_one_are_for_people_and_nothing_rests_on_them() -> None:
    found = of(
        a_claim(),
        a_claim(value="A-2", by="shop"),
        a_claim("phone", "+4912345", through="account_id"),
    )
    assert found.added == ()
    assert [one.reason for one in found.judged] == [
        LinkReason.TWO_VALUES,
        LinkReason.RESTS_ON_CONFLICT,
        LinkReason.TWO_VALUES,
    ]


def test_a_value_that_differs_from_the_one_given_is_for_people() -> None:
    given = Identity.of([*GIVEN.identifiers, one_of("account_id", "A-0")])
    found = of(a_claim(), given=given)
    assert said(found) == [(LinkOutcome.CONFLICT, LinkReason.TWO_VALUES, 1)]


def test_two_addresses_are_no_conflict() -> None:
    mine = a_claim("email", "ada@example.org", through="account_id")
    assert of(a_claim(), mine).added == (
        one_of("account_id", "A-1"),
        one_of("email", "ada@example.org"),
    )


def test_what_another_person_is_known_by_is_for_people_whatever_its_kind() -> None:
    theirs = one_of("phone", "+4912345")
    claims = (a_claim(), a_claim("phone", "+4912345", through="account_id"))
    found = of(*claims, against={theirs: LinkReason.ANOTHER_PERSON})
    assert found.added == (one_of("account_id", "A-1"),)
    assert said(found)[1] == (LinkOutcome.CONFLICT, LinkReason.ANOTHER_PERSON, 2)
    settled = of(*claims, against={theirs: LinkReason.ANOTHER_PERSON}, rulings={theirs: True})
    assert settled.added == (one_of("account_id", "A-1"), theirs)
    assert said(settled)[1] == (LinkOutcome.USED, LinkReason.BY_PEOPLE, 2)


def test_what_is_in_conflict_is_claimed_as_what_is_used_is_and_what_is_refused_is_not() -> None:
    account, phone = one_of("account_id", "A-1"), one_of("phone", "+4912345")
    claims = (a_claim(), a_claim("phone", "+4912345", through="account_id"))
    disputed = of(*claims, against={account: LinkReason.ANOTHER_PERSON})
    assert (disputed.added, disputed.claimed) == ((), {account, phone})
    assert of(*claims).claimed == {account, phone}
    assert of(*claims, rulings={phone: False}).claimed == {account}


def test_people_take_one_of_two_values_and_the_other_is_refused() -> None:
    claims = (a_claim(), a_claim(value="A-2", by="shop"))
    found = of(*claims, rulings={one_of("account_id", "A-2"): True})
    assert found.added == (one_of("account_id", "A-2"),)
    assert said(found) == [
        (LinkOutcome.REFUSED, LinkReason.BY_PEOPLE, 1),
        (LinkOutcome.USED, LinkReason.BY_PEOPLE, 1),
    ]


def test_people_refuse_one_of_two_values_and_the_other_is_used() -> None:
    claims = (a_claim(), a_claim(value="A-2", by="shop"))
    found = of(*claims, rulings={one_of("account_id", "A-2"): False})
    assert found.added == (one_of("account_id", "A-1"),)


def test_people_cannot_make_a_weak_link_strong() -> None:
    found = of(a_claim(confidence=PROBABLE), rulings={one_of("account_id", "A-1"): True})
    assert said(found) == [(LinkOutcome.REFUSED, LinkReason.TOO_WEAK, 0)]


def test_of_one_systems_answers_the_newest_counts() -> None:
    found = of(a_claim(value="A-2", sequence=2), a_claim(value="A-1", sequence=1))
    assert found.added == (one_of("account_id", "A-2"),)
    assert len(found.judged) == 1
