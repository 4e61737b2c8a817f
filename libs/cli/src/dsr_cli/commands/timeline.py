"""`dsr timeline`: the legal dates of a subject request, or of one that might be."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from dsr_cli.errors import CommandError
from dsr_cli.view.console import new_console
from dsr_cli.view.timeline import timeline_view
from dsr_core.law.facts import FactKind
from dsr_core.rights import Right

_Days = list[str] | None


def command(
    request_id: Annotated[
        str | None, typer.Argument(help="The id that `submit` gave; without it, what if")
    ] = None,
    *,
    regime: Annotated[
        str | None, typer.Option(help="The regime; the one of the jurisdiction unless given")
    ] = None,
    right: Annotated[Right, typer.Option(help="What is asked for")] = Right.DELETION,
    jurisdiction: Annotated[
        str | None, typer.Option(help="ISO 3166, for example DE or US-CA; whose holidays count")
    ] = None,
    received: Annotated[str | None, typer.Option(help="When it arrived, as 2026-01-31")] = None,
    identity_proven: Annotated[_Days, typer.Option(help="When the identity was proven")] = None,
    clarification_asked: Annotated[_Days, typer.Option(help="When it was asked for")] = None,
    clarification_given: Annotated[_Days, typer.Option(help="When it was given")] = None,
    extension_notified: Annotated[_Days, typer.Option(help="When the person was told")] = None,
    extension_came_back: Annotated[
        _Days, typer.Option(help="When what had told them was sent, if it came back")
    ] = None,
    refused: Annotated[_Days, typer.Option(help="When the person was told of a refusal")] = None,
    appealed: Annotated[_Days, typer.Option(help="When the person appealed")] = None,
    answered: Annotated[_Days, typer.Option(help="When the person had the answer")] = None,
    rules: Annotated[Path, typer.Option(help="The folder of the rules")] = Path("rules"),
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable")] = False,
) -> None:
    """Show every legal date of a subject request, each with its rule and the arithmetic in words.

    With an id, of a request that was accepted. Without one, of a request that might be: give
    --received, --jurisdiction and what happened since; this needs no stack.
    """
    if request_id is not None:
        document = asyncio.run(_fetch(request_id))
    else:
        if jurisdiction is None:
            raise CommandError("give the id of a request, or --jurisdiction and --received")
        days = {
            FactKind.RECEIVED: None if received is None else [received],
            FactKind.IDENTITY_PROVEN: identity_proven,
            FactKind.CLARIFICATION_ASKED: clarification_asked,
            FactKind.CLARIFICATION_GIVEN: clarification_given,
            FactKind.EXTENSION_NOTIFIED: extension_notified,
            FactKind.EXTENSION_CAME_BACK: extension_came_back,
            FactKind.REFUSED: refused,
            FactKind.APPEALED: appealed,
            FactKind.ANSWERED: answered,
        }
        document = _what_if(rules, regime, right, jurisdiction, days, as_json=as_json)
    if as_json:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    new_console().print(timeline_view(document))


def _what_if(
    folder: Path,
    regime: str | None,
    right: Right,
    jurisdiction: str,
    days: dict[FactKind, _Days],
    *,
    as_json: bool,
) -> dict[str, Any]:
    # Imported late: an id needs neither YAML nor holidays.
    from dsr_cli.commands.rules import load_or_leave  # noqa: PLC0415 - see above
    from dsr_cli.rules.what_if import what_if  # noqa: PLC0415

    return what_if(
        load_or_leave(folder, as_json=as_json),
        regime=regime,
        right=right,
        jurisdiction=jurisdiction,
        days={kind: texts for kind, texts in days.items() if texts},
    )


async def _fetch(request_id: str) -> dict[str, Any]:
    from dsr_cli.api.client import IntakeClient  # noqa: PLC0415 - what if needs no HTTP
    from dsr_cli.connection import api_connection  # noqa: PLC0415

    async with IntakeClient(*api_connection()) as client:
        return await client.timeline(request_id)
