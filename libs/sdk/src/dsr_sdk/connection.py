"""How Kafka is reached. Nothing is imported from a Kafka client here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["SECURITY_PROTOCOLS", "KafkaConnection"]

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
"""What Kafka calls them; production uses SASL_SSL."""


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Where Kafka is, and who we are there."""

    bootstrap: str
    """Host and port of one or more brokers, separated by commas."""

    security_protocol: str = "SASL_SSL"
    username: str | None = None
    """The organisation's user: `organisation.<organisation_id>`."""

    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """The authority that signed the brokers' certificates; none for those of the machine."""

    mechanism: str = "SCRAM-SHA-512"

    @property
    def uses_sasl(self) -> bool:
        """Whether a username and a password are sent."""
        return self.security_protocol.startswith("SASL_")

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.security_protocol.endswith("SSL")

    def faults(self) -> Iterator[str]:
        """Yield what is wrong, one readable line each."""
        for address in self.bootstrap.split(","):
            host, _, port = address.strip().rpartition(":")
            if not host or not port.isdecimal():
                yield f"Kafka's address must be host:port[,host:port], not {address.strip()!r}"
        if self.security_protocol not in SECURITY_PROTOCOLS:
            known = ", ".join(SECURITY_PROTOCOLS)
            yield f"Kafka's security protocol must be one of {known}"
        elif self.uses_sasl and not (self.username and self.password):
            yield f"{self.security_protocol} needs a username and a password"
        if self.ca_file is not None and not self.ca_file.is_file():
            yield f"the certificate authority's file {self.ca_file} is not there"
