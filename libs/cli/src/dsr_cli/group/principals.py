"""The local stack's principals: a client, two operators and a privacy officer, each with a key in a file."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import (
    CLIENT,
    OFFICER,
    OPERATORS,
    Internal,
    key_name,
)
from dsr_cli.stack import Stack, StackError
from dsr_cli.stack.specs import INTAKE, service_specs

__all__ = ["key_of", "make_principals", "officer"]

_WHY = "the local stack begins"
_LIMITS = {"calls_per_s": 100_000, "calls_at_once": 10_000}
"""Of the local client: what a machine can do is what is looked at here."""

_NEW: dict[str, dict[str, Any]] = {
    CLIENT: {"role": "client", "limits": _LIMITS},
    **{name: {"role": "operator", "jurisdictions": ["*"]} for name in OPERATORS},
}


def make_principals(stack: Stack) -> None:
    """Make those that are missing; intake must be running."""
    for name in (OFFICER, *_NEW):
        key_of(stack, name)


def key_of(stack: Stack, name: str) -> str:
    """Return the key of one of the local principals, who is made at the first call."""
    path = stack.settings.secrets_dir / key_name(name)
    if not path.exists():
        made = _officer(stack) if name == OFFICER else _made(stack, name)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(made)
    return path.read_text(encoding="utf-8")


def officer(stack: Stack) -> InternalApi:
    """Return intake, as the local privacy officer calls it."""
    return InternalApi(Internal(stack.settings.intake_url, key_of(stack, OFFICER)))


def _made(stack: Stack, name: str) -> str:
    return str(
        officer(stack).create_client({"name": name, "reason": _WHY, **_NEW[name]})["api_key"]
    )


def _officer(stack: Stack) -> str:
    """Have intake's own program make an officer: whoever has the database can."""
    [intake] = [one for one in service_specs(stack) if one.name == INTAKE]
    done = subprocess.run(  # noqa: S603 - the program is our own
        [*intake.argv, "officer", OFFICER],
        env={**os.environ, **intake.env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise StackError(f"no privacy officer could be made: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()
