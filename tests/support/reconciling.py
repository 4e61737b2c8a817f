"""`dsr reconcile` on a loop of which services are stopped, and what Kafka says that was read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import asyncpg
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from dsr_cli.connection import POSTGRES_DSNS
from dsr_cli.group.provision import kafka_admin
from dsr_cli.kafka.reading import Found, records
from dsr_cli.reconcile.positions import rewind
from dsr_cli.stack.roles import owner_of
from support.command import dsr
from support.loop import Loop
from support.waiting import eventually

__all__ = [
    "SERVICES",
    "Offsets",
    "changed",
    "differences",
    "forgotten",
    "positions",
    "read_past",
    "set_back",
    "started",
    "stopped",
    "told",
]

SERVICES = ("intake", "fanout", "verifier")

Offsets = Mapping[tuple[str, str, int], int]
"""By group, topic and partition: what comes next."""


async def stopped(loop: Loop, *names: str) -> None:
    """Stop services; all of them, unless some are named."""
    for name in names or SERVICES:
        await asyncio.to_thread(loop.stack.stop, name)


async def started(loop: Loop, *names: str) -> None:
    """Start services; all of them, unless some are named."""
    for name in names or ("verifier", "intake", "fanout"):
        await asyncio.to_thread(loop.stack.start, name)


async def differences(loop: Loop, *options: str, by_owners: bool = False) -> dict[str, set[str]]:
    """Return what `dsr reconcile` says: the ids of each kind.

    By the logins that own the schemas, each sees those of its service alone; else by one that sees all.
    """
    dsns = {
        name: loop.stack.postgres_dsn(user=owner_of(one)) for one, name in POSTGRES_DSNS.items()
    }
    command = ("reconcile", "--json", *options)
    said = await dsr(loop.stack.settings, *command, variables=dsns if by_owners else {})
    assert said.out, said.err
    found: dict[str, set[str]] = {}
    for one in json.loads(said.out)["differences"]:
        found.setdefault(one["kind"], set()).add(one["id"])
    return found


async def changed(loop: Loop, *statements: str, only_added_to: str = "") -> None:
    """Change the services' database as none of them would; the table named is one that is only added to."""
    connection = await asyncpg.connect(loop.stack.postgres_dsn("dsr"))
    try:
        async with connection.transaction():
            if only_added_to:
                await connection.execute(f"alter table {only_added_to} disable trigger all")
            for statement in statements:
                await connection.execute(statement)
            if only_added_to:
                await connection.execute(f"alter table {only_added_to} enable trigger all")
    finally:
        await connection.close()


def told(loop: Loop, topic: str) -> list[Found]:
    """Return what is on a topic."""
    return list(records(kafka_admin(loop.stack), lambda name: name == topic))


def positions(loop: Loop, group: str, topic: str) -> Offsets:
    """Return how far a group has read each partition of a topic; what it has not begun is at nought."""
    # It answers while it is there, and no longer.
    client = kafka_admin(loop.stack).client()
    partitions = [TopicPartition(topic, one) for one in _ends(loop, topic)]
    asked = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, partitions)])
    return {
        (group, topic, one.partition): max(one.offset, 0)
        for one in asked[group].result().topic_partitions
    }


def read_past(loop: Loop, group: str, topic: str) -> None:
    """Have a group, as whom nobody reads, take all that is on a topic as read."""
    set_back(loop, {(group, topic, one): end for one, end in _ends(loop, topic).items()})


def _ends(loop: Loop, topic: str) -> dict[int, int]:
    consumer = kafka_admin(loop.stack).consumer()
    try:
        partitions = consumer.list_topics(topic).topics[topic].partitions
        return {
            one: consumer.get_watermark_offsets(TopicPartition(topic, one))[1] for one in partitions
        }
    finally:
        consumer.close()


def set_back(loop: Loop, offsets: Offsets) -> None:
    """Have groups, as whom nobody reads, go on from there."""
    rewind(kafka_admin(loop.stack), offsets)


async def forgotten(client: Client, name: str) -> None:
    """Have Temporal lose a workflow."""
    execution = WorkflowExecution(workflow_id=name)
    await client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    )

    async def is_gone() -> bool:
        try:
            await client.get_workflow_handle(name).describe()
        except RPCError as error:
            return error.status is RPCStatusCode.NOT_FOUND
        return False

    await eventually(is_gone, within=30, what="the workflow is gone")
