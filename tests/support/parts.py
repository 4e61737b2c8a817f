"""The real parts for tests: one local stack a run, with the example group's topics, users and keys."""

from __future__ import annotations

import asyncio
import random
import socket
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from dsr_cli.group.keys import key_pair
from dsr_cli.group.provision import provision
from dsr_cli.registry.load import load_registry
from dsr_cli.stack import Stack, StackSettings
from dsr_cli.stack.kafka import SECURITY_PROTOCOL
from dsr_cli.stack.postgres import USER
from dsr_cli.stack.roles import SCHEMAS, create_roles, login_of, owner_of
from dsr_core.registry import Registry
from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.migrations import migrate
from dsr_wire.keys import SystemKeyPair

ROOT = Path(__file__).resolve().parents[2]
_BASES = range(20000, 32000, 100)
_SPAN = 60

_STACKS: dict[str, Stack] = {}
"""Those that have run, by the password of their super user, which no two share."""


def free_port_base() -> int:
    """Return a port base whose ports nobody listens on; runs side by side seldom look at the same."""
    bases = random.sample(_BASES, len(_BASES))
    return next(base for base in bases if all(_is_free(base + n) for n in range(_SPAN)))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def stack_settings(data_dir: Path) -> StackSettings:
    """Return settings for a stack of a test's own."""
    standard = StackSettings.from_environment(ROOT)
    return StackSettings(
        checkout=ROOT,
        port_base=free_port_base(),
        data_dir=data_dir,
        cache_dir=standard.cache_dir,
    )


@contextmanager
def data_folder() -> Iterator[Path]:
    """Make a folder for a stack, and remove it afterwards.

    Not one of pytest's: each run of pytest closes those of the others to other users, and PostgreSQL
    runs as one.
    """
    with tempfile.TemporaryDirectory(prefix="dsr-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def running_parts(data_dir: Path, registry: Registry) -> Iterator[Stack]:
    """Run Kafka, Temporal and PostgreSQL for the example group; gone afterwards."""
    with Stack(stack_settings(data_dir), attached=True) as stack:
        provision(stack, registry)
        _STACKS[stack.postgres_password(USER)] = stack
        yield stack


def example_registry() -> Registry:
    """Return the registry that ships with the project."""
    return load_registry(ROOT / "registry")


def kafka_of(stack: Stack) -> KafkaConnection:
    """Return the super user's connection."""
    credentials = stack.kafka_admin_credentials
    return KafkaConnection(
        bootstrap=stack.kafka_bootstrap,
        security_protocol=SECURITY_PROTOCOL,
        username=credentials.username,
        password=credentials.password,
        ca_file=stack.kafka_ca_file,
    )


def kafka_environment_of(connection: KafkaConnection) -> dict[str, str]:
    """Return a connection as a process finds it in its environment."""
    return {
        "DSR_KAFKA_BOOTSTRAP": connection.bootstrap,
        "DSR_KAFKA_SECURITY_PROTOCOL": connection.security_protocol,
        "DSR_KAFKA_USERNAME": connection.username,
        "DSR_KAFKA_PASSWORD": connection.password,
        "DSR_KAFKA_CA_FILE": str(connection.ca_file),
    }


def keys_of(stack: Stack, system_id: str) -> SystemKeyPair:
    """Return the registered key pair of an example system."""
    return key_pair(stack.settings.secrets_dir, system_id)


@contextmanager
def fresh_database(stack: Stack) -> Iterator[str]:
    """Make an empty database and yield its address as the super user; dropped afterwards.

    Services use it with no more rights than they need: see `at_postgres`.
    """
    name = f"test_{uuid.uuid4().hex}"
    _execute(stack, f'create database "{name}"')
    try:
        # A thread of its own: the caller may stand in a running loop.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(create_roles, stack, name).result()
        yield stack.postgres_dsn(name)
    finally:
        _execute(stack, f'drop database "{name}" with (force)')


def make_logins(dsn: str) -> None:
    """Have the services' logins in a super user's database own what is theirs, as an operator does."""
    address = urlsplit(dsn)
    create_roles(_STACKS[address.password or ""], address.path.removeprefix("/"))


async def make_schemas(dsn: str, *services: str) -> None:
    """Have services' schemas in a super user's database, made by their owners; all, unless some are named."""
    for service in services or SCHEMAS:
        await migrate(
            as_user(dsn, owner_of(service)),
            package=f"dsr_{service}",
            schema=service,
            login=login_of(service),
        )


def as_user(dsn: str, user: str) -> str:
    """Return a super user's address of a database as another user's of the same stack."""
    parts = urlsplit(dsn)
    stack = _STACKS[parts.password or ""]
    address = f"{user}:{stack.postgres_password(user)}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=address))


def at_postgres(dsn: str, service: str) -> dict[str, str]:
    """Return what a service finds in its environment, with two logins in place of the super user."""
    return {
        "DSR_POSTGRES_DSN": as_user(dsn, login_of(service)),
        "DSR_POSTGRES_MIGRATION_DSN": as_user(dsn, owner_of(service)),
    }


def _execute(stack: Stack, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(stack.postgres_dsn())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    # A thread of its own: the caller may stand in a running loop.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, execute()).result()
