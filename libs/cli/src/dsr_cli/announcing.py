"""Entering in the audit log what is about to be changed elsewhere than in intake."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from dsr_cli.errors import CommandError

__all__ = ["announce"]


def announce(action: str, targets: Sequence[str], reason: str) -> None:
    """Enter a change before it is made; where that fails, say so and go on.

    Whoever has the operator's login to Kafka can do without this command, so refusing would hinder
    those alone who repair a broken installation.
    """
    # Loaded for a change alone: the commands that only read start without it.
    from dsr_cli.api.internal import InternalApi  # noqa: PLC0415 - as said
    from dsr_cli.connection import internal_connection  # noqa: PLC0415 - as said

    try:
        InternalApi(internal_connection()).announce(action, targets, reason)
    except CommandError as error:
        typer.echo(f"dsr: {action} is not in the audit log: {error}", err=True)
