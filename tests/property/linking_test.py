"""Links: whatever the order in which systems answer, the same identifiers are used."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_core.identity import Identifier, Identity
from dsr_core.ids import SystemId
from dsr_core.linking import (
    SINGLE,
    Claim,
    Link,
    Linking,
    LinkOutcome,
    LinkProof,
    LinkReason,
    linked,
)
from dsr_core.resolving import Confidence, Resolution
from dsr_core.rights import Right

KINDS = ("account_id", "customer_number", "email", "ip_address", "phone")
IDENTIFIERS = [
    Identifier.of(kind, value)
    for kind, values in {
        "account_id": ("1", "2"),
        "customer_number": ("1", "2"),
        "email": ("a@example.com", "b@example.com"),
        "ip_address": ("192.0.2.1",),
        "phone": ("12345", "23456"),
    }.items()
    for value in values
]
identifiers = st.sampled_from(IDENTIFIERS)
systems = st.sampled_from([SystemId("a"), SystemId("b"), SystemId("c")])
links = st.builds(
    Link,
    identifiers,
    st.sampled_from(KINDS),
    st.sampled_from(Confidence),
    st.sampled_from(LinkProof),
)
claims = st.lists(st.builds(Claim, systems, st.integers(1, 3), links), max_size=12)
pairs = st.builds(
    Resolution, st.sampled_from(KINDS), st.sampled_from(KINDS), st.sampled_from(Confidence)
)
stated = st.dictionaries(systems, st.lists(pairs, max_size=12))
people = st.lists(identifiers, min_size=1, max_size=3).map(Identity.of)
against = st.dictionaries(identifiers, st.just(LinkReason.ANOTHER_PERSON), max_size=2)
rulings = st.dictionaries(identifiers, st.booleans(), max_size=2)
terms = st.tuples(people, st.sampled_from(Right), stated, against, rulings)

Terms = tuple[
    Identity,
    Right,
    dict[SystemId, list[Resolution]],
    dict[Identifier, LinkReason],
    dict[Identifier, bool],
]


def found(many: list[Claim], asked: Terms) -> Linking:
    who, right, said, others, ruled = asked
    return linked(who, many, right=right, stated=said, against=others, rulings=ruled)


@given(claims, terms, st.randoms())
def test_order_and_repeats_do_not_matter(many: list[Claim], asked: Terms, chance: object) -> None:
    again = [*many, *many[:3]]
    chance.shuffle(again)  # type: ignore[attr-defined]  # hypothesis gives random.Random
    assert found(many, asked) == found(again, asked)


@given(claims, terms)
@settings(max_examples=300)
def test_nothing_is_used_that_is_not_stated_strong_enough_and_undisputed(
    many: list[Claim], asked: Terms
) -> None:
    who, _, said, others, ruled = asked
    linking = found(many, asked)
    used = [one for one in linking.judged if one.outcome is LinkOutcome.USED]
    assert {one.claim.link.identifier for one in used} == set(linking.added)
    for one in used:
        link = one.claim.link
        stated_kinds = {(each.from_kind, each.to_kind) for each in said[one.claim.system_id]}
        assert (link.through, link.identifier.kind) in stated_kinds
        assert ruled.get(link.identifier) is not False
        assert link.identifier not in others or ruled.get(link.identifier)
    for kind in SINGLE:
        values = {one.value for one in linking.identity(who).identifiers if one.kind == kind}
        taken = any(ruled.get(one) for one in linking.added if one.kind == kind)
        assert len(values) <= max(1, len(who.values(kind))) or taken


@given(claims, terms)
def test_what_is_claimed_depends_on_no_other_person(many: list[Claim], asked: Terms) -> None:
    who, right, said, _, ruled = asked
    alone = found(many, (who, right, said, {}, ruled))
    assert found(many, asked).claimed == alone.claimed >= set(alone.added)


@given(claims, terms)
def test_every_claim_that_counts_has_one_outcome(many: list[Claim], asked: Terms) -> None:
    judged = [one.claim for one in found(many, asked).judged]
    assert len(judged) == len(set(judged))
    newest = {
        one.system_id: max(c.sequence for c in many if c.system_id == one.system_id) for one in many
    }
    assert set(judged) == {one for one in many if one.sequence == newest[one.system_id]}
