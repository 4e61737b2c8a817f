"""Where the commands find what they talk to: the environment first, else this checkout's local stack."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from dsr_cli.errors import CommandError
from dsr_cli.stack import postgres
from dsr_cli.stack.kafka import ADMIN, ADMIN_SECRET, SECURITY_PROTOCOL
from dsr_cli.stack.secret_store import SecretStore
from dsr_cli.stack.settings import StackSettings
from dsr_cli.stack.specs import INTERNAL_TOKEN_SECRET, LOG_KEY_SECRET
from dsr_wire.log.notes import NoteKey, NoteSigner

__all__ = [
    "CLIENT",
    "INTERNAL_TOKEN_SECRET",
    "OFFICER",
    "OPERATORS",
    "POSTGRES_DSNS",
    "Internal",
    "act_as",
    "api_connection",
    "dsns_beside",
    "internal_connection",
    "kafka_from_environment",
    "key_name",
    "log_keys",
    "postgres_dsns",
    "verifier_url",
]

CLIENT, OFFICER = "client", "privacy-officer"
OPERATORS = ("operator-1", "operator-2")
"""The local stack's principals."""

POSTGRES_DSNS = {"intake": "DSR_INTAKE_POSTGRES_DSN", "verifier": "DSR_VERIFIER_POSTGRES_DSN"}
"""What names each service's own database, where they do not share one or the login for both."""

_NAME = re.compile(r"[a-z0-9-]{1,60}")
_as: str | None = None


@dataclass(frozen=True, slots=True)
class Internal:
    """How a command calls intake: where, and as whom."""

    url: str
    token: str

    def __repr__(self) -> str:
        """Show where, never the token."""
        return f"Internal({self.url!r})"


def act_as(name: str | None) -> None:
    """Have this process's commands call as one of the local stack's principals; none undoes it."""
    global _as  # noqa: PLW0603 - the command line is one process, and one person types it
    _as = name


def key_name(name: str) -> str:
    """Return the name of the secret that a local principal's key is kept as."""
    return "api-key" if name == CLIENT else f"api-key-{name}"


def api_connection(url: str | None = None) -> tuple[str, str]:
    """Return intake's address, if none is given, and a credential: as `internal_connection` or the client's."""
    return url or _intake_url(), _credential(CLIENT)


def internal_connection(name: str = OPERATORS[0]) -> Internal:
    """Return how a command calls intake: by `--as`, else by DSR_TOKEN, else as a local principal.

    Args:
        name: Who of the local stack does such a thing, where nobody says otherwise.
    """
    return Internal(_intake_url(), _credential(name))


def _credential(standard: str) -> str:
    if _as is not None:
        key = _secret(key_name(_as)) if _NAME.fullmatch(_as) else None
        if key is None:
            raise CommandError(f"the local stack has no principal {_as}; `dsr stack up` makes some")
        return key
    key = os.environ.get("DSR_TOKEN") or _secret(key_name(standard))
    if not key:
        raise CommandError(
            "no credential: set DSR_TOKEN to an API key (`dsr client create NAME` makes one) or to a "
            "token of the identity provider, or start the local stack with `dsr stack up`"
        )
    return key


def verifier_url() -> str:
    """Return the verifier's address: DSR_VERIFIER_URL, else the local stack's."""
    return os.environ.get("DSR_VERIFIER_URL") or StackSettings.from_environment().verifier_url


def postgres_dsns() -> dict[str, str]:
    """Return each service's database: its own variable, or DSR_POSTGRES_DSN; the local stack's where nothing is given.

    The local stack is never mixed with what is given, a database or Kafka.

    Raises:
        CommandError: There is no local stack.
    """
    local = StackSettings.from_environment()
    shared = os.environ.get("DSR_POSTGRES_DSN")
    is_given = {"DSR_KAFKA_BOOTSTRAP", *POSTGRES_DSNS.values()} & os.environ.keys()
    if shared is None and not is_given and local.secrets_dir.is_dir():
        shared = postgres.dsn(local, SecretStore(local.secrets_dir), postgres.DATABASE)
    found = dsns_beside(shared)
    missing = [name for one, name in POSTGRES_DSNS.items() if one not in found]
    if missing:
        names = " and ".join(missing)
        raise CommandError(
            f"set {names}, or DSR_POSTGRES_DSN where services share a database, or start the local "
            "stack with `dsr stack up`"
        )
    return found


def dsns_beside(shared: str | None) -> dict[str, str]:
    """Return each service's database that is known: its own variable's, or the one that services share."""
    found = {one: os.environ.get(name) or shared for one, name in POSTGRES_DSNS.items()}
    return {one: dsn for one, dsn in found.items() if dsn}


def log_keys() -> list[NoteKey]:
    """Return the keys that the transparency log is checked with: DSR_LOG_KEYS, else the local stack's.

    Raises:
        ValueError: The variable holds something else.
    """
    given = os.environ.get("DSR_LOG_KEYS", "").split()
    if given:
        return [NoteKey.parse(one) for one in given]
    text = _secret(LOG_KEY_SECRET)
    return [NoteSigner.parse(one).public for one in text.split()] if text else []


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
