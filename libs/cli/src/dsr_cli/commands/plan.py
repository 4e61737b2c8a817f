"""`dsr plan`: who would be asked, in which order, and why; from a registry's files alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dsr_cli.commands.faults import leave_with_faults
from dsr_cli.errors import CommandError
from dsr_cli.files.faults import FileFaults
from dsr_cli.view.console import new_console
from dsr_core.ids import OrganisationId
from dsr_core.plan import Scope
from dsr_core.rights import Right

__all__ = ["command"]


def command(
    folder: Annotated[
        Path, typer.Argument(help="The folder that holds the registry's files.")
    ] = Path("registry"),
    *,
    right: Annotated[Right, typer.Option(help="What is asked.")] = Right.DELETION,
    identifier: Annotated[
        list[str] | None,
        typer.Option(help="A kind by which the person is known, such as email; may be repeated."),
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Only data of this kind; may be repeated.")
    ] = None,
    organisation: Annotated[
        list[str] | None, typer.Option(help="Only this organisation; may be repeated.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="A file to draw the plan into.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say who is asked, in which phase, and after whom. Nothing has to run.

    A phase is told once those before it have confirmed, and at the latest at the first tier. Without
    `--identifier` it is not asked which identifiers systems find out for each other.
    """
    from dsr_cli.registry.load import load_registry  # noqa: PLC0415 - the taxonomy takes a while
    from dsr_cli.registry.plan_svg import plan_svg  # noqa: PLC0415
    from dsr_cli.registry.planned import planned  # noqa: PLC0415

    try:
        registry = load_registry(folder)
    except FileFaults as faults:
        leave_with_faults(faults, as_json=as_json)
    known = {kind for one in registry.systems for kind in one.identifiers}
    if unknown := sorted({*(identifier or ())} - known):
        message = f"--identifier {unknown[0]}: no system knows people by it; there are {', '.join(sorted(known))}"
        raise CommandError(message)
    scope = Scope(
        tuple(sorted(category or ())),
        tuple(sorted(OrganisationId(one) for one in organisation or ())),
    )
    found = planned(registry, right, scope, identifier or ())
    if not found.phases:
        message = "no system would be asked: `dsr registry show` lists what each holds"
        raise CommandError(message)
    if svg is not None:
        svg.write_text(plan_svg(found), encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
        return
    table = Table(title=f"{right.value.replace('_', ' ')}, registry {registry.digest[:12]}")
    for heading in ("Phase", "System", "Organisation", "Comes after"):
        table.add_column(heading, overflow="fold")
    for number, phase in enumerate(found.phases, start=1):
        for one in phase:
            before = [
                f"{edge.before} ({edge.why.value})" for edge in found.order if edge.after == one.id
            ]
            table.add_row(str(number), one.id, one.organisation_id, ", ".join(before))
        table.add_section()
    new_console().print(table)
