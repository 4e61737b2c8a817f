"""`dsr rules`: check the rules' files, show what they hold, publish them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table
from rich.text import Text

from dsr_cli.announcing import announce
from dsr_cli.commands.faults import leave_with_faults
from dsr_cli.files.faults import FileFaults
from dsr_cli.view.console import new_console
from dsr_core.law.rules import ALL_RIGHTS, ENTRY_NAMES, Rules

__all__ = ["app", "load_or_leave"]

app = typer.Typer(help="Check, show and publish the rules.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The folder that holds the rules' files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DEFAULT = Path("rules")
_NAME_WIDTH = max(map(len, ENTRY_NAMES))


@app.command()
def check(folder: Folder = _DEFAULT, *, as_json: AsJson = False) -> None:
    """Say whether the files are rules, and everything that is wrong if they are not."""
    rules = load_or_leave(folder, as_json=as_json)
    counted = {
        "digest": rules.digest,
        "regimes": len(rules.regimes),
        "jurisdictions": sum(len(one.jurisdictions) for one in rules.regimes),
        "rules": sum(len(one.rules) for one in rules.regimes),
    }
    if as_json:
        typer.echo(json.dumps(counted, indent=2))
        return
    typer.echo(f"{folder}: no faults")
    table = Table("What", "Count")
    for name, count in counted.items():
        table.add_row(name, str(count)[:12])
    new_console().print(table)


@app.command()
def show(folder: Folder = _DEFAULT, *, as_json: AsJson = False) -> None:
    """List every regime, where it applies, and which dates it counts by which provision."""
    rules = load_or_leave(folder, as_json=as_json)
    if as_json:
        content = {"digest": rules.digest, "regimes": json.loads(rules.canonical())}
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    console = new_console()
    console.print(f"Rules {rules.digest[:12]}")
    for regime in rules.regimes:
        where = " ".join(regime.jurisdictions) or "everywhere else"
        head = Text.assemble("\n", (regime.name, "bold"), f"  {regime.title}\n{where}")
        console.print(head.append(f"; days of {regime.zone}"))
        table = Table(Column("By when", min_width=_NAME_WIDTH), "Rights", "Term", "Provision")
        for rule in regime.rules:
            term = f"{rule.term} from {rule.counts_from.replace('_', ' ')}"
            if rule.extension is not None:
                term = f"{term}, {rule.extension.term} more if told in time"
            rights = "all" if rule.rights == ALL_RIGHTS else "\n".join(rule.rights)
            provision = f"{rule.citation}, from {rule.in_force_from}"
            table.add_row(rule.name, rights, term, Text(provision))
        console.print(table)


@app.command()
def publish(
    folder: Folder = _DEFAULT,
    *,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")],
    apply: Annotated[
        bool, typer.Option("--yes", "--apply", help="Publish; without it, only say what.")
    ] = False,
) -> None:
    """Publish the rules, so that new requests are counted by them; a dry run unless --yes.

    Requests that were accepted before keep the rules that they pin. Publishing the same version
    again changes nothing.
    """
    from dsr_cli.kafka.connect import operator  # noqa: PLC0415 - see load_or_leave
    from dsr_cli.kafka.registry_topic import rules_record  # noqa: PLC0415

    rules = load_or_leave(folder, as_json=False)
    what = f"rules {rules.digest[:12]}, {len(rules.regimes)} regimes"
    if not apply:
        typer.echo(f"{what} would be published; add --yes to publish them")
        return
    announce("rules.publish", [rules.digest], reason)
    operator().send([rules_record(rules, datetime.now(UTC))])
    typer.echo(f"{what} are published")


def load_or_leave(folder: Path, *, as_json: bool) -> Rules:
    """Read the rules, or print every fault and leave with 1."""
    # Imported late so that `dsr --help` does not wait for YAML.
    from dsr_cli.rules import load_rules  # noqa: PLC0415 - see above

    try:
        return load_rules(folder)
    except FileFaults as error:
        leave_with_faults(error, as_json=as_json)
