"""Payloads as JSON of plain data classes, by libraries made for it.

What is written is the JSON that Temporal's own converter writes, and either reads what the other wrote,
so that histories and older processes go on. Temporal's goes through `dataclasses` and type hints by
Python for each payload, which was a seventh of what a cohort of one cost fanout.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import orjson
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    CompositePayloadConverter,
    EncodingPayloadConverter,
)

__all__ = ["DataClassConverter"]

_ENCODING = "json/plain"


class DataClassConverter(CompositePayloadConverter):
    """Converts nothing, bytes, and what JSON can say: data classes, times with their zone, and texts."""

    def __init__(self) -> None:
        super().__init__(BinaryNullPayloadConverter(), BinaryPlainPayloadConverter(), _Json())


class _Json(EncodingPayloadConverter):
    @property
    def encoding(self) -> str:
        return _ENCODING

    def to_payload(self, value: Any) -> Payload:
        """Return a value as JSON.

        Raises:
            TypeError: JSON has no form for it.
        """
        return Payload(metadata={"encoding": _ENCODING.encode()}, data=orjson.dumps(value))

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Return the value of a type; fields that the type does not know are passed over.

        Raises:
            RuntimeError: It is no JSON, or says something else. The text names the field, not its value.
        """
        try:
            if type_hint is None:
                return orjson.loads(payload.data)
            return _decoder(type_hint).decode(payload.data)
        except (orjson.JSONDecodeError, msgspec.DecodeError) as error:
            raise RuntimeError(f"a payload cannot be read: {error}") from None


@cache
def _decoder(type_hint: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_hint)
