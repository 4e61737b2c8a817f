"""Where the commands find what they talk to: the environment first, else this checkout's local stack."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dsr_cli.errors import CommandError
from dsr_cli.stack.kafka import ADMIN, ADMIN_SECRET, SECURITY_PROTOCOL
from dsr_cli.stack.settings import StackSettings
from dsr_cli.stack.specs import INTERNAL_TOKEN_SECRET

__all__ = [
    "API_KEY_SECRET",
    "INTERNAL_TOKEN_SECRET",
    "Internal",
    "api_connection",
    "internal_connection",
    "kafka_from_environment",
]

API_KEY_SECRET = "api-key"  # noqa: S105 - the name of a secret


@dataclass(frozen=True, slots=True)
class Internal:
    """How an operator's command calls a service's internal API."""

    url: str
    token: str

    def __repr__(self) -> str:
        """Show where, never the token."""
        return f"Internal({self.url!r})"


def api_connection() -> tuple[str, str]:
    """Return intake's address and an API key: DSR_INTAKE_URL and DSR_API_KEY, else the local stack's."""
    key = os.environ.get("DSR_API_KEY") or _secret(API_KEY_SECRET)
    if not key:
        raise CommandError(
            "no API key: set DSR_API_KEY (`dsr client create NAME` makes one), or start the local "
            "stack with `dsr stack up`"
        )
    return _intake_url(), key


def internal_connection() -> Internal:
    """Return intake's address and the internal token: DSR_INTERNAL_TOKEN, else the local stack's."""
    token = os.environ.get("DSR_INTERNAL_TOKEN") or _secret(INTERNAL_TOKEN_SECRET)
    if not token:
        raise CommandError("set DSR_INTERNAL_TOKEN, or start the local stack with `dsr stack up`")
    return Internal(_intake_url(), token)


def kafka_from_environment() -> tuple[str, str, str, str, Path | None]:
    """Return bootstrap, protocol, user, password and CA file of the operator: DSR_KAFKA_*, else local."""
    bootstrap = os.environ.get("DSR_KAFKA_BOOTSTRAP")
    if bootstrap:
        ca_file = os.environ.get("DSR_KAFKA_CA_FILE")
        return (
            bootstrap,
            os.environ.get("DSR_KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
            os.environ.get("DSR_KAFKA_USERNAME", ""),
            os.environ.get("DSR_KAFKA_PASSWORD", ""),
            Path(ca_file) if ca_file else None,
        )
    password = _secret(ADMIN_SECRET)
    if not password:
        raise CommandError("set DSR_KAFKA_BOOTSTRAP, or start the local stack with `dsr stack up`")
    local = StackSettings.from_environment()
    return (
        local.kafka_bootstrap,
        SECURITY_PROTOCOL,
        ADMIN,
        password,
        local.certificates.ca_file,
    )


def _intake_url() -> str:
    return os.environ.get("DSR_INTAKE_URL") or StackSettings.from_environment().intake_url


def _secret(name: str) -> str | None:
    path = StackSettings.from_environment().secrets_dir / name
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None
