"""The command `dsr-sdk`: makes keys, shows their public halves, checks the environment."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from dsr_core.ids import is_slug
from dsr_sdk.environment import VARIABLES, settings_from
from dsr_sdk.errors import ConfigurationError
from dsr_wire.keys import SystemKeyPair

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 after a line that says what is wrong."""
    parsed = _parser().parse_args(arguments)
    try:
        match parsed.command, getattr(parsed, "action", None):
            case "keys", "new":
                _new_keys(parsed.system, parsed.out, sys.stdout)
            case "keys", _:
                _show(_read(parsed.file), sys.stdout)
            case _:
                _check(sys.stdout)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="dsr-sdk", description="Prepare a system to subscribe.")
    commands = parser.add_subparsers(dest="command", required=True)
    keys = commands.add_parser("keys", help="make or show a system's keys")
    actions = keys.add_subparsers(dest="action", required=True)
    new = actions.add_parser("new", help="make keys, and show what is to be registered")
    new.add_argument("--system", required=True, help="the system, as it is registered")
    new.add_argument("--out", required=True, type=Path, help="where the private keys go")
    public = actions.add_parser("public", help="show what is to be registered")
    public.add_argument("file", type=Path, help="the private keys")
    commands.add_parser(
        "check",
        help="check the environment that a subscriber would start with",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"{name:<29}{text}" for name, text in VARIABLES.items()),
    )
    return parser


def _new_keys(system_id: str, file: Path, out: TextIO) -> None:
    if not is_slug(system_id):
        raise ConfigurationError([f"--system must be a registry id, not {system_id!r}"])
    keys = SystemKeyPair.generate(system_id)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigurationError([f"{file} exists and is not overwritten"]) from error
    except OSError as error:
        raise ConfigurationError([f"{file} cannot be written ({error.strerror})"]) from error
    with os.fdopen(handle, "w") as opened:
        opened.write(keys.to_json() + "\n")
    _show(keys, out)


def _read(file: Path) -> SystemKeyPair:
    try:
        return SystemKeyPair.from_json(file.read_text())
    except OSError as error:
        raise ConfigurationError([f"{file} cannot be read ({error.strerror})"]) from error
    except ValueError as error:
        raise ConfigurationError([f"{file} is {error}"]) from error


def _show(keys: SystemKeyPair, out: TextIO) -> None:
    public = {
        "system_id": keys.system_id,
        "signing": base64.b64encode(keys.public.signing.raw).decode(),
        "sealing": base64.b64encode(keys.public.sealing.raw).decode(),
    }
    out.write(json.dumps(public) + "\n")


def _check(out: TextIO) -> None:
    settings = settings_from(os.environ)
    out.write(f"{settings['system_id']} of {settings['organisation_id']} is ready to subscribe\n")
