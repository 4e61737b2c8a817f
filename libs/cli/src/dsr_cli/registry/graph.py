"""The registry as a graph: organisations by region, their systems, and who copies from whom."""

from __future__ import annotations

from typing import Any

from dsr_core.registry import Organisation, Registry

__all__ = ["as_json", "by_region", "copies", "mermaid"]


def by_region(registry: Registry) -> dict[str, tuple[Organisation, ...]]:
    """Group organisations by their region, both sorted."""
    regions = sorted({one.region for one in registry.organisations})
    return {
        region: tuple(one for one in registry.organisations if one.region == region)
        for region in regions
    }


def copies(registry: Registry) -> tuple[tuple[str, str], ...]:
    """Return (origin, copy) for every system that copies from another, sorted."""
    return tuple(sorted((origin, one.id) for one in registry.systems for origin in one.copies_from))


def as_json(registry: Registry) -> dict[str, Any]:
    """Return nodes and edges as plain values."""
    return {
        "digest": registry.digest,
        "regions": {
            region: [one.id for one in organisations]
            for region, organisations in by_region(registry).items()
        },
        "systems": {
            one.id: {"organisation": one.organisation_id, "categories": list(one.categories)}
            for one in registry.systems
        },
        "copies": [{"from": origin, "to": copy} for origin, copy in copies(registry)],
    }


def mermaid(registry: Registry) -> str:
    """Return the graph as a Mermaid flowchart."""
    lines = ["flowchart LR"]
    for region, organisations in by_region(registry).items():
        lines.append(f'  subgraph {_id("region", region)}["{region}"]')
        for organisation in organisations:
            role = organisation.role.value.replace("_", " ")
            label = _label(f"{organisation.name} ({role}, {organisation.country})")
            lines.append(f'    subgraph {_id("organisation", organisation.id)}["{label}"]')
            for system in registry.systems_of(organisation.id):
                categories = "<br/>".join(f"<small>{one}</small>" for one in system.categories)
                text = f"<b>{_label(system.name)}</b><br/>{categories}"
                lines.append(f'      {_id("system", system.id)}["{text}"]')
            lines.append("    end")
        lines.append("  end")
    lines.extend(
        f"  {_id('system', origin)} -->|copied to| {_id('system', copy)}"
        for origin, copy in copies(registry)
    )
    return "\n".join(lines) + "\n"


def _id(kind: str, name: str) -> str:
    """Return a node's name; prefixed, since Mermaid reserves words such as `end`."""
    return f"{kind}-{name}"


def _label(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
