"""What is wrong with the settings of services: each says it itself, by its own program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dsr_cli.errors import CommandError
from dsr_cli.stack import Stack, StackSettings
from dsr_cli.stack.specs import SERVICES, service_specs
from dsr_runtime.variables import PREFIX, SETTINGS_FILE

__all__ = ["SERVICES", "Checked", "checked", "file_variables", "told_to"]

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What a service says of an environment."""

    faults: tuple[str, ...]
    """What is wrong with what it reads."""

    unknown: tuple[str, ...]
    """What no part of the product reads."""

    variables: frozenset[str]
    """Those that it reads."""

    shown: Mapping[str, bool | int | float | str]
    """Switches, numbers and choices; of all else nothing is known here but that it is set."""


def checked(service: str, environment: Mapping[str, str]) -> Checked | None:
    """Have a service check an environment; none where its program is not installed here.

    Raises:
        CommandError: It did not answer.
    """
    if find_spec(f"dsr_{service}") is None:
        return None
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", f"dsr_{service}", "check", "--json"],
        env=dict(environment), capture_output=True, text=True, check=False, timeout=_WITHIN_S,
    )  # fmt: skip
    try:
        said = json.loads(done.stdout)
        return Checked(
            tuple(said["faults"]),
            tuple(said["unknown"]),
            frozenset(said["variables"]),
            said["shown"],
        )
    except (ValueError, KeyError) as error:
        raise CommandError(f"dsr-{service} check gave no answer: run it to see why") from error


def file_variables(file: Path) -> dict[str, str]:
    """Return the variables of a file with a NAME=VALUE a line, as container engines and systemd read it.

    Raises:
        CommandError: It cannot be read, or a line is something else.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read ({type(error).__name__})") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise CommandError(f"{file}:{number}: a line is NAME=VALUE")
        found[match[1]] = _unquoted(match[2])
    return found


def told_to(file: Path | None) -> Mapping[str, Mapping[str, str]]:
    """Return the environment that each service would have: a file's, our own, or the local stack's.

    A file of settings, which ends in `.toml`, is read by the services themselves, beneath our own
    environment; what another file has stands in place of it.

    Raises:
        CommandError: The file cannot be read.
    """
    if file is not None and file.suffix == ".toml":
        beneath = {**os.environ, SETTINGS_FILE: str(file)}
        return dict.fromkeys(SERVICES, beneath)
    if file is not None:
        given = {**_others(), **file_variables(file)}
        return dict.fromkeys(SERVICES, given)
    local = StackSettings.from_environment()
    if "DSR_KAFKA_BOOTSTRAP" in os.environ or not local.data_dir.is_dir():
        return dict.fromkeys(SERVICES, os.environ)
    specs = service_specs(Stack(local, attached=False), with_mail=True)
    return {one.name: {**os.environ, **one.env} for one in specs if one.name in SERVICES}


def _others() -> dict[str, str]:
    """Return the environment without the variables that are ours."""
    return {name: one for name, one in os.environ.items() if not name.startswith(PREFIX)}


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value
