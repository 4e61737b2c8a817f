"""Every message of the contracts, by name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from dsr_contracts import v1

__all__ = ["MESSAGES"]


def _all(descriptors: list[Descriptor]) -> Iterator[Descriptor]:
    for descriptor in descriptors:
        yield descriptor
        yield from _all(list(descriptor.nested_types))


def _descriptors() -> Iterator[Descriptor]:
    for module in iter_modules(v1.__path__, f"{v1.__name__}."):
        if module.name.endswith("_pb2"):
            file = import_module(module.name).DESCRIPTOR
            yield from _all(list(file.message_types_by_name.values()))


MESSAGES: dict[str, type[Message]] = {
    descriptor.full_name.removeprefix("dsr.v1."): GetMessageClass(descriptor)
    for descriptor in _descriptors()
}
"""The generated classes, each by its name within dsr.v1; nested ones as `Outer.Inner`."""
