"""What the service reads from the environment."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from dsr_runtime.settings import (
    HttpSettings,
    KafkaSettings,
    LogSettings,
    PostgresSettings,
    TracingSettings,
)
from dsr_verifier.application.limits import Limits

__all__ = ["VerifierSettings"]


class VerifierSettings(LogSettings, TracingSettings, HttpSettings, KafkaSettings, PostgresSettings):
    """The verifier's settings; each is `DSR_` and its name in capitals."""

    verifier_group_id: str = Field(default="dsr.verifier", pattern=r"^dsr\.verifier[a-z0-9.-]*$")
    """The consumer group; it begins as the access rights of the service do."""

    verifier_batch_records: int = Field(default=1000, ge=1, le=10_000)
    """Kafka records in one transaction at most."""

    verifier_batch_bytes: int = Field(default=262_144, ge=1024)
    """Bytes in one transaction, about; one larger record still goes alone."""

    verifier_registry_wait_s: float = Field(default=30.0, ge=0, le=600)
    """How long a message waits for a registry version, or for the first keys of a system."""

    verifier_parked_per_system: int = Field(default=100_000, ge=0)
    """Answers to unknown requests that are kept for one system at most."""

    verifier_parked_for_s: int = Field(default=86_400, ge=1)
    """How long an answer waits for its obligation."""

    verifier_changes_for_s: int = Field(default=86_400, ge=60)
    """How far the change feed reaches back."""

    verifier_keeping_every_s: float = Field(default=10.0, gt=0)
    """How often parked answers and the change feed are looked after."""

    log_key_file: Path
    """Holds the transparency log's private keys as `PRIVATE+KEY+...`, one a line; each signs."""

    log_origin: str = Field(pattern=r"^[^\s+]{1,200}$")
    """The log's name for ever, like `example.com/dsr-log`; its keys have the same."""

    log_witnesses: str = ""
    """Who cosigns the log: keys and addresses in turn, with spaces between."""

    @property
    def limits(self) -> Limits:
        """The application's bounds."""
        return Limits(
            registry_wait_s=self.verifier_registry_wait_s,
            parked_per_system=self.verifier_parked_per_system,
            parked_for=timedelta(seconds=self.verifier_parked_for_s),
            changes_for=timedelta(seconds=self.verifier_changes_for_s),
        )
