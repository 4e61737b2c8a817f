from __future__ import annotations

from dsr_core.corrections import Correction, Rectification

NAME = Correction("user.name", "Jane Doe", "Jon Doe")
CITY = Correction("user.contact.address", "Lisbon")
BOTH = Rectification((NAME, CITY), "I moved.")


def test_a_system_sees_what_it_holds_and_no_more() -> None:
    assert BOTH.only(["user.name"]) == Rectification((NAME,), "I moved.")
    assert BOTH.only(["user.contact"]).corrections == (CITY,)
    assert BOTH.only(["user.contact.address.city"]).corrections == (CITY,)
    assert BOTH.only(["user.contact_more"]).corrections == ()


def test_categories_are_sorted_and_named_once() -> None:
    assert Rectification((NAME, CITY, NAME)).categories == ("user.contact.address", "user.name")


def test_no_value_shows_itself() -> None:
    for shown in (repr(NAME), str(NAME), repr(BOTH), str(BOTH)):
        assert not any(one in shown for one in ("Jane", "Jon", "Lisbon", "moved"))
