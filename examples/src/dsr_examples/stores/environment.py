"""Where a process's store is: `DSR_EXAMPLE_DSN` for PostgreSQL, `DSR_EXAMPLE_FOLDER` for the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dsr_examples.catalogue import ExampleSystem
from dsr_examples.stores.schema import Schema, Store

__all__ = ["BadSetting", "store_of"]


class BadSetting(Exception):  # noqa: N818 - named for what has happened
    """The environment does not say what a process needs."""


def store_of(system: ExampleSystem, schema: Schema, environment: Mapping[str, str]) -> Store:
    """Make a system's store. Only the module of its technology is imported.

    Raises:
        BadSetting: The environment does not name its place.
    """
    name = "DSR_EXAMPLE_DSN" if system.store == "postgres" else "DSR_EXAMPLE_FOLDER"
    place = environment.get(name)
    if not place:
        raise BadSetting(f"{system.system_id} keeps its data in {system.store}: set {name}")
    match system.store:
        case "postgres":
            from dsr_examples.stores.postgres import PostgresStore  # noqa: PLC0415 - see above

            return PostgresStore(schema, place)
        case "sqlite":
            from dsr_examples.stores.sqlite import SqliteStore  # noqa: PLC0415 - see above

            return SqliteStore(schema, Path(place))
        case "files":
            from dsr_examples.stores.files import FileStore  # noqa: PLC0415 - see above

            return FileStore(schema, Path(place))
