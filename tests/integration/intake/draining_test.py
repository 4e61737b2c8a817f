"""Intake is told to end while clients post on connections that they keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from dsr_cli.stack import Stack
from dsr_runtime.kafka import KafkaConnection
from support.intake_group import BASE, Group, Groups
from support.submissions import a_submission
from support.waiting import eventually

CLIENTS = 8
STOP_WITHIN_S = 20.0


@pytest.fixture
async def group(
    stack: Stack, kafka: KafkaConnection, database: str, tmp_path: Path
) -> AsyncIterator[Group]:
    groups = Groups(stack, kafka, database, tmp_path)
    yield await groups.start(replicas=1)
    await groups.aclose()


class Client:
    """Posts on one connection, one request after the other, until nobody answers."""

    def __init__(self, number: int, url: str, authorization: str) -> None:
        self._number, self._url, self._authorization = number, url, authorization
        self.answered: list[int] = []
        """The status of each answer."""
        self.connections: set[object] = set()
        """The connections that they came by."""

    async def run(self) -> None:
        """Post until the connection is closed and no other can be had."""
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        headers = {"authorization": self._authorization}
        async with httpx.AsyncClient(base_url=self._url, limits=limits, headers=headers) as http:
            for number in count():
                key = f"client-{self._number}-{number}"
                try:
                    answer = await http.post(
                        BASE, json=a_submission(number), headers={"idempotency-key": key}
                    )
                except httpx.TransportError:
                    return
                self.answered.append(answer.status_code)
                self.connections.add(answer.extensions["network_stream"])


async def test_every_call_that_is_accepted_is_answered_and_none_with_a_fault(group: Group) -> None:
    [intake] = group.replicas
    authorization = group.http[0].headers["authorization"]
    clients = [Client(n, intake.url, authorization) for n in range(CLIENTS)]
    posting = [asyncio.create_task(one.run()) for one in clients]
    await eventually(lambda: all(len(one.answered) > 5 for one in clients), within=30)
    took = await intake.stop()
    await asyncio.gather(*posting)
    assert {status for one in clients for status in one.answered} == {202}
    assert [len(one.connections) for one in clients] == [1] * CLIENTS
    accepted = await group.pool.fetchval("select count(*) from intake.subject_requests")
    assert accepted == sum(len(one.answered) for one in clients)
    assert took < STOP_WITHIN_S
