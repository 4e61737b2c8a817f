"""The example systems as processes of the stack: each with a database of its own."""

from __future__ import annotations

import sys

from dsr_cli.group.keys import key_file
from dsr_cli.stack import ProcessSpec, Stack
from dsr_cli.stack.access import kafka_environment
from dsr_examples.catalogue import EXAMPLES, ExampleSystem
from dsr_wire.topics import organisation_principal

__all__ = ["database_of", "databases", "process_name", "system_environment", "system_specs"]

PREFIX = "system-"


def process_name(system_id: str) -> str:
    """Return the name of a system's process in the stack."""
    return f"{PREFIX}{system_id}"


def database_of(system_id: str) -> str:
    """Return the name of a system's own database."""
    return f"system_{system_id.replace('-', '_')}"


def databases() -> list[str]:
    """Return the databases that the PostgreSQL systems need."""
    return [database_of(one.system_id) for one in EXAMPLES if one.store == "postgres"]


def system_environment(stack: Stack, one: ExampleSystem) -> dict[str, str]:
    """Return what a system's process finds in its environment, as its team would set it."""
    principal = organisation_principal(one.organisation_id)
    folder = stack.settings.folder("systems") / one.system_id
    environment = {
        "DSR_SYSTEM_ID": one.system_id,
        "DSR_ORGANISATION_ID": one.organisation_id,
        "DSR_SYSTEM_KEYS_FILE": str(key_file(stack.settings.secrets_dir, one.system_id)),
        **kafka_environment(stack, principal),
        "DSR_OUTCOMES_FILE": str(folder / "outcomes.sqlite"),
        "DSR_READY_FILE": str(folder / "ready"),
        "DSR_STORE_URL": stack.settings.folder("store").as_uri(),
    }
    if one.store == "postgres":
        environment["DSR_EXAMPLE_DSN"] = stack.postgres_dsn(
            database_of(one.system_id), user=database_of(one.system_id)
        )
    else:
        environment["DSR_EXAMPLE_FOLDER"] = str(folder)
    return environment


def system_specs(stack: Stack) -> list[ProcessSpec]:
    """Return one process for each example system."""
    return [_spec(stack, one) for one in EXAMPLES]


def _spec(stack: Stack, one: ExampleSystem) -> ProcessSpec:
    ready = stack.settings.folder("systems") / one.system_id / "ready"

    def prepare(_note: object) -> None:
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)

    return ProcessSpec(
        name=process_name(one.system_id),
        argv=(sys.executable, "-m", "dsr_examples", "run", one.system_id),
        env=system_environment(stack, one),
        cwd=stack.settings.data_dir,
        ready=ready.exists,
        prepare=prepare,
        after=("kafka", "postgres"),
    )
