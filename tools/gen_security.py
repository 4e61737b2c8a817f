"""Write what docs/security.md takes from the code; with --check, say whether it is fresh."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from generated import between_markers, write_or_check

from dsr_cli.group.access import grants, principals
from dsr_cli.kafka.access import CLUSTER, Grant
from dsr_cli.registry.load import load_registry
from dsr_cli.stack.roles import SCHEMAS
from dsr_core.registry import Registry
from dsr_runtime.grants import declared

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "security.md"

ORGANISATION = "<organisation>"
"""Stands in the document for the id of any organisation."""

_STANDS_IN = "cloud-uk"
"""Of the example registry."""


def kafka_rights() -> str:
    """Return a table of every login and what it may do."""
    registry = _registry()
    rights = list(grants(registry))
    lines = [
        "| login | reads | writes | consumer groups | of the cluster |",
        "|---|---|---|---|---|",
    ]
    for login in principals(registry):
        own = [one for one in rights if one.principal == login]
        cells = (
            _names(own, "topic", "read"),
            _names(own, "topic", "write"),
            _names(own, "group", "read"),
            _cluster(own),
        )
        lines.append(f"| `{login}` | {' | '.join(cells)} |")
    return "\n".join(lines).replace(_STANDS_IN, ORGANISATION) + "\n"


def _names(rights: list[Grant], resource: str, operation: str) -> str:
    names = [
        f"{one.name}*" if one.pattern == "prefixed" else one.name
        for one in rights
        if one.resource == resource and operation in one.operations
    ]
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


def _cluster(rights: list[Grant]) -> str:
    operations = [
        operation for one in rights if one.name == CLUSTER for operation in one.operations
    ]
    return ", ".join(operations) or "none"


def _registry() -> Registry:
    """Return a registry of one organisation, which stands for all: what one may do, each may."""
    registry = load_registry(DOCUMENT.parent.parent / "registry")
    systems = [one for one in registry.systems if one.organisation_id == _STANDS_IN]
    return replace(registry, systems=tuple(systems))


def postgresql_grants() -> str:
    """Return a table of every table, and what its service's login may do with it."""
    lines = ["| table | its service may | append-only |", "|---|---|---|"]
    for service in SCHEMAS:
        for table, privileges in sorted(declared(f"dsr_{service}").items()):
            kept = "yes" if privileges == ("select", "insert") else "no"
            kept = "but for these columns" if any("(" in one for one in privileges) else kept
            lines.append(f"| `{table}` | {', '.join(privileges)} | {kept} |")
    return "\n".join(lines) + "\n"


PARTS: dict[str, Callable[[], str]] = {
    "kafka rights": kafka_rights,
    "postgresql grants": postgresql_grants,
}
"""What is written between the markers of each name."""


def main() -> int:
    """Write or check; 1 when the document is stale."""
    document = DOCUMENT.read_text()
    for name, part in PARTS.items():
        document = between_markers(document, name, part(), tool="gen_security.py")
    return write_or_check(__doc__, {DOCUMENT: document})


if __name__ == "__main__":
    sys.exit(main())
