"""Lookup keys: what one of them made is found by all that are at hand, and tells nothing."""

from __future__ import annotations

from datetime import date

from dsr_core.ids import OrganisationId
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_core.suppressions import SuppressionKind
from dsr_intake.application.lookup import LookupKeys
from dsr_intake.model import key_name
from support.builders import an_identifier, an_identity

OLD, NEW = b"o" * 32, b"n" * 32
BEFORE, AFTER, LATER = LookupKeys(OLD), LookupKeys(NEW, (OLD,)), LookupKeys(NEW)
ONE = an_identity(an_identifier(value="one@example.com"))
OTHER = an_identity(an_identifier(value="other@example.com"))


def test_what_is_made_after_a_rotation_is_made_with_the_new_key_alone() -> None:
    assert AFTER.identifiers(ONE) == LATER.identifiers(ONE) != BEFORE.identifiers(ONE)
    assert AFTER.former_identifiers(ONE) == BEFORE.identifiers(ONE)
    assert (BEFORE.former_identifiers(ONE), AFTER.name) == ((), key_name(NEW))


def test_a_person_is_found_under_the_new_key_and_under_the_former() -> None:
    for made_with in (BEFORE, AFTER, LATER):
        assert AFTER.is_of(made_with.identifiers(ONE), ONE)
        assert not AFTER.is_of(made_with.identifiers(ONE), OTHER)
    assert not LATER.is_of(BEFORE.identifiers(ONE), ONE)
    assert not AFTER.is_of((), ONE)


def test_who_asks_for_what_has_a_hash_under_each_key() -> None:
    asked = (ONE, Right.DELETION, Scope())
    new, old = AFTER.persons(*asked)
    assert ((new,), (old,)) == (LATER.persons(*asked), BEFORE.persons(*asked))


def test_who_asks_for_another_part_asks_for_something_else() -> None:
    scopes = [
        Scope(),
        Scope(since=date(2025, 3, 1)),
        Scope(since=date(2025, 3, 2)),
        Scope(uses=(SuppressionKind.MARKETING,)),
        Scope(organisation_ids=(OrganisationId("acme"),)),
    ]
    assert len({AFTER.persons(ONE, Right.OBJECTION, one) for one in scopes}) == len(scopes)


def test_an_idempotency_key_is_looked_for_under_each_key() -> None:
    before, after = BEFORE.tag("shop", "1", b"body"), AFTER.tag("shop", "1", b"body")
    assert after.keys == (LATER.tag("shop", "1", b"body").key, before.key)
    assert after.contents[1] == before.content
    assert before.keys == (before.key,)
    assert not set(AFTER.tag("other", "1", b"body").keys) & set(after.keys)


def test_keys_show_nothing() -> None:
    assert "ooo" not in repr(AFTER) + str(AFTER)
    assert "nnn" not in repr(AFTER) + str(AFTER)
