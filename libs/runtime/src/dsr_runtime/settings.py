"""Settings: read once, from the environment, in a service's `__main__`; passed on from there.

Each service composes the groups that it needs into one class. A fault stops the process at start
with one readable line for each.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from dsr_runtime.kafka import KafkaConnection

__all__ = [
    "HttpSettings",
    "KafkaSettings",
    "LogSettings",
    "PostgresSettings",
    "TemporalSettings",
    "TracingSettings",
    "faults_of",
    "load",
    "variables",
]

EXIT_CONFIGURATION = 78
"""What a process exits with when its settings are wrong (EX_CONFIG of sysexits.h)."""

SettingsT = TypeVar("SettingsT", bound=BaseSettings)

_PREFIX = "DSR_"


class _Group(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="forbid", frozen=True, use_attribute_docstrings=True
    )


class LogSettings(_Group):
    """How the process logs."""

    log_format: Literal["json", "console"] = "json"
    """`json` for machines, `console` for people."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged at least."""


class TracingSettings(_Group):
    """Whether the process tells what subject requests pass through."""

    traces: bool = False
    """Whether spans are exported by OTLP over HTTP; OpenTelemetry's own variables, `OTEL_*`, say where
    to, how many and as whom (docs/traces.md)."""


class HttpSettings(_Group):
    """Where the process listens, and what other services of the group present."""

    http_host: str = "127.0.0.1"
    """The address to listen on."""

    http_port: int = Field(ge=1, le=65535)
    """The port to listen on."""

    internal_token: SecretStr = Field(min_length=16)
    """The bearer token of calls between the services."""


class KafkaSettings(_Group):
    """How the process reaches Kafka."""

    kafka_bootstrap: str = Field(min_length=1)
    """Host and port of one broker or several, joined by commas."""

    kafka_security_protocol: Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"] = "SASL_SSL"
    """How the connection is protected; SASL is SCRAM-SHA-512."""

    kafka_username: str = ""
    """The login."""

    kafka_password: SecretStr = SecretStr("")
    """Its password."""

    kafka_ca_file: Path | None = None
    """The certificates to trust, in PEM; the machine's unless given."""

    @property
    def kafka(self) -> KafkaConnection:
        """The connection that these settings describe."""
        return KafkaConnection(
            bootstrap=self.kafka_bootstrap,
            security_protocol=self.kafka_security_protocol,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            ca_file=self.kafka_ca_file,
        )


class PostgresSettings(_Group):
    """How the process reaches PostgreSQL."""

    postgres_dsn: SecretStr
    """The database, as postgresql://user:password@host:port/name; `?sslmode=verify-full` and
    `sslrootcert=` of a file have it reached by TLS."""

    postgres_migration_dsn: SecretStr | None = None
    """The same as the login that owns the schemas and migrates them; the ordinary one unless given."""

    postgres_migrates: bool = True
    """Whether the service migrates its schemas at its start; where not, its `migrate` is run before."""

    postgres_pool_size: int = Field(default=8, ge=1, le=200)
    """Connections at most."""

    @property
    def migration_dsn(self) -> str:
        """The database, as whoever migrates it."""
        return (self.postgres_migration_dsn or self.postgres_dsn).get_secret_value()


class TemporalSettings(_Group):
    """How the process reaches Temporal."""

    temporal_address: str = Field(min_length=1)
    """Host and port of the frontend."""

    temporal_namespace: str = "default"
    """The namespace of the workflows."""

    temporal_tls: bool = False
    """Whether it is reached by TLS; also so where one of the following is given."""

    temporal_tls_ca_file: Path | None = None
    """The authority to trust for its certificate, in PEM; the machine's unless given."""

    temporal_tls_cert_file: Path | None = None
    """Our own certificate, in PEM, where Temporal asks for one."""

    temporal_tls_key_file: Path | None = None
    """Its private key, in PEM."""

    temporal_tls_server_name: str | None = None
    """The name in Temporal's certificate, where it is another than in the address."""

    temporal_api_key: SecretStr | None = None
    """The API key, where Temporal asks for one; implies TLS."""

    temporal_payload_key_file: Path | None = None
    """Holds 32 random bytes in base64 a line: the keys that encrypt what Temporal keeps of workflows.
    The first encrypts, the others open what is older. Without it, payloads are in the clear."""

    temporal_metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """The port on which Temporal's client and worker show their own metrics; nowhere unless given."""


def faults_of(error: ValidationError) -> list[str]:
    """Return what is wrong with settings, a line each that names the variable and never its value."""
    return [
        f"{_PREFIX}{'_'.join(str(part) for part in fault['loc']).upper()}: {fault['msg'].lower()}"
        for fault in error.errors(include_input=False, include_url=False)
    ]


def variables(kind: type[BaseSettings]) -> list[str]:
    """Return the variables that settings are read from."""
    return sorted(f"{_PREFIX}{name.upper()}" for name in kind.model_fields)


def load(kind: type[SettingsT]) -> SettingsT:
    """Read settings from the environment, or leave the process with one line for each fault."""
    try:
        return kind()
    except ValidationError as error:
        for fault in faults_of(error):
            sys.stderr.write(f"{fault}\n")
        sys.stderr.write("set these in the environment; docs/settings.md explains each\n")
        sys.exit(EXIT_CONFIGURATION)
