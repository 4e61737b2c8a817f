"""`dsr registry`: check the registry's files, show what they hold, draw it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from dsr_cli.announcing import announce
from dsr_cli.commands.faults import leave_with_faults
from dsr_cli.files.faults import FileFaults
from dsr_cli.view.console import new_console
from dsr_core.registry import Registry
from dsr_wire.topics import all_topics

if TYPE_CHECKING:
    from dsr_cli.registry.changes import Change

__all__ = ["app"]

app = typer.Typer(help="Check, show and draw the registry.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder that holds the registry's files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DEFAULT = Path("registry")


class GraphFormat(StrEnum):
    """How a graph is written."""

    MERMAID = "mermaid"
    SVG = "svg"


@app.command()
def check(folder: Folder = _DEFAULT, *, as_json: AsJson = False) -> None:
    """Say whether the files are a registry, and everything that is wrong if they are not.

    Systems that are told of no correction are named: they hold what others correct, and do not register
    that right. A recipient registers it too, and answers `informed` (GDPR article 19).
    """
    from dsr_cli.registry.untold import untold_of_corrections  # noqa: PLC0415 - see _load

    registry = _load(folder, as_json=as_json)
    untold = untold_of_corrections(registry)
    if as_json:
        _print_json(_summary(registry) | {"untold_of_corrections": untold})
        return
    # Outside the table: its width would fold the folder's name.
    typer.echo(f"{folder}: no faults")
    table = Table()
    table.add_column("What")
    table.add_column("Count", justify="right")
    for name, count in _summary(registry).items():
        table.add_row(name, str(count)[:12])
    new_console().print(table)
    for system_id, held in untold.items():
        typer.echo(f"{system_id} is told of no correction, and holds {', '.join(held)}")


@app.command()
def show(folder: Folder = _DEFAULT, *, as_json: AsJson = False) -> None:
    """List every organisation and system, with what each holds and how it knows people."""
    registry = _load(folder, as_json=as_json)
    if as_json:
        _print_json({"digest": registry.digest, **json.loads(registry.canonical())})
        return
    table = Table(title=f"Registry {registry.digest[:12]}", show_lines=True)
    for heading in ("Organisation", "System", "Owner", "Knows people by", "Holds"):
        table.add_column(heading, overflow="fold")
    for organisation in registry.organisations:
        role = organisation.role.value.replace("_", " ")
        name = f"{organisation.name}\n{role}, {organisation.country}, {organisation.region}"
        systems = registry.systems_of(organisation.id)
        if not systems:
            table.add_row(name, "none", organisation.owner, "", "")
        for system in systems:
            copied = f"\nfrom {', '.join(system.copies_from)}" if system.copies_from else ""
            table.add_row(
                name,
                f"{system.id}\n{system.name}{copied}",
                f"{system.owner}\n{system.contact}",
                "\n".join(system.identifiers),
                "\n".join(system.categories),
            )
            name = ""
    new_console().print(table)


@app.command()
def graph(
    folder: Folder = _DEFAULT,
    *,
    format_: Annotated[
        GraphFormat, typer.Option("--format", help="What to write.")
    ] = GraphFormat.MERMAID,
    output: Annotated[
        Path | None, typer.Option(help="A file to write to, instead of standard output.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draw who holds personal data, and who copies it from whom."""
    from dsr_cli.registry import graph as graphs  # noqa: PLC0415 - see _load
    from dsr_cli.registry.svg import svg  # noqa: PLC0415

    registry = _load(folder, as_json=as_json)
    if as_json:
        text = json.dumps(graphs.as_json(registry), indent=2) + "\n"
    elif format_ is GraphFormat.SVG:
        text = svg(registry)
    else:
        text = graphs.mermaid(registry)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


@app.command()
def diff(
    folder: Folder = _DEFAULT,
    *,
    former: Annotated[
        Path | None,
        typer.Option("--from", help="Compare to this folder, instead of what is published."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the files would change, against what is published, and what of it concerns open requests."""
    registry = _load(folder, as_json=as_json)
    before = _load(former, as_json=as_json) if former is not None else _published()
    found = _changes(before, registry)
    if as_json:
        rows = [one._asdict() for one in found]
        digests = {"from": before.digest if before else None, "to": registry.digest}
        _print_json({**digests, "changes": rows})
        return
    _print_changes(found)


@app.command()
def publish(
    folder: Folder = _DEFAULT,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")],
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Publish; without it, only say what.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Publish although some systems have no keys.")
    ] = False,
) -> None:
    """Publish the registry, so that new requests are planned from it; a dry run unless --yes.

    Its topics and the rights of its logins are made first. What it changes for requests that are open
    is shown, as `dsr registry diff` does. Publishing the same version again changes nothing. It is refused
    while a system has no registered keys, since no notice could be sealed for it.
    """
    from dsr_cli.group.access import grants  # noqa: PLC0415 - see _load
    from dsr_cli.kafka.access import grant, missing  # noqa: PLC0415
    from dsr_cli.kafka.connect import operator  # noqa: PLC0415
    from dsr_cli.kafka.registry_topic import (  # noqa: PLC0415
        read_book,
        registry_record,
        without_keys,
    )
    from dsr_cli.kafka.topics import create_topics  # noqa: PLC0415

    registry = _load(folder, as_json=False)
    what = f"registry {registry.digest[:12]}, {len(registry.systems)} systems"
    admin = operator()
    book = read_book(admin)
    unknown = without_keys(registry, book)
    for system_id in unknown:
        typer.echo(
            f"dsr: {system_id} has no registered keys; `dsr system keys register` registers them",
            err=True,
        )
    if unknown and not force:
        raise typer.Exit(1)
    _print_changes(_changes(book.current, registry))
    if not apply:
        new_console().print(f"{what} would be published; add --yes to publish it")
        return
    announce("registry.publish", [registry.digest], reason)
    client = admin.client()
    created = create_topics(client, all_topics(registry))
    lacking = missing(client, grants(registry))
    grant(client, lacking)
    admin.send([registry_record(registry, datetime.now(UTC))])
    new_console().print(
        f"{what} is published; {len(created)} topics created, {len(lacking)} rights granted"
    )


def _load(folder: Path, *, as_json: bool) -> Registry:
    """Read the registry, or print every fault and leave with 1."""
    # Imported late so that `dsr --help` does not wait for YAML.
    from dsr_cli.registry import load_registry  # noqa: PLC0415

    try:
        return load_registry(folder)
    except FileFaults as error:
        leave_with_faults(error, as_json=as_json)


def _published() -> Registry | None:
    """Return the version that is published; none before the first."""
    from dsr_cli.kafka.connect import operator  # noqa: PLC0415 - see _load
    from dsr_cli.kafka.registry_topic import read_book  # noqa: PLC0415

    return read_book(operator()).current


def _changes(before: Registry | None, after: Registry) -> list[Change]:
    from dsr_cli.registry.changes import changes  # noqa: PLC0415 - see _load

    return [] if before is None else changes(before, after)


def _print_changes(found: list[Change]) -> None:
    if not found:
        typer.echo("nothing changes")
        return
    table = Table("what", "changes", "for requests that are open")
    for one in found:
        table.add_row(one.id, one.what, one.open_requests)
    new_console().print(table)


def _summary(registry: Registry) -> dict[str, Any]:
    return {
        "digest": registry.digest,
        "organisations": len(registry.organisations),
        "systems": len(registry.systems),
        "regions": len({one.region for one in registry.organisations}),
        "countries": len({one.country for one in registry.organisations}),
        "categories": len({key for one in registry.systems for key in one.categories}),
        "copies": sum(len(one.copies_from) for one in registry.systems),
    }


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
