"""The admin connection: as whom the command speaks to Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from dsr_cli.errors import CommandError
from dsr_runtime.kafka import KafkaConnection
from dsr_wire.envelope import Headers, Outgoing

__all__ = ["KafkaAdmin"]

_TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAdmin:
    """How to reach Kafka with an operator's rights."""

    bootstrap: str
    security_protocol: str
    username: str = ""
    password: str = ""
    ca_file: Path | None = None

    def __repr__(self) -> str:
        """Show where, never the password."""
        return f"KafkaAdmin({self.bootstrap!r}, {self.username!r})"

    @property
    def connection(self) -> KafkaConnection:
        """The same, for the clients of the services' library."""
        return KafkaConnection(
            bootstrap=self.bootstrap,
            security_protocol=self.security_protocol,
            username=self.username,
            password=self.password,
            ca_file=self.ca_file,
        )

    def client(self) -> AdminClient:
        """Return a client for topics, users and rights."""
        return AdminClient(self._config())

    def producer(self) -> Producer:
        """Return a producer whose records are durable once flushed."""
        return Producer({**self._config(), "enable.idempotence": True, "linger.ms": 5})

    def consumer(self, **config: Any) -> Consumer:
        """Return a consumer that commits nothing."""
        defaults = {
            "group.id": "dsr.operator",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
        return Consumer({**self._config(), **defaults, **config})

    def send(self, records: list[Outgoing]) -> None:
        """Send records, and return when the brokers have them all.

        Raises:
            CommandError: Kafka did not take them in time.
        """
        failures: list[str] = []

        def note(error: Any, _message: Any) -> None:
            if error is not None:
                failures.append(str(error))

        producer = self.producer()
        for record in records:
            headers: Headers = record.headers
            producer.produce(
                record.topic,
                record.value,
                record.key,
                headers=list(headers),
                on_delivery=note,
            )
            producer.poll(0)
        left = producer.flush(_TIMEOUT_S)
        if left or failures:
            raise CommandError(
                f"Kafka did not take {left or len(failures)} records: {failures[:1]}"
            )

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security_protocol,
            "log_level": 2,
        }
        if self.security_protocol.startswith("SASL"):
            config |= {
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": self.username,
                "sasl.password": self.password,
            }
        if self.ca_file is not None:
            config["ssl.ca.location"] = str(self.ca_file)
        return config
