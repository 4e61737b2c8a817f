"""Give the Kafka and the PostgreSQL of a trial what the example group needs, and make its secrets.

Runs in the image of the command, before the services. Repeating it changes nothing that matters.
"""

from __future__ import annotations

import asyncio
import os
import sys
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
from dsr_wire.topics import all_topics

SECRETS = Path(os.environ.get("DSR_TRIAL_SECRETS", "/secrets"))
PASSWORD = os.environ["DSR_TRIAL_PASSWORD"]
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
    for name in ("key-encryption-key", "lookup-key", "webhook-key"):
        store.key_file(name)
    store.note_key_file("log-key", origin=os.environ["DSR_LOG_ORIGIN"])


def kafka(admin: KafkaAdmin, registry_dir: Path, rules_dir: Path) -> None:
    """Create topics, logins and rights; register every system's keys; publish rules and registry."""
    registry, rules = load_registry(registry_dir), load_rules(rules_dir)
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
    kafka(admin, Path("/published/registry"), Path("/published/rules"))
    if os.geteuid() == 0:
        for path in (SECRETS, *SECRETS.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    sys.stdout.write("topics, logins, keys, rules and registry are there\n")


if __name__ == "__main__":
    main()
