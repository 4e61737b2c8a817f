"""Holdings: how many rows each example system has, counted in its own database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

from dsr_cli.group.systems import system_environment
from dsr_cli.stack import Stack
from dsr_examples.catalogue import EXAMPLES, ExampleSystem
from dsr_examples.looking import rows_of_person
from dsr_examples.people import Person
from dsr_examples.stores.environment import store_of

__all__ = ["Holding", "holdings"]


@dataclass(frozen=True, slots=True)
class Holding:
    """What one system holds."""

    total: int
    """Rows in all of its tables."""

    by_person: Mapping[str, int]
    """Rows of each of the people asked about, by their account id."""

    @property
    def theirs(self) -> int:
        """Rows of all of them."""
        return sum(self.by_person.values())


async def holdings(stack: Stack, people: Sequence[Person]) -> dict[str, Holding]:
    """Count what every example system holds, and holds on these people; sorted by system."""
    counted = await asyncio.gather(*(_holding(stack, one, people) for one in EXAMPLES))
    return {one.system_id: holding for one, holding in zip(EXAMPLES, counted, strict=True)}


async def _holding(stack: Stack, one: ExampleSystem, people: Sequence[Person]) -> Holding:
    schema = import_module(one.module).SCHEMA
    store = store_of(one, schema, system_environment(stack, one))
    try:
        total = sum((await store.totals()).values())
        by_person = {
            person.account_id: sum((await rows_of_person(store, person)).values())
            for person in people
        }
        return Holding(total, by_person)
    finally:
        await store.close()
