"""Dead letters: what is there, what one says, and sending it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dsr_cli.errors import CommandError
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.reading import records
from dsr_core.errors import RejectedInput
from dsr_wire.dead_letters import HEADER_PREFIX, exhume
from dsr_wire.envelope import Headers, Outgoing, header
from dsr_wire.topics import is_dead_letter, origin_of

__all__ = ["DeadLetter", "dead_letters", "original"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused record."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Headers

    @property
    def id(self) -> str:
        """How the commands name it: topic/partition/offset."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    def said(self, name: str) -> str:
        """Return what the refusing consumer said: reason, detail, refused_by, refused_at, …."""
        return header(self.headers, f"{HEADER_PREFIX}{name}") or ""


def dead_letters(admin: KafkaAdmin, topic: str | None = None) -> Iterator[DeadLetter]:
    """Yield every dead letter, or those of one topic (its own name or its dead-letter topic's)."""
    for one in records(
        admin, lambda name: is_dead_letter(name) and topic in {None, name, origin_of(name)}
    ):
        yield DeadLetter(
            one.topic, one.partition, one.offset, one.key, one.value or b"", one.headers
        )


def original(letter: DeadLetter) -> Outgoing:
    """Return the record as it was before it was refused, for its own topic.

    Raises:
        CommandError: The letter does not hold the whole of it.
    """
    try:
        return exhume(origin_of(letter.topic), letter.key, letter.value, letter.headers)
    except RejectedInput as fault:
        place = f"{letter.said('topic')}/{letter.said('partition')}/{letter.said('offset')}"
        raise CommandError(f"{letter.id}: {fault.detail} (it was {place})") from fault
