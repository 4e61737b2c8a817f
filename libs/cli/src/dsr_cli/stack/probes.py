"""Questions that show that a process really serves, in its own protocol."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT = 3.0

# librdkafka writes to standard error unless it is given a logger; a broker that is not there yet
# is no news to anyone.
_quiet = logging.getLogger("dsr_cli.stack.kafka")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


def http_ok(url: str) -> bool:
    """Tell whether a GET of this `http:` URL is answered with 200."""
    # Asked many times a second, so without a client that loads certificates first.
    parts = urlsplit(url)
    with contextlib.closing(HTTPConnection(parts.netloc, timeout=_TIMEOUT)) as connection:
        try:
            connection.request("GET", parts.path)
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False


def kafka_admin(bootstrap: str, username: str, password: str, *, ca_file: Path) -> AdminClient:
    """Return a client of Kafka's administration; it connects when it is first used."""
    return AdminClient(
        {
            "bootstrap.servers": bootstrap,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(ca_file),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": username,
            "sasl.password": password,
            "log.connection.close": False,
        },
        logger=_quiet,
    )


def kafka_logs_in(bootstrap: str, username: str, password: str, *, ca_file: Path) -> bool:
    """Tell whether this user can log in to Kafka, and a broker is there."""
    admin = kafka_admin(bootstrap, username, password, ca_file=ca_file)
    try:
        # A refused login is tried again until the time is over, so the time is short.
        metadata = admin.list_topics(timeout=1)
    except KafkaException:
        return False
    return bool(metadata.brokers)


def postgres_answers(dsn: str) -> bool:
    """Tell whether this database takes a query."""

    async def ask() -> bool:
        connection = await asyncpg.connect(dsn, timeout=_TIMEOUT)
        try:
            return bool(await connection.fetchval("SELECT 1") == 1)
        finally:
            await connection.close()

    try:
        return asyncio.run(ask())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
