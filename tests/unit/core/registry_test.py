"""A registry is a value, and its digest names it for ever."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import permutations

import pytest

from dsr_core.exports import ProtectedField, Protection
from dsr_core.ids import OrganisationId, SystemId
from dsr_core.registry import AccessTerms, OrganisationRole, Registry, Sale, System
from dsr_core.resolving import Confidence, Resolution
from dsr_core.rights import Right
from support.builders import a_registry, a_system, an_organisation

GOLDEN_DIGEST = "1156cb8f88490316c5e499a9888b9a7027ed69d2edde1d6a4634b6fb665be3cf"
"""Of `a_registry()`. Plans are pinned by digests: a change here orphans every plan in the world."""


def test_the_digest_of_a_registry_never_changes() -> None:
    assert a_registry().digest == GOLDEN_DIGEST


def test_the_order_of_input_does_not_matter() -> None:
    registry = a_registry()
    digests = {
        Registry(organisations, systems).digest
        for organisations in permutations(registry.organisations)
        for systems in permutations(registry.systems)
    }
    assert digests == {registry.digest}


def test_the_order_within_a_system_does_not_matter() -> None:
    system = a_system(
        rights=(Right.ACCESS, Right.DELETION),
        identifiers=("account_id", "email"),
        categories=("user.contact", "user.name"),
        copies_from=(SystemId("a"), SystemId("b")),
    )
    turned = replace(
        system,
        rights=system.rights[::-1],
        identifiers=system.identifiers[::-1],
        categories=system.categories[::-1],
        copies_from=system.copies_from[::-1],
    )
    assert a_registry(turned).digest == a_registry(system).digest


@pytest.mark.parametrize(
    "changed",
    [
        a_system(name="Another"),
        a_system(rights=(Right.ACCESS,)),
        a_system(identifiers=("email",)),
        a_system(categories=("user",)),
        a_system(region="eu-west"),
        a_system(copies_from=(SystemId("mailer"),)),
        a_system(erase_after=(SystemId("mailer"),)),
        a_system(resolves=(Resolution("email", "phone", Confidence.VERIFIED),)),
        a_system(resolves=(Resolution("email", "phone", Confidence.PROBABLE),)),
        a_system(retired_on=date(2026, 1, 31)),
        a_system(retired_on=date(2026, 1, 31), successor=SystemId("mailer")),
    ],
)
def test_any_change_gives_another_digest(changed: object) -> None:
    assert a_registry(changed).digest != a_registry(a_system()).digest


def test_the_canonical_form_has_sorted_keys_and_no_white_space() -> None:
    canonical = a_registry().canonical()
    compact = json.dumps(json.loads(canonical), sort_keys=True, separators=(",", ":"))
    assert canonical.decode() == compact


def test_names_outside_ascii_are_kept_as_they_are() -> None:
    registry = a_registry(a_system(name="Büro"))
    assert "Büro".encode() in registry.canonical()
    assert Registry.from_canonical(registry.canonical()) == registry


def test_the_canonical_form_gives_the_registry_again() -> None:
    registry = Registry(
        (
            an_organisation(),
            an_organisation(
                "example-mail",
                role=OrganisationRole.SERVICE_PROVIDER,
                parent=OrganisationId("example-group"),
                sold=Sale(on=date(2026, 1, 31), to="a buyer"),
            ),
            an_organisation("example-shop", processors_first=True),
        ),
        (
            *a_registry().systems,
            a_system("old", retired_on=date(2026, 1, 31), successor=SystemId("crm")),
            a_system(
                "directory",
                erase_after=(SystemId("billing"), SystemId("old")),
                resolves=(
                    Resolution("account_id", "phone", Confidence.PROBABLE),
                    Resolution("email", "account_id", Confidence.VERIFIED),
                ),
            ),
        ),
    )
    assert Registry.from_canonical(registry.canonical()) == registry


def fields_of(what: str, **changes: object) -> bytes:
    content = json.loads(a_registry().canonical())
    content[what][0].update(changes)
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "canonical",
    [
        b"",
        b"\xff",
        b"no json",
        b"[]",
        b"null",
        b'{"organisations":[]}',
        b'{"organisations":5,"systems":[]}',
        b'{"organisations":["x"],"systems":[]}',
        a_registry().canonical() + b" ",
        fields_of("organisations", role="landlord"),
        fields_of("organisations", role=["company"]),
        fields_of("organisations", unknown=1),
        fields_of("organisations", digest="x"),
        fields_of("organisations", name=None),
        fields_of("organisations", id=5),
        fields_of("organisations", id="No Slug"),
        fields_of("organisations", parent=5),
        fields_of("organisations", sold="yesterday"),
        fields_of("organisations", sold={"on": "2026-01-31"}),
        fields_of("organisations", sold={"on": "20260131", "to": "a buyer"}),
        fields_of("organisations", sold={"on": "2026-01-31", "to": 5}),
        fields_of("systems", retired_on="today"),
        fields_of("systems", retired_on=5),
        fields_of("systems", successor=5),
        fields_of("systems", erase_after="crm"),
        fields_of("systems", erase_after=[]),
        fields_of("systems", erase_after=[5]),
        fields_of("systems", erase_after=["crm", "billing"]),
        fields_of("systems", resolves=[]),
        fields_of("systems", resolves=["email"]),
        fields_of("systems", resolves=[{"from": "email", "to": "phone"}]),
        fields_of("systems", resolves=[{"confidence": "sure", "from": "email", "to": "phone"}]),
        fields_of("systems", resolves=[{"confidence": "verified", "from": 5, "to": "phone"}]),
        fields_of("organisations", policy="processors_last"),
        fields_of("organisations", policy=["processors_first"]),
        fields_of("systems", rights=["everything"]),
        fields_of("systems", rights="access"),
        fields_of("systems", identifiers=5),
        fields_of("systems", identifiers=[5]),
        fields_of("systems", id=["x"]),
        fields_of("systems", name={}),
        fields_of("systems", id="crm"),  # which is there already
        fields_of("systems", name="\ud800"),
    ],
)
def test_what_is_no_canonical_form_is_refused(canonical: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Registry.from_canonical(canonical)


def test_json_nested_too_deeply_to_read_is_refused_and_ends_nothing() -> None:
    with pytest.raises(ValueError, match="not a registry"):
        Registry.from_canonical(b"[" * 200_000)


def test_things_are_found_by_id() -> None:
    registry = a_registry()
    system, organisation = registry.system("crm"), registry.organisation("example-mail")
    assert system is not None
    assert system.id == "crm"
    assert organisation is not None
    assert organisation.id == "example-mail"
    assert registry.system("nobody") is None
    assert registry.organisation("nobody") is None
    assert [one.id for one in registry.systems_of("example-group")] == ["billing", "crm"]
    assert registry.systems_of("nobody") == ()


def retired(system_id: str, successor: str | None = None) -> System:
    day = date(2026, 1, 31)
    return a_system(system_id, retired_on=day, successor=SystemId(successor) if successor else None)


def test_the_heir_is_the_last_of_the_successors() -> None:
    registry = a_registry(retired("a", "b"), retired("b", "c"), a_system("c"), retired("d"))
    heirs = {one.id: (heir := registry.heir(one.id)) and heir.id for one in registry.systems}
    assert heirs == {"a": "c", "b": "c", "c": None, "d": None}
    assert registry.heir("nobody") is None
    assert registry.with_heirs(["a", "d", "nobody"]) == {"a", "c", "d", "nobody"}


def test_who_comes_after_themselves_or_nobody_has_no_heir() -> None:
    registry = a_registry(
        retired("a", "b"), retired("b", "a"), retired("c", "a"), retired("d", "x")
    )
    assert [registry.heir(one.id) for one in registry.systems] == [None] * 4


def test_what_is_told_beside_an_export_is_part_of_the_version() -> None:
    terms = AccessTerms(
        purpose="billing",
        source="from you",
        recipients=("the bank",),
        retention="ten years: HGB 257",
        protected=(ProtectedField("*.password", Protection.SECRET),),
    )
    registry = a_registry(a_system(access=terms))
    assert registry.digest != a_registry(a_system()).digest
    assert Registry.from_canonical(registry.canonical()) == registry
