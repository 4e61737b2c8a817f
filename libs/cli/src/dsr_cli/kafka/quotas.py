"""Kafka's client quotas: how much a login may send and fetch in a second.

The admin clients of both libraries have no call for them, so the two requests are written down here,
as KIP-546 defines them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka.protocol.admin import DescribeClientQuotasRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.protocol import asked, refuse

__all__ = ["Quota", "quotas", "set_quotas"]

Quota = Mapping[str, float]
"""Limits by Kafka's own names: `producer_byte_rate` and `consumer_byte_rate`, in bytes a second."""

_USER = "user"
_ANY_NAMED = 2
"""Of KIP-546's kinds of match: every entity that has a name."""

_ENTITY = Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))


class _AlterQuotasResponse(Response):  # type: ignore[misc]  # the library has no types
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "entries",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("entity", _ENTITY),
            ),
        ),
    )


class _AlterQuotasStruct(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _AlterQuotasResponse
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", _ENTITY),
                ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


class _AlterQuotas(Request[_AlterQuotasStruct]):  # type: ignore[misc]  # as above
    API_KEY = 49

    def __init__(self, entries: list[Any]) -> None:
        self._entries = entries

    def build(self, request_struct_class: type[_AlterQuotasStruct]) -> _AlterQuotasStruct:
        return request_struct_class(self._entries, False)  # noqa: FBT003 - the struct's own order


def quotas(admin: KafkaAdmin) -> dict[str, Quota]:
    """Return the limits of every login that has some.

    Raises:
        CommandError: Kafka cannot be reached, or does not show them to this login.
    """
    answer = asked(admin, DescribeClientQuotasRequest([(_USER, _ANY_NAMED, None)], strict=True))
    refuse(answer.error_code, answer.error_message, what="to show quotas")
    return {
        name: dict(values)
        for entity, values in answer.entries
        for kind, name in entity
        if kind == _USER
    }


def set_quotas(admin: KafkaAdmin, changes: Mapping[str, Mapping[str, float | None]]) -> None:
    """Limit logins from now on, or no more where the limit is none; safe to repeat.

    Raises:
        CommandError: Kafka cannot be reached, or refused.
    """
    if not changes:
        return
    entries = [
        (
            [(_USER, user)],
            [(name, limit or 0.0, limit is None) for name, limit in sorted(limits.items())],
        )
        for user, limits in sorted(changes.items())
    ]
    for code, text, _entity in asked(admin, _AlterQuotas(entries)).entries:
        refuse(code, text, what="to set quotas")
