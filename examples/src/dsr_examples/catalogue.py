"""The example systems: whose they are, what they keep data in, and how each is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from zlib import crc32

__all__ = ["EXAMPLES", "ExampleSystem", "UnknownSystem", "example"]


class UnknownSystem(Exception):  # noqa: N818 - named for what has happened
    """There is no example system of that id."""


@dataclass(frozen=True, slots=True)
class ExampleSystem:
    """One system, run as one process with a data store of its own."""

    system_id: str
    organisation_id: str
    store: Literal["postgres", "sqlite", "files"]
    share: int
    """How many of a hundred people it knows."""

    @property
    def command(self) -> tuple[str, ...]:
        """What starts it; the environment names its store (see `stores.store_of`)."""
        return ("dsr-example", "run", self.system_id)

    @property
    def module(self) -> str:
        """Where its code is."""
        return f"dsr_examples.systems.{self.system_id.replace('-', '_')}"

    def knows(self, number: int) -> bool:
        """Tell whether this system is seeded with a person; always the same for the same two."""
        return crc32(f"{self.system_id}/{number}".encode()) % 100 < self.share


EXAMPLES: tuple[ExampleSystem, ...] = (
    ExampleSystem("accounts", "ucloud-us", "postgres", 95),
    ExampleSystem("ad-audiences", "advertising-provider", "files", 35),
    ExampleSystem("app-telemetry", "analytics-provider", "sqlite", 55),
    ExampleSystem("backup-index", "backup-provider", "files", 40),
    ExampleSystem("billing", "cloud-europe", "postgres", 60),
    ExampleSystem("community-forum", "cloud-uk", "sqlite", 30),
    ExampleSystem("console-activity", "ucloud-us", "postgres", 70),
    ExampleSystem("event-registrations", "cloud-uk", "files", 25),
    ExampleSystem("identity-checks", "cloud-europe", "sqlite", 45),
    ExampleSystem("newsletter", "mail-delivery-provider", "sqlite", 65),
    ExampleSystem("payment-methods", "payment-provider", "postgres", 60),
    ExampleSystem("regional-accounts", "cloud-asia-pacific", "postgres", 40),
    ExampleSystem("sales-contacts", "ucloud-us", "sqlite", 35),
    ExampleSystem("support-desk", "support-desk-provider", "postgres", 45),
    ExampleSystem("web-analytics", "analytics-provider", "postgres", 75),
)
"""Every system of the example registry, sorted by id."""


def example(system_id: str) -> ExampleSystem:
    """Return a system by its id.

    Raises:
        UnknownSystem: There is none of that id.
    """
    for one in EXAMPLES:
        if one.system_id == system_id:
            return one
    raise UnknownSystem(f"there is no example system '{system_id}'")
