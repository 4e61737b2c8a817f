"""Provisioning: what the running parts need before services and systems can work. Safe to repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from dsr_cli.group.access import grants, principals
from dsr_cli.group.access_plan import intended
from dsr_cli.group.keys import key_pair
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.quotas import set_quotas
from dsr_cli.kafka.registry_topic import (
    keys_records,
    read_book,
    registry_record,
    rules_record,
    successor,
)
from dsr_cli.kafka.topics import create_topics
from dsr_cli.rules import load_rules
from dsr_cli.stack import Stack, create_users, grant
from dsr_cli.stack.kafka import SECURITY_PROTOCOL
from dsr_cli.stack.postgres import DATABASE
from dsr_cli.stack.roles import create_owner, create_roles
from dsr_core.registry import Registry
from dsr_wire.topics import all_topics

__all__ = ["create_databases", "kafka_admin", "provision"]


def kafka_admin(stack: Stack) -> KafkaAdmin:
    """Return the local stack's operator connection to Kafka."""
    credentials = stack.kafka_admin_credentials
    return KafkaAdmin(
        bootstrap=stack.kafka_bootstrap,
        security_protocol=SECURITY_PROTOCOL,
        username=credentials.username,
        password=credentials.password,
        ca_file=stack.kafka_ca_file,
    )


def provision(
    stack: Stack,
    registry: Registry,
    *,
    rules_dir: Path | None = None,
    partitions: int | None = None,
) -> None:
    """Create topics, users and rights, publish registry and rules, and register every system's keys.

    Users are Kafka's and PostgreSQL's, and organisations have quotas. The rules are the checkout's, if
    no other folder is given. Topics have the partitions that their table says, unless a number is given:
    then those that more than one process reads at a time have so many.
    """
    rules = load_rules(rules_dir or stack.settings.checkout / "rules")
    admin = kafka_admin(stack)
    topics = all_topics(registry)
    if partitions is not None:
        topics = tuple(
            one if one.partitions == 1 else replace(one, partitions=partitions) for one in topics
        )
    create_topics(admin.client(), topics)
    create_users(stack, principals(registry))
    grant(stack, grants(registry))
    create_roles(stack, DATABASE)
    set_quotas(admin, intended(registry).quotas)
    now = datetime.now(UTC)
    book = read_book(admin)
    keys = (
        successor(key_pair(stack.settings.secrets_dir, one.id).public, book.keys(one.id))
        for one in registry.systems
    )
    # The keys come first: no request may be planned for a system that cannot be sealed for.
    admin.send([*keys_records(keys, now), rules_record(rules, now), registry_record(registry, now)])


def create_databases(stack: Stack, names: Iterable[str]) -> None:
    """Create the databases that are missing, each with a login of its name that owns it alone."""
    names = sorted(names)

    async def create() -> None:
        connection = await asyncpg.connect(stack.postgres_dsn())
        try:
            found = await connection.fetch("select datname from pg_database")
            for name in sorted(set(names) - {row["datname"] for row in found}):
                await connection.execute(f'create database "{name}"')
        finally:
            await connection.close()

    asyncio.run(create())
    for name in names:
        create_owner(stack, name)
