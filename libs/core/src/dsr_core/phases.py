"""Phases: in which order the planned systems are asked, from one registry version.

A pure function, so that fanout, which asks in this order, and whoever looks at a plan find the same. A
system that nothing orders is in the first phase; most plans have that one alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dsr_core.ids import SystemId
from dsr_core.registry import OrganisationRole, Registry, System
from dsr_core.rights import RIGHTS, Right

__all__ = ["COHORT_PHASES_LIMIT", "PHASES_LIMIT", "Precedence", "Why", "phases", "precedences"]

PHASES_LIMIT = 4
"""Phases of a plan at most: each one costs time until the first tier. What lies deeper is in the last."""

COHORT_PHASES_LIMIT = PHASES_LIMIT + 1
"""Phases of a cohort at most: before those of its plan one may wait for what is handed over."""


class Why(StrEnum):
    """Why one system is asked before another."""

    RESOLVES = "resolves"
    """It finds out the identifier that the other needs."""

    COPIES = "copies_from"
    """Its data comes from the other, which could fill it again."""

    DECLARED = "erase_after"
    """The other says so."""

    POLICY = "processors_first"
    """It is a service provider's, and the other's organisation has those go first."""


_STRENGTH = ((Why.RESOLVES,), (Why.COPIES, Why.DECLARED), (Why.POLICY,))
"""Where reasons make a ring, the later ones give way: who cannot know the person cannot erase at all."""


@dataclass(frozen=True, slots=True, order=True)
class Precedence:
    """One system is asked only after another has confirmed."""

    before: SystemId
    after: SystemId
    why: Why


def phases(
    registry: Registry, systems: Iterable[System], right: Right, kinds: Iterable[str]
) -> tuple[tuple[System, ...], ...]:
    """Divide planned systems into phases, each sorted by id; every system is in exactly one.

    Systems that come after each other in a ring of equal reasons are in one phase.

    Args:
        registry: The version that the plan is from.
        systems: The planned systems, in any order.
        right: What is asked.
        kinds: The kinds of identifier at hand; nothing is resolved where none is named.
    """
    by_id = {one.id: one for one in sorted(systems, key=lambda one: one.id)}
    edges = precedences(registry, by_id.values(), right, kinds)
    if not edges:
        return (tuple(by_id.values()),) if by_id else ()
    found: list[list[System]] = [[] for _ in range(PHASES_LIMIT)]
    for system_id, level in _levels(tuple(by_id), edges).items():
        found[min(level, PHASES_LIMIT - 1)].append(by_id[system_id])
    return tuple(tuple(sorted(one, key=lambda system: system.id)) for one in found if one)


def precedences(
    registry: Registry, systems: Iterable[System], right: Right, kinds: Iterable[str]
) -> tuple[Precedence, ...]:
    """Return which of the planned systems come after which, and why, sorted.

    What would close a ring with a stronger reason is left out. The arguments are those of `phases`.
    """
    planned = tuple(sorted(systems, key=lambda one: one.id))
    wanted = {*_resolving(planned, frozenset(kinds))}
    if RIGHTS[right].erases:
        wanted |= {*_declared(planned), *_by_policy(registry, planned)}
    if not wanted:
        return ()  # as most plans have it, and with hundreds of systems the rest takes a while
    ids = tuple(one.id for one in planned)
    kept: list[Precedence] = []
    for reasons in _STRENGTH:
        more = sorted(one for one in wanted if one.why in reasons)
        component = _components(ids, [*kept, *more])
        decided = {component[one.before] for one in kept if _is_inside(one, component)}
        kept.extend(
            one
            for one in more
            if not (_is_inside(one, component) and component[one.before] in decided)
        )
    return tuple(sorted(kept))


def _declared(planned: Sequence[System]) -> Iterator[Precedence]:
    ids = {one.id for one in planned}
    for one in planned:
        for origin in ids.intersection(one.copies_from) - {one.id}:
            yield Precedence(one.id, origin, Why.COPIES)
        for other in ids.intersection(one.erase_after) - {one.id}:
            yield Precedence(other, one.id, Why.DECLARED)


def _by_policy(registry: Registry, planned: Sequence[System]) -> Iterator[Precedence]:
    owners = {one.id: one for one in registry.organisations}
    processors = {
        id_ for id_, one in owners.items() if one.role is OrganisationRole.SERVICE_PROVIDER
    }
    waiting = {id_ for id_, one in owners.items() if one.processors_first} - processors
    for after in planned:
        if after.organisation_id in waiting:
            for before in planned:
                if before.organisation_id in processors:
                    yield Precedence(before.id, after.id, Why.POLICY)


def _resolving(planned: Sequence[System], kinds: frozenset[str]) -> Iterator[Precedence]:
    """Yield who finds out what another needs that knows nobody by what is at hand.

    It is always found in fewer rounds than the other waits, so that these alone never make a ring.
    """
    rounds = _rounds(planned, kinds)
    for one in planned:
        known = [rounds[kind] for kind in one.identifiers if kind in rounds]
        if not known or min(known) == 0:
            continue
        for other in planned:
            if other.id != one.id and any(
                pair.to_kind in one.identifiers
                and rounds.get(pair.from_kind, min(known)) < min(known)
                for pair in other.resolves
            ):
                yield Precedence(other.id, one.id, Why.RESOLVES)


def _rounds(planned: Sequence[System], kinds: frozenset[str]) -> dict[str, int]:
    """Return the kinds that can come to hand, each with the round of questions that brings it."""
    rounds = dict.fromkeys(kinds, 0)
    while True:
        found = {
            pair.to_kind for one in planned for pair in one.resolves if pair.from_kind in rounds
        } - rounds.keys()
        if not found:
            return rounds
        rounds |= dict.fromkeys(found, max(rounds.values()) + 1)


def _levels(ids: Sequence[SystemId], edges: Sequence[Precedence]) -> dict[SystemId, int]:
    """Return how long the longest way to each system is; those of one ring are as far as each other."""
    component = _components(ids, edges)
    before: dict[int, set[int]] = defaultdict(set)
    for one in edges:
        if not _is_inside(one, component):
            before[component[one.after]].add(component[one.before])
    levels: dict[int, int] = {}
    for number in sorted(set(component.values())):
        levels[number] = max((levels[one] + 1 for one in before[number]), default=0)
    return {id_: levels[component[id_]] for id_ in ids}


def _components(ids: Sequence[SystemId], edges: Sequence[Precedence]) -> dict[SystemId, int]:
    """Return each system's ring, numbered so that no edge leads to a lower number: Kosaraju's algorithm."""
    after: dict[SystemId, list[SystemId]] = defaultdict(list)
    before: dict[SystemId, list[SystemId]] = defaultdict(list)
    for one in edges:
        after[one.before].append(one.after)
        before[one.after].append(one.before)
    found: dict[SystemId, int] = {}
    seen: set[SystemId] = set()
    finished = [id_ for start in ids for id_ in _finished(start, after, seen)]
    reached: set[SystemId] = set()
    for number, start in enumerate(reversed(finished)):
        found.update(dict.fromkeys(_finished(start, before, reached), number))
    return found


def _finished(
    start: SystemId, after: Mapping[SystemId, Sequence[SystemId]], seen: set[SystemId]
) -> Iterator[SystemId]:
    """Yield what can be reached from a system and was not seen, each after all that follows it."""
    if start in seen:
        return
    seen.add(start)
    path = [(start, iter(after.get(start, ())))]
    while path:
        one, following = path[-1]
        new = next((other for other in following if other not in seen), None)
        if new is None:
            path.pop()
            yield one
        else:
            seen.add(new)
            path.append((new, iter(after.get(new, ()))))


def _is_inside(one: Precedence, component: Mapping[SystemId, int]) -> bool:
    return component[one.before] == component[one.after]
