"""The command `dsr-sdk`: makes keys, has them registered and replaced, checks the environment."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from dsr_core.errors import RejectedInput
from dsr_core.ids import is_slug
from dsr_sdk.environment import VARIABLES, settings_from
from dsr_sdk.errors import ConfigurationError
from dsr_wire.keys import SealingAlgorithm, SystemKeyPair
from dsr_wire.possession import key_request, prove

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 after a line that says what is wrong."""
    parsed = _parser().parse_args(arguments)
    try:
        match parsed.command, getattr(parsed, "action", None):
            case "keys", "new":
                _new_keys(parsed.system, parsed.out, _algorithm(parsed), sys.stdout)
            case "keys", "prove":
                _prove(_read(parsed.file), parsed.challenge, sys.stdout)
            case "keys", "rotate":
                _rotate(parsed.file, _algorithm(parsed), sys.stdout)
            case "keys", "finish":
                _finish(parsed.file)
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
    proof = actions.add_parser("prove", help="answer the operator's challenge")
    rotate = actions.add_parser("rotate", help="add keys that will replace these; open with both")
    finish = actions.add_parser("finish", help="once they are registered: sign with the added keys")
    for one in (public, proof, rotate, finish):
        one.add_argument("file", type=Path, help="the private keys")
    proof.add_argument("challenge", type=Path, help="what the operator sent")
    for one in (new, rotate):
        hybrid = "be sealed to a post-quantum key as well (ML-KEM-768 with X25519)"
        one.add_argument("--hybrid", action="store_true", help=hybrid)
    commands.add_parser(
        "check",
        help="check the environment that a subscriber would start with",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"{name:<29}{text}" for name, text in VARIABLES.items()),
    )
    return parser


def _algorithm(parsed: argparse.Namespace) -> SealingAlgorithm:
    return SealingAlgorithm.HYBRID if parsed.hybrid else SealingAlgorithm.X25519


def _new_keys(system_id: str, file: Path, algorithm: SealingAlgorithm, out: TextIO) -> None:
    if not is_slug(system_id):
        raise ConfigurationError([f"--system must be a registry id, not {system_id!r}"])
    keys = SystemKeyPair.generate(system_id, algorithm)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigurationError([f"{file} exists and is not overwritten"]) from error
    except OSError as error:
        raise ConfigurationError([f"{file} cannot be written ({error.strerror})"]) from error
    with os.fdopen(handle, "w") as opened:
        opened.write(keys.to_json() + "\n")
    _show(keys, out)


def _prove(keys: SystemKeyPair, challenge: Path, out: TextIO) -> None:
    try:
        out.write(prove(keys, challenge.read_text(), at=datetime.now(UTC)) + "\n")
    except OSError as error:
        raise ConfigurationError([f"{challenge} cannot be read ({error.strerror})"]) from error
    except RejectedInput as error:
        raise ConfigurationError([f"{challenge}: {error.detail}"]) from error
    except UnicodeDecodeError:
        raise ConfigurationError([f"{challenge}: it is no challenge"]) from None


def _rotate(file: Path, algorithm: SealingAlgorithm, out: TextIO) -> None:
    keys = _read(file)
    if keys.coming is None:  # else it was broken off: the same are shown again
        keys = keys.rotated(algorithm)
        _replace(file, keys)
    _show(keys, out)


def _finish(file: Path) -> None:
    keys = _read(file)
    if keys.coming is None:
        raise ConfigurationError([f"{file} has no keys that wait; `dsr-sdk keys rotate` adds some"])
    _replace(file, keys.finished())


def _replace(file: Path, keys: SystemKeyPair) -> None:
    """Write a key file anew: it is the one from before or the whole new one, whatever happens."""
    try:
        handle, temporary = tempfile.mkstemp(dir=file.parent)  # its owner's alone
        with os.fdopen(handle, "w") as opened:
            opened.write(keys.to_json() + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        Path(temporary).replace(file)
    except OSError as error:
        raise ConfigurationError([f"{file} cannot be written ({error.strerror})"]) from error


def _read(file: Path) -> SystemKeyPair:
    try:
        return SystemKeyPair.from_json(file.read_text())
    except OSError as error:
        raise ConfigurationError([f"{file} cannot be read ({error.strerror})"]) from error
    except ValueError as error:
        raise ConfigurationError([f"{file} is {error}"]) from error


def _show(keys: SystemKeyPair, out: TextIO) -> None:
    out.write(key_request(keys, at=datetime.now(UTC)) + "\n")


def _check(out: TextIO) -> None:
    settings = settings_from(os.environ)
    out.write(f"{settings['system_id']} of {settings['organisation_id']} is ready to subscribe\n")
