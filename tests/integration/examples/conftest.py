"""Stores of the example systems, for real, each seeded with a few people."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from dsr_cli.stack import Stack
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_examples.catalogue import ExampleSystem, example
from dsr_examples.looking import rows_of_person
from dsr_examples.people import People, Person
from dsr_examples.seeding import rows_for
from dsr_examples.stores.environment import store_of
from dsr_examples.stores.schema import Schema, Store
from dsr_examples.systems import load
from dsr_sdk import Subscriber, SystemKeyPair
from dsr_sdk.testing import Acknowledgement, HandedOver, ProtectedField, SubscriberHarness
from support.parts import fresh_database

PEOPLE = 60
_GROUP = list(People().first(PEOPLE))


@dataclass(frozen=True)
class Running:
    """One system: its store, and a way to ask it."""

    system: ExampleSystem
    schema: Schema
    store: Store
    environment: dict[str, str]

    def known(self) -> list[Person]:
        return [one for one in _GROUP if self.system.knows(one.number)]

    def unknown(self) -> list[Person]:
        return [one for one in _GROUP if not self.system.knows(one.number)]

    def reopened(self) -> Store:
        """Return a store over the same data, as a new process would open it."""
        return store_of(self.system, self.schema, self.environment)

    def harness(self, store: Store | None = None) -> SubscriberHarness:
        """Return a way to ask that remembers no answer."""
        subscriber = Subscriber(
            system_id=self.system.system_id,
            organisation_id=self.system.organisation_id,
            keys=SystemKeyPair.generate(self.system.system_id),
        )
        load(self.system).subscribe(subscriber, store or self.store)
        return SubscriberHarness(subscriber)

    async def ask(
        self,
        requests: dict[str, Person],
        *,
        right: Right = Right.DELETION,
        store: Store | None = None,
        may_be_repeat: bool = False,
        scope: Scope | None = None,
    ) -> dict[str, Acknowledgement]:
        """Ask once, and return the answers by request."""
        named = {key: person.identifiers for key, person in requests.items()}
        harness = self.harness(store)
        answers = await harness.deliver(
            requests=named, right=right, may_be_repeat=may_be_repeat, scope=scope
        )
        return {one.request_id: one for one in answers}

    async def hand_over(
        self, person: Person, *, protected: Sequence[ProtectedField] = ()
    ) -> tuple[Acknowledgement, HandedOver | None]:
        """Ask for access, and return the answer with what was handed over."""
        harness = self.harness()
        (answer,) = await harness.deliver(
            identity=person.identifiers, right=Right.ACCESS, protected=protected
        )
        return answer, harness.handed_over(answer) if answer.delivery else None

    async def rows(self, person: Person) -> dict[str, int]:
        return await rows_of_person(self.store, person)


Start = Callable[[str], Awaitable[Running]]


@pytest.fixture
async def start(tmp_path: Path, stack: Stack) -> AsyncIterator[Start]:
    """Make and seed a system's store."""
    started: list[Running] = []
    with ExitStack() as databases:

        async def start_one(system_id: str) -> Running:
            system = example(system_id)
            environment = {"DSR_EXAMPLE_FOLDER": str(tmp_path / system_id)}
            if system.store == "postgres":
                dsn = databases.enter_context(fresh_database(stack))
                environment = {"DSR_EXAMPLE_DSN": dsn}
            schema = load(system).SCHEMA
            store = store_of(system, schema, environment)
            assert not await store.is_seeded()
            assert await store.seed(lambda: rows_for(system, _GROUP))
            started.append(Running(system, schema, store, environment))
            return started[-1]

        yield start_one
        for one in started:
            await one.store.close()
