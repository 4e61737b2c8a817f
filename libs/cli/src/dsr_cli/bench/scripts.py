"""The benchmark's own processes: scripts of `tests/bench`, told what they need by a private file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsr_cli.bench.people import TABLES
from dsr_cli.bench.registry import organisation_id, system_id
from dsr_cli.bench.rig import PARTS, Rig
from dsr_cli.errors import CommandError
from dsr_cli.group.keys import key_file
from dsr_cli.stack import ProcessSpec
from dsr_cli.stack.access import secret_name
from dsr_wire.topics import organisation_principal

__all__ = ["SCRIPTS", "exporting_specs", "script_spec", "systems_spec"]

SCRIPTS = Path("tests/bench")


def script_spec(rig: Rig, name: str, script: str, content: Mapping[str, Any]) -> ProcessSpec:
    """Return one script as a process of the stack; it is ready once it has touched its ready file.

    Raises:
        CommandError: The checkout has no such script.
    """
    path = rig.stack.settings.checkout / SCRIPTS / script
    if not path.is_file():
        raise CommandError(f"{SCRIPTS / script} is missing: benchmarks run inside the repository")
    folder = rig.stack.settings.folder(name)
    told, ready = folder / "told.json", folder / "ready"

    def prepare(_note: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
        handle = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump({**content, "ready_file": str(ready)}, file)

    return ProcessSpec(
        name=name,
        argv=(sys.executable, str(path), str(told)),
        # Temporal loads a workflow's module for every run: from byte code, also where the
        # environment forbids to write any.
        env={"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "pycache")},
        cwd=folder.parent,
        ready=ready.exists,
        prepare=prepare,
        after=PARTS,
    )


def systems_spec(rig: Rig, *, schema: str) -> ProcessSpec:
    """Return the one process that runs every system, each as its own subscriber."""
    content = {
        **_kafka(rig),
        "database": rig.database,
        "schema": schema,
        "tables": TABLES,
        "rights": list(rig.registry.systems[0].rights),
        "store": rig.stack.settings.folder("store").as_uri(),
        "systems": [_system(rig, number) for number in range(1, rig.systems + 1)],
    }
    return script_spec(rig, "systems", "systems.py", content)


def exporting_specs(rig: Rig, *, size: int, rows: int, first_rows: int) -> list[ProcessSpec]:
    """Return one process for each system, which hands over so many bytes, and rows besides.

    The first one hands over as many rows as are said of it.
    """
    store = rig.stack.settings.folder("store").as_uri()
    return [
        script_spec(
            rig,
            f"system-{number}",
            "exporting.py",
            {
                **_kafka(rig),
                **_system(rig, number),
                "store": store,
                "size": size,
                "rows": first_rows if number == 1 else rows,
            },
        )
        for number in range(1, rig.systems + 1)
    ]


def _kafka(rig: Rig) -> dict[str, Any]:
    return {"kafka": rig.stack.kafka_bootstrap, "kafka_ca_file": str(rig.stack.kafka_ca_file)}


def _system(rig: Rig, number: int) -> dict[str, Any]:
    stack = rig.stack
    principal = organisation_principal(organisation_id(number))
    return {
        "number": number,
        "system_id": system_id(number),
        "organisation_id": organisation_id(number),
        "keys_file": str(key_file(stack.settings.secrets_dir, system_id(number))),
        "username": principal,
        "password": stack.secrets.secret(secret_name(principal)),
        "outcomes_file": str(stack.settings.folder("systems") / f"{number}.sqlite"),
    }
