"""Phases lose no system, keep every order that can be kept, and do not depend on the order of input."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dsr_core.ids import SystemId
from dsr_core.phases import PHASES_LIMIT, Why, phases, precedences
from dsr_core.registry import Registry, System
from dsr_core.rights import Right
from support import strategies

NAMES = tuple(SystemId(one) for one in "abcdefg")


@st.composite
def registries(draw: st.DrawFn) -> Registry:
    """Registries whose systems name each other, and whose organisations are theirs."""
    owners = draw(st.lists(strategies.organisations, min_size=1, max_size=3, unique_by=_id))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=7, unique=True))
    systems = [
        replace(
            draw(strategies.systems),
            id=name,
            organisation_id=draw(st.sampled_from(owners)).id,
            copies_from=draw(strategies.sorted_tuples(st.sampled_from(NAMES))),
            erase_after=draw(strategies.sorted_tuples(st.sampled_from(NAMES))),
        )
        for name in names
    ]
    return Registry(tuple(owners), tuple(systems))


def _id(one: object) -> object:
    return getattr(one, "id")  # noqa: B009 - of whatever has one


kinds = st.sets(strategies.kinds).map(tuple)


@given(registries(), strategies.rights, kinds)
def test_every_planned_system_is_in_exactly_one_phase_and_none_is_empty(
    registry: Registry, right: Right, kinds: tuple[str, ...]
) -> None:
    found = phases(registry, registry.systems, right, kinds)
    assert sorted(one.id for phase in found for one in phase) == [
        one.id for one in registry.systems
    ]
    assert all(found)
    assert len(found) <= PHASES_LIMIT


@given(registries(), strategies.rights, kinds, st.randoms())
def test_the_order_of_input_does_not_matter(
    registry: Registry, right: Right, kinds: tuple[str, ...], random: st.DataObject
) -> None:
    shuffled = list(registry.systems)
    random.shuffle(shuffled)  # type: ignore[attr-defined] - Hypothesis' random has no type of its own
    assert phases(registry, shuffled, right, kinds[::-1]) == phases(
        registry, registry.systems, right, kinds
    )


def reachable(edges: set[tuple[SystemId, SystemId]], start: SystemId) -> set[SystemId]:
    found, new = set[SystemId](), {start}
    while new:
        new = {after for before, after in edges if before in new} - found
        found |= new
    return found


@given(registries(), kinds)
def test_every_order_that_no_ring_and_no_stronger_reason_undoes_is_kept(
    registry: Registry, kinds: tuple[str, ...]
) -> None:
    phase_of = {
        one.id: number
        for number, phase in enumerate(phases(registry, registry.systems, Right.DELETION, kinds))
        for one in phase
    }
    kept = precedences(registry, registry.systems, Right.DELETION, kinds)
    pairs = {(one.before, one.after) for one in kept}
    for one in kept:
        if one.before not in reachable(pairs, one.after):
            last = PHASES_LIMIT - 1
            assert phase_of[one.before] < phase_of[one.after] or phase_of[one.before] == last
        else:
            assert phase_of[one.before] == phase_of[one.after]
    declared = _declared(registry.systems)
    strong = {(one.before, one.after) for one in kept if one.why is Why.RESOLVES}
    for before, after in declared:
        if before not in reachable(declared | strong, after):
            assert (before, after) in pairs


def _declared(systems: tuple[System, ...]) -> set[tuple[SystemId, SystemId]]:
    names = {one.id for one in systems}
    copies = {(one.id, origin) for one in systems for origin in one.copies_from}
    named = {(other, one.id) for one in systems for other in one.erase_after}
    return {(a, b) for a, b in copies | named if a != b and {a, b} <= names}
