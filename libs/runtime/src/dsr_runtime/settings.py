"""Settings: one class a service, composed of the groups that it needs.

`loading` reads them, once, in a service's `__main__`; they are passed on from there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from dsr_runtime.kafka import KafkaConnection
from dsr_runtime.variables import PREFIX

__all__ = [
    "HttpSettings",
    "KafkaSettings",
    "LogSettings",
    "PostgresSettings",
    "TemporalSettings",
    "TracingSettings",
]


class _Environment(EnvSettingsSource):
    """The environment, in which a list or a table that is no JSON is one fault among the others."""

    def prepare_field_value(
        self,
        field_name: str,
        field: FieldInfo,
        value: Any,
        value_is_complex: bool,  # noqa: FBT001 - the library's signature
    ) -> Any:
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except ValueError:
            return value  # a text, which the field then refuses by its name


class _Group(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls)


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

    kafka_instance_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,100}$")
    """A name of this replica's own that it keeps over restarts: back within ten seconds, it goes on
    with its partitions, and nobody else is held up. No two replicas of a service may have the same."""

    @property
    def kafka(self) -> KafkaConnection:
        """The connection that these settings describe."""
        return KafkaConnection(
            bootstrap=self.kafka_bootstrap,
            security_protocol=self.kafka_security_protocol,
            username=self.kafka_username,
            password=self.kafka_password.get_secret_value(),
            ca_file=self.kafka_ca_file,
            instance_id=self.kafka_instance_id,
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
