"""Looking for one person in a store, the way a request would."""

from __future__ import annotations

from dataclasses import dataclass

from dsr_examples.people import Person
from dsr_examples.stores.schema import Store

__all__ = ["rows_of_person"]


@dataclass(frozen=True, slots=True)
class _Known:
    person: Person

    def values(self, kind: str) -> tuple[str, ...]:
        return self.person.identifiers.get(kind, ())


@dataclass(frozen=True, slots=True)
class _Question:
    identity: _Known
    request_id: str = "question"


async def rows_of_person(store: Store, person: Person) -> dict[str, int]:
    """Count a person's rows by table; empty where there are none."""
    (counts,) = await store.count([_Question(_Known(person))])
    return counts
