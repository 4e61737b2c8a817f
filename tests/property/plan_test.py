"""A wider scope never asks fewer systems, and grouping loses none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsr_core.ids import OrganisationId, SystemId
from dsr_core.plan import Scope, by_organisation, plan
from dsr_core.registry import Registry, System
from dsr_core.rights import Right
from support import strategies
from support.builders import NOW


@st.composite
def scopes(draw: st.DrawFn, registry: Registry) -> Scope:
    """A scope whose organisations and systems are mostly the registry's."""
    owners = sorted({one.organisation_id for one in registry.systems}) or [OrganisationId("none")]
    systems = [one.id for one in registry.systems] or [SystemId("none")]
    return Scope(
        draw(strategies.sorted_tuples(strategies.categories)),
        draw(strategies.sorted_tuples(st.sampled_from(owners))),
        draw(strategies.sorted_tuples(st.sampled_from(systems))),
    )


def planned(registry: Registry, right: Right, scope: Scope) -> set[System]:
    """The systems that must answer for what is received now."""
    return set(plan(registry, right, scope, received_at=NOW))


def widen(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """Both; and everything where either means everything."""
    return tuple(sorted({*one, *other})) if one and other else ()


@given(st.data(), strategies.registries, strategies.rights)
def test_a_plan_is_monotonic_in_its_scope(
    data: st.DataObject, registry: Registry, right: Right
) -> None:
    narrow, other = data.draw(scopes(registry)), data.draw(scopes(registry))
    wide = Scope(
        widen(narrow.categories, other.categories),
        tuple(
            OrganisationId(one) for one in widen(narrow.organisation_ids, other.organisation_ids)
        ),
        tuple(SystemId(one) for one in widen(narrow.system_ids, other.system_ids)),
    )
    assert planned(registry, right, narrow) <= planned(registry, right, wide)
    assert planned(registry, right, wide) <= planned(registry, right, Scope())


@given(st.data(), strategies.registries, strategies.rights)
def test_a_key_asks_at_least_whom_a_key_below_it_asks(
    data: st.DataObject, registry: Registry, right: Right
) -> None:
    below = data.draw(strategies.categories)
    above = below.rsplit(".", 1)[0]
    assert planned(registry, right, Scope((below,))) <= planned(registry, right, Scope((above,)))


@given(st.data(), strategies.registries, strategies.rights)
def test_a_plan_holds_only_systems_that_have_the_right_sorted_and_once(
    data: st.DataObject, registry: Registry, right: Right
) -> None:
    found = plan(registry, right, data.draw(scopes(registry)), received_at=NOW)
    assert all(right in system.rights for system in found)
    assert [system.id for system in found] == sorted({system.id for system in found})


@given(strategies.registries)
def test_grouping_by_organisation_loses_no_system(registry: Registry) -> None:
    groups = by_organisation(registry.systems)
    assert sorted(one.id for group in groups.values() for one in group) == [
        one.id for one in registry.systems
    ]
    assert all(one.organisation_id == owner for owner, group in groups.items() for one in group)
