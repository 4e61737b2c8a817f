"""One module a system: its tables (`SCHEMA`), and how it answers (`subscribe`)."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from dsr_examples.catalogue import ExampleSystem
from dsr_examples.stores.schema import Schema
from dsr_sdk import Subscriber

__all__ = ["System", "load"]


class System(Protocol):
    """What each module of this package has."""

    SCHEMA: Schema

    @staticmethod
    def subscribe(subscriber: Subscriber, store: Any) -> None:
        """Register the system's handlers."""


def load(system: ExampleSystem) -> System:
    """Import a system's module."""
    return cast("System", import_module(system.module))
