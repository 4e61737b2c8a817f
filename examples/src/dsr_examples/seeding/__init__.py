"""Made-up data for each system, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable

from dsr_examples.catalogue import ExampleSystem
from dsr_examples.people import Person
from dsr_examples.seeding.draw import Draw
from dsr_examples.seeding.group import GROUP
from dsr_examples.seeding.providers import PROVIDERS
from dsr_examples.stores.schema import Rows

__all__ = ["rows_for"]


def rows_for(system: ExampleSystem, people: Iterable[Person]) -> Rows:
    """Return a system's rows: those of the people it knows."""
    fill = (GROUP | PROVIDERS)[system.system_id]
    rows, draw = Rows(), Draw(system.system_id)
    for person in people:
        if system.knows(person.number):
            fill(rows, person, draw)
    return rows
