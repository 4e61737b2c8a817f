"""Requests by Kafka's own protocol, where the admin clients have no call for them or a faulty one."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import DescribeAclsRequest
from aiokafka.protocol.api import Request

from dsr_cli.errors import CommandError
from dsr_cli.kafka.admin import KafkaAdmin

__all__ = ["asked", "refuse", "require_view_of_rights"]

_ANY = 1


def asked(admin: KafkaAdmin, request: Request[Any]) -> Any:
    """Return what a broker answers.

    Raises:
        CommandError: None can be reached.
    """

    async def ask() -> Any:
        client = AIOKafkaClient(**admin.connection.arguments(), client_id="dsr.operator")
        try:
            await client.bootstrap()
            return await client.send(client.get_random_node(), request)
        finally:
            await client.close()

    try:
        return asyncio.run(ask())
    except (KafkaError, OSError) as error:
        raise CommandError(f"cannot reach Kafka: {type(error).__name__}") from error


def refuse(code: int, text: str | None, *, what: str) -> None:
    """Raise what an answer's error code says, if it is one.

    Raises:
        CommandError: It is.
    """
    if code:
        fault = for_code(code)(*([text] if text else []))
        raise CommandError(f"Kafka refuses {what}: {type(fault).__name__}") from fault


def require_view_of_rights(admin: KafkaAdmin) -> None:
    """Return if this login may see everybody's logins and rights.

    Asked before librdkafka is (2.16), which takes a refusal to show rights for there being none, and
    destroys memory that is not its own at a refusal to show logins.

    Raises:
        CommandError: It may not.
    """
    nobody = DescribeAclsRequest(_ANY, None, _ANY, "User:nobody", None, _ANY, _ANY)
    answer = asked(admin, nobody)
    refuse(answer.error_code, answer.error_message, what="to show logins and rights")
