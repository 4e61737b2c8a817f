"""Bringing the example group up: parts, what they need, services, systems, and who may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from dsr_cli.connection import CLIENT
from dsr_cli.group.principals import key_of, make_principals
from dsr_cli.group.provision import create_databases, provision
from dsr_cli.group.systems import databases, system_specs
from dsr_cli.registry.load import load_registry
from dsr_cli.stack import Stack, StackEvent
from dsr_cli.stack.specs import service_specs
from dsr_core.registry import Registry

__all__ = ["api_key", "bring_up", "local_registry"]


def local_registry(stack: Stack) -> Registry:
    """Return the registry of this checkout."""
    return load_registry(stack.settings.checkout / "registry")


def bring_up(
    stack: Stack,
    listen: Callable[[StackEvent], None],
    *,
    systems: bool = True,
    settings: Mapping[str, str] | None = None,
    rules_dir: Path | None = None,
) -> None:
    """Start everything, and return once it all answers; what runs already stays.

    Args:
        stack: Where; its own settings say on which ports and data.
        listen: Told of each step.
        systems: Whether the example systems run too.
        settings: Set in the environment of every service and system, besides their own.
        rules_dir: Where the rules are that are published; the checkout's own if none.
    """
    stack.up(listen)
    provision(stack, local_registry(stack), rules_dir=rules_dir)
    specs = service_specs(stack, with_mail=True)
    if systems:
        create_databases(stack, databases())
        specs += system_specs(stack)
    for spec in specs:
        if spec.name not in stack.names:
            stack.add(replace(spec, env={**spec.env, **(settings or {})}))
    stack.up(listen)
    make_principals(stack)


def api_key(stack: Stack) -> str:
    """Return the key of the local stack's own API client, who is made at the first call."""
    return key_of(stack, CLIENT)
