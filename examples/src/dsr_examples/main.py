"""The command `dsr-example`: seed, run and look into the example systems."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from dsr_examples.catalogue import EXAMPLES, ExampleSystem, UnknownSystem, example
from dsr_examples.stores.environment import BadSetting, store_of
from dsr_examples.stores.schema import Rows, Store

__all__ = ["main"]

_T = TypeVar("_T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (BadSetting, UnknownSystem) as error:
        sys.stderr.write(f"dsr-example: {error}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dsr-example", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(name: str, run: Callable[[argparse.Namespace], None], text: str) -> Any:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    listing = command("list", _list, "List the example systems.")
    person = command("person", _person, "Show what names a person, to submit a request with.")
    seed = command("seed", _seed, "Make a system's data, unless it was made before.")
    count = command("count", _count, "Count a system's rows by table.")
    run = command("run", _run, "Subscribe a system, and seed it first if it never was.")
    for each in (seed, count, run):
        each.add_argument("system", metavar="SYSTEM")
    person.add_argument("number", type=int, metavar="N")
    count.add_argument("--person", type=int, metavar="N", help="only the rows of this person")
    for each in (listing, person, count):
        each.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _list(options: argparse.Namespace) -> None:
    if options.json:
        _print_json(
            [
                {
                    "system_id": one.system_id,
                    "organisation_id": one.organisation_id,
                    "store": one.store,
                    "command": list(one.command),
                }
                for one in EXAMPLES
            ]
        )
    else:
        _print_table([(one.system_id, one.organisation_id, one.store) for one in EXAMPLES])


def _person(options: argparse.Namespace) -> None:
    from dsr_examples.people import People  # noqa: PLC0415 - not needed to run

    person = People().person(options.number)
    pairs = [(kind, value) for kind, values in person.identifiers.items() for value in values]
    seeded_in = [one.system_id for one in EXAMPLES if one.knows(person.number)]
    if options.json:
        _print_json(
            {
                "number": person.number,
                "name": person.name,
                "identifiers": [{"kind": kind, "value": value} for kind, value in pairs],
                "seeded_in": seeded_in,
            }
        )
    else:
        _print_table([("name", person.name), *pairs, ("seeded in", ", ".join(seeded_in))])


def _seed(options: argparse.Namespace) -> None:
    system = example(options.system)
    seeded = asyncio.run(_with_store(system, lambda store: seed(system, store)))
    sys.stdout.write(f"{system.system_id}: {'seeded' if seeded else 'was seeded before'}\n")


def _count(options: argparse.Namespace) -> None:
    from dsr_examples.looking import rows_of_person  # noqa: PLC0415 - not needed to run
    from dsr_examples.people import People  # noqa: PLC0415

    system, number = example(options.system), options.person

    async def look(store: Store) -> dict[str, int]:
        if number is None:
            return await store.totals()
        return await rows_of_person(store, People().person(number))

    counts = asyncio.run(_with_store(system, look))
    if options.json:
        _print_json(counts)
    else:
        _print_table([(table, str(count)) for table, count in counts.items()] or [("nothing",)])


def _run(options: argparse.Namespace) -> None:
    from dsr_examples.systems import load  # noqa: PLC0415 - the SDK takes most of a start
    from dsr_sdk import ConfigurationError, Subscriber  # noqa: PLC0415

    system = example(options.system)
    try:
        subscriber = Subscriber.from_environment()
    except ConfigurationError as error:
        raise BadSetting(str(error)) from error
    if subscriber.system_id != system.system_id:
        raise BadSetting(f"DSR_SYSTEM_ID names {subscriber.system_id}, not {system.system_id}")
    if not asyncio.run(_with_store(system, lambda store: store.is_seeded())):
        # In a process of its own, whose 50 MB for making people up end with it.
        command = [sys.executable, "-m", "dsr_examples", "seed", system.system_id]
        subprocess.run(command, check=True)  # noqa: S603 - our own command
    module = load(system)
    module.subscribe(subscriber, store_of(system, module.SCHEMA, os.environ))
    subscriber.run()


async def seed(system: ExampleSystem, store: Store) -> bool:
    """Make a system's data unless it was made before; returns whether it was now.

    `DSR_EXAMPLE_PEOPLE` says how many people the group has.
    """

    def rows() -> Rows:
        from dsr_examples.people import PEOPLE, People  # noqa: PLC0415 - only when needed
        from dsr_examples.seeding import rows_for  # noqa: PLC0415

        count = int(os.environ.get("DSR_EXAMPLE_PEOPLE", PEOPLE))
        return rows_for(system, People().first(count))

    return await store.seed(rows)


async def _with_store(system: ExampleSystem, work: Callable[[Store], Awaitable[_T]]) -> _T:
    from dsr_examples.systems import load  # noqa: PLC0415 - see _run

    store = store_of(system, load(system).SCHEMA, os.environ)
    try:
        return await work(store)
    finally:
        await store.close()


def _print_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
