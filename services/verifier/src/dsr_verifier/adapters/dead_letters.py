"""Dead letters, published and awaited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiokafka.errors import KafkaError

from dsr_core.errors import Unavailable
from dsr_runtime.kafka import Publisher
from dsr_verifier.ports import Clock, Refusal
from dsr_wire.dead_letters import bury_record
from dsr_wire.envelope import Outgoing

__all__ = ["SERVICE", "KafkaDeadLetters", "letter"]

SERVICE = "verifier"


def letter(refusal: Refusal, at: datetime) -> Outgoing:
    """Return the dead letter of a refused record."""
    return bury_record(
        refusal.received,
        fault=refusal.fault,
        refused_by=SERVICE,
        at=at,
    )


class KafkaDeadLetters:
    """DeadLetters on the topics beside the originals."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock

    async def bury(self, refusals: Sequence[Refusal]) -> None:
        """Return when the dead letters are durable."""
        at = self._clock()
        try:
            await self._publisher.publish(letter(refusal, at) for refusal in refusals)
        except (KafkaError, OSError) as error:
            raise Unavailable(f"kafka: {type(error).__name__}") from error
