"""Give the Kafka and the PostgreSQL of a trial what the example group needs, and make its secrets.

Runs in the image of the command, before the services. Repeating it changes nothing that matters.
`DSR_TRIAL_SYSTEMS` names the systems that take part, joined by commas; all of them unless given.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from dsr_cli.group.access import grants, principals
from dsr_cli.group.access_plan import intended
from dsr_cli.group.keys import key_pair
from dsr_cli.kafka.access import grant
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
from dsr_cli.kafka.users import set_passwords
from dsr_cli.registry import load_registry
from dsr_cli.rules import load_rules
from dsr_cli.stack.roles import SCHEMAS, login_of, owner_of, statements
from dsr_cli.stack.secret_store import SecretStore
from dsr_core.registry import Registry
from dsr_wire.topics import all_topics

SECRETS = Path(os.environ.get("DSR_TRIAL_SECRETS", "/secrets"))
PASSWORD = os.environ["DSR_TRIAL_PASSWORD"]
SYSTEMS = frozenset(filter(None, os.environ.get("DSR_TRIAL_SYSTEMS", "").split(",")))
FOLDERS = (Path("/systems"), Path("/store"))
DATABASE = "dsr"
NOBODY = 65532


async def postgresql(dsn: str) -> None:
    """Make every service's logins, all with the trial's password."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements(DATABASE):
            await connection.execute(statement)
        for role in (one(service) for service in SCHEMAS for one in (login_of, owner_of)):
            await connection.execute(f"alter role \"{role}\" password '{PASSWORD}'")
    finally:
        await connection.close()


def secrets() -> None:
    """Make the keys that services read from files."""
    store = SecretStore(SECRETS)
    for name in ("key-encryption-key", "lookup-key", "package-key", "webhook-key"):
        store.key_file(name)
    store.note_key_file("log-key", origin=os.environ["DSR_LOG_ORIGIN"])


def of_systems(registry: Registry, ids: Collection[str]) -> Registry:
    """Return a registry with these systems alone, and the organisations that own them."""
    systems = tuple(
        replace(one, copies_from=tuple(other for other in one.copies_from if other in ids))
        for one in registry.systems
        if one.id in ids
    )
    named = {one.organisation_id for one in systems}
    while (
        more := {one.parent for one in registry.organisations if one.id in named and one.parent}
        - named
    ):
        named |= more
    return Registry(tuple(one for one in registry.organisations if one.id in named), systems)


def kafka(admin: KafkaAdmin, registry: Registry, rules_dir: Path) -> None:
    """Create topics, logins and rights; register every system's keys; publish rules and registry."""
    rules = load_rules(rules_dir)
    client = admin.client()
    create_topics(client, all_topics(registry))
    set_passwords(client, dict.fromkeys(principals(registry), PASSWORD))
    grant(client, grants(registry))
    set_quotas(admin, intended(registry).quotas)
    now, book = datetime.now(UTC), read_book(admin)
    keys = (
        successor(key_pair(SECRETS, one.id).public, book.keys(one.id)) for one in registry.systems
    )
    admin.send([*keys_records(keys, now), rules_record(rules, now), registry_record(registry, now)])


def main() -> None:
    """Do all of it."""
    secrets()
    asyncio.run(postgresql(os.environ["DSR_TRIAL_POSTGRES_DSN"]))
    admin = KafkaAdmin(
        bootstrap=os.environ["DSR_KAFKA_BOOTSTRAP"],
        security_protocol=os.environ["DSR_KAFKA_SECURITY_PROTOCOL"],
        username="admin",
        password=PASSWORD,
    )
    registry = load_registry(Path("/published/registry"))
    kafka(admin, of_systems(registry, SYSTEMS) if SYSTEMS else registry, Path("/published/rules"))
    if os.geteuid() == 0:
        for one in SYSTEMS:
            (FOLDERS[0] / one).mkdir(exist_ok=True)
        for folder in filter(Path.exists, (SECRETS, *FOLDERS)):
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
    sys.stdout.write("topics, logins, keys, rules and registry are there\n")


if __name__ == "__main__":
    main()
