"""The whole loop for tests: parts, services and the example systems, each a process of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from dsr_cli.api.client import IntakeClient
from dsr_cli.demo.people import submission
from dsr_cli.group.bring_up import api_key, bring_up
from dsr_cli.group.provision import kafka_admin
from dsr_cli.group.systems import process_name
from dsr_cli.kafka.dead_letters import DeadLetter, dead_letters
from dsr_cli.stack import Stack
from dsr_examples.people import People, Person
from support.parts import stack_settings
from support.waiting import eventually

__all__ = ["QUICK", "Loop", "running_loop"]

QUICK = {
    "DSR_EXAMPLE_SLOW_SECONDS": "0.5",
    "DSR_EXAMPLE_RETRY_SECONDS": "0.5",
    "DSR_VERIFIER_REGISTRY_WAIT_S": "2",
    "DSR_VERIFIER_KEEPING_EVERY_S": "1",
    "DSR_LETTERS_LEASE_S": "3",
    "DSR_VERIFY_LATER_SHARE": "1",
    "DSR_BREAKER_FLOOR": "100000",
    "DSR_BREAKER_DAY_FLOOR": "100000",
}
"""Shorter waits than in life, for what may never come; nothing that is left to chance; and no stop, since
all tests together erase more than the breaker lets pass in an hour."""


class Loop:
    """A running group, and what a test asks of it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._people = People()
        self._numbers = itertools.count(1)

    def person(self) -> Person:
        """Return a person that no other test has asked for."""
        return self._people.person(next(self._numbers))

    def client(self) -> IntakeClient:
        """Return a client of intake with the local API key."""
        return IntakeClient(self.stack.settings.intake_url, api_key(self.stack))

    async def submit(self, person: Person | None = None, *, key: str | None = None) -> str:
        """Submit a deletion request and return its id."""
        async with self.client() as client:
            body = submission(person or self.person())
            accepted = await client.submit(body, idempotency_key=key)
        return str(accepted["id"])

    async def show(self, request_id: str) -> dict[str, Any]:
        """Return one request."""
        async with self.client() as client:
            return await client.show(request_id)

    async def answered(self, *request_ids: str, within: float = 60.0) -> None:
        """Wait until requests are answered."""
        async with self.client() as client:
            for request_id in request_ids:

                async def is_answered(one: str = request_id) -> bool:
                    return bool((await client.show(one))["state"] == "answered")

                await eventually(is_answered, within=within, what=f"{request_id} is answered")

    async def obligations(self, request_id: str) -> dict[str, dict[str, Any]]:
        """Return a request's obligations by system."""
        async with self.client() as client:
            found = await client.obligations(request_id)
        return {one["system_id"]: one for one in found["obligations"]}

    async def missing(self, request_id: str) -> set[str]:
        """Return the systems that have not confirmed; those whose turn has not come are left out."""
        async with self.client() as client:
            found = await client.obligations(request_id)
        untold = {one["phase"] for one in found["phases"] if one["told_at"] is None}
        return {
            one["system_id"]
            for one in found["obligations"]
            if not one["is_confirmed"] and one["phase"] not in untold
        }

    async def query(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Look into the services' database."""
        connection = await asyncpg.connect(self.stack.postgres_dsn())
        try:
            rows: Sequence[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    async def closures(self, request_id: str) -> int:
        """Return how many closures the ledger has of a request: never more than one."""
        rows = await self.query(
            "select count(*) as n from verifier.closures where request_id::text = $1", request_id
        )
        return int(rows[0]["n"])

    def dead_letters(self, topic: str | None = None) -> list[DeadLetter]:
        """Return the dead letters, or those of one topic."""
        return list(dead_letters(kafka_admin(self.stack), topic))

    def system(self, system_id: str) -> str:
        """Return the name of a system's process."""
        return process_name(system_id)


@contextmanager
def running_loop(
    data_dir: Path, *, rules_dir: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Loop]:
    """Run the whole group, by the checkout's rules unless others are given; gone afterwards.

    The settings are those of every service and system, besides their own.
    """
    stack = Stack(stack_settings(data_dir), attached=True)
    try:
        told = {**QUICK, **(settings or {})}
        bring_up(stack, lambda _event: None, settings=told, rules_dir=rules_dir)
        yield Loop(stack)
    finally:
        stack.down()
