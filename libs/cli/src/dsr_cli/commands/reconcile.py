"""`dsr reconcile`: after PostgreSQL was restored to an earlier time, what differs from Kafka, and mending it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import asyncpg
import typer
from rich.table import Table

from dsr_cli.bench.progress import Bars
from dsr_cli.connection import postgres_dsns
from dsr_cli.errors import CommandError
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.connect import operator
from dsr_cli.reconcile.differences import MENDED, Difference, Kind, by_kind
from dsr_cli.reconcile.finding import Findings, find
from dsr_cli.reconcile.mending import mend
from dsr_cli.reconcile.orchestration import Orchestration
from dsr_cli.reconcile.positions import Positions, refuse_running, rewind
from dsr_cli.reconcile.store import Store, opened
from dsr_cli.reconcile.told import Told, told
from dsr_cli.view.console import new_console

__all__ = ["command", "document", "show"]

_SHOWN = 3
"""Examples of each kind in the table; `--json` has all."""


def command(
    *,
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Mend; without it, only say what differs")
    ] = False,
    reason: Annotated[
        str, typer.Option(help="Why; kept in the audit log and by Temporal, no personal data")
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z"],
            help="Read Kafka from then; all of it unless given: 2026-03-02T09:30:00+0000",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Compare PostgreSQL with what Kafka has, and say what differs; a dry run unless --yes.

    For after a restore of PostgreSQL to an earlier time. Mending needs intake, fanout and the verifier
    stopped, and a --reason; it can be broken off and begun again. Workflows that have ended too early go
    on from their last task. Databases are DSR_POSTGRES_DSN, or where services have one each
    DSR_INTAKE_POSTGRES_DSN and DSR_VERIFIER_POSTGRES_DSN. Exits with 1 where something differs that waits for a person, or that a dry
    run found.
    """
    if apply and not reason:
        raise CommandError("say why with --reason; the audit log keeps it")
    admin = operator()
    if apply:
        refuse_running(admin)
    try:
        found = asyncio.run(_reconciled(admin, since, reason if apply else None))
    except (OSError, asyncpg.PostgresError) as error:
        raise CommandError(
            f"PostgreSQL: {type(error).__name__}; docs/restoring.md says which login is needed"
        ) from error
    if apply:
        # Last: what was kept by then says how what is read again is to be taken.
        rewind(admin, found.rewound)
    groups = by_kind(found.differences)
    if as_json:
        typer.echo(json.dumps(document(groups, is_applied=apply), indent=2))
    else:
        show(groups, is_applied=apply)
    if any(not (apply and one.is_mended) for one in found.differences):
        raise typer.Exit(1)


async def _reconciled(admin: KafkaAdmin, since: datetime | None, reason: str | None) -> Findings:
    async with opened(postgres_dsns()) as databases:
        store = Store(databases)
        topics = {topic for _, _, topic, _ in await store.outbox()}
        read = await asyncio.to_thread(_read, admin, topics, since)
        temporal = await _temporal()
        found = await find(read, store, Positions.asked(admin), temporal)
        if reason is not None:
            await mend(databases, found, read, temporal, reason=reason)
    return found


async def _temporal() -> Orchestration | None:
    """Return who knows what runs; none where it cannot be asked, which is said."""
    try:
        from dsr_cli.reconcile.workflows import Workflows  # noqa: PLC0415 - not in the image
    except ModuleNotFoundError:
        why = "there is no client of Temporal here; install temporalio beside dsr"
    else:
        if workflows := await Workflows.reached():
            return workflows
        why = "DSR_TEMPORAL_ADDRESS is not given"
    new_console(stderr=True).print(f"workflows are not looked for: {why}")
    return None


def _read(admin: KafkaAdmin, topics: set[str], since: datetime | None) -> Told:
    with Bars().counting("records of Kafka") as progress:
        return told(admin, topics=topics, since=since, progress=progress)


def document(groups: Mapping[Kind, list[Difference]], *, is_applied: bool) -> dict[str, object]:
    """Return what differs, as a program reads it."""
    return {
        "applied": is_applied,
        "differences": [
            {
                "kind": kind.value,
                "id": one.id,
                "detail": one.detail,
                "mended_by": MENDED[kind] or None,
                "is_mended": is_applied and one.is_mended,
                "obstacle": one.obstacle or None,
            }
            for kind, those in groups.items()
            for one in those
        ],
    }


def show(groups: Mapping[Kind, list[Difference]], *, is_applied: bool) -> None:
    """Print what differs, by its kinds; what could not be mended comes first of each."""
    console = new_console()
    if not groups:
        console.print("nothing differs")
        return
    table = Table("what", "how many", "for example", "mended" if is_applied else "would be mended")
    for kind, those in groups.items():
        left = sum(not one.is_mended for one in those)
        first = sorted(those, key=lambda one: one.is_mended)[:_SHOWN]
        table.add_row(kind.value, str(len(those)), "\n".join(map(_line, first)), _how(kind, left))
    console.print(table)
    if not is_applied:
        console.print("nothing was changed; stop the services, and add --yes --reason TEXT to mend")


def _line(one: Difference) -> str:
    said = f"{one.id} {one.detail}".strip()
    return f"{said}: {one.obstacle}" if one.obstacle else said


def _how(kind: Kind, left: int) -> str:
    if not left:
        return MENDED[kind]
    left_to = "docs/restoring.md says what to do"
    if not MENDED[kind]:
        return f"not by this command: {left_to}"
    return f"{MENDED[kind]}; {left} could not be mended: {left_to}"
