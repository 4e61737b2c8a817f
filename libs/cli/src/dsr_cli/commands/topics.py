"""`dsr topics`: create what the topic table declares, compare Kafka with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from dsr_cli.announcing import announce
from dsr_cli.kafka.connect import operator
from dsr_cli.kafka.strimzi import topic_resources
from dsr_cli.kafka.topics import create_topics, topic_states
from dsr_cli.registry.load import load_registry
from dsr_cli.view.console import new_console
from dsr_wire.topics import all_topics

_WIDE = 120
"""Columns from which on a topic's name stands on one line."""

app = typer.Typer(no_args_is_help=True, help="Kafka topics: create, list, strimzi")

Reason = Annotated[str, typer.Option(help="Why; kept in the audit log, no personal data")]
Folder = Annotated[Path, typer.Argument(help="The registry's folder: organisations have topics")]
Apply = Annotated[bool, typer.Option("--yes", "--apply", help="Do it; without it, only say what")]


@app.command()
def create(folder: Folder = Path("registry"), *, reason: Reason, apply: Apply = False) -> None:
    """Create every missing topic; safe to repeat; a dry run unless --yes."""
    client, topics = operator().client(), all_topics(load_registry(folder))
    missing = [one.topic.name for one in topic_states(client, topics) if one.partitions is None]
    if not missing:
        typer.echo("nothing to do: every topic is there")
        return
    if not apply:
        for name in missing:
            typer.echo(name)
        typer.echo(f"{len(missing)} would be created; add --yes to create them")
        return
    announce("topics.create", [], reason)
    typer.echo(f"{len(create_topics(client, topics))} created")


@app.command("list")
def list_(
    folder: Folder = Path("registry"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """List the declared topics with key, owner, retention, and whether Kafka has them."""
    states = topic_states(operator().client(), all_topics(load_registry(folder)))
    if as_json:
        rows = [
            {
                "name": state.topic.name,
                "key": state.topic.key,
                "producers": state.topic.producers,
                "consumers": state.topic.consumers,
                "declared_partitions": state.topic.partitions,
                "partitions": state.partitions,
                "retention_days": state.topic.retention.days if state.topic.retention else None,
                "cleanup": state.topic.cleanup.value,
            }
            for state in states
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    console = new_console()
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("topic", no_wrap=console.width >= _WIDE, overflow="fold")
    for heading in ("key", "written by", "read by", "partitions", "kept"):
        table.add_column(heading, overflow="fold")
    for state in states:
        topic = state.topic
        table.add_row(
            topic.name,
            topic.key,
            ", ".join(topic.producers) or "organisations",
            ", ".join(topic.consumers),
            Text("missing", style="red") if state.partitions is None else str(state.partitions),
            f"{topic.retention.days} days" if topic.retention else "for ever",
        )
    console.print(table)


@app.command()
def strimzi(
    folder: Folder = Path("registry"),
    *,
    cluster: Annotated[str, typer.Option(help="The name of the Kafka resource")],
    namespace: Annotated[str | None, typer.Option(help="Its namespace")] = None,
    replicas: Annotated[int, typer.Option(help="Brokers that keep each record", min=1)] = 3,
) -> None:
    """Print a KafkaTopic for each declared topic, for `kubectl apply` or a repository; asks nobody."""
    found = topic_resources(
        all_topics(load_registry(folder)), cluster=cluster, namespace=namespace, replicas=replicas
    )
    typer.echo(yaml.safe_dump_all(found, sort_keys=False), nl=False)
