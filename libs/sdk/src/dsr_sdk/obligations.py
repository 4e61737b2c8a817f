"""From a record to the obligations that this system has under it, their identities still sealed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from dsr_contracts.v1 import notices_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId, SystemId
from dsr_core.rights import Right
from dsr_sdk.bus import Record
from dsr_wire.codec.notices import (
    Notice,
    SealedIdentity,
    SystemNotice,
    notice_from_wire,
    notice_to_wire,
)
from dsr_wire.envelope import decode
from dsr_wire.topics import notice_topic

__all__ = ["ObligationKey", "SealedObligation", "obligations_of"]


class ObligationKey(NamedTuple):
    """Names one obligation of this system."""

    request_id: RequestId
    right: Right


@dataclass(frozen=True, slots=True)
class SealedObligation:
    """One obligation of this system as its notice told it."""

    notice: Notice
    """The notice, reduced to this system; shared by all obligations that it tells of."""

    system: SystemNotice
    """The notice's part that tells of it; shared likewise."""

    identity: SealedIdentity
    record: Record | None = None
    """Where it came from; none for a retry."""

    @property
    def key(self) -> ObligationKey:
        """The obligation's name."""
        return ObligationKey(self.identity.request_id, self.notice.right)

    def to_bytes(self) -> bytes:
        """Return what is needed to ask again later; the identity in it stays sealed."""
        system = replace(self.system, identities=(self.identity,))
        alone = replace(self.notice, systems=(system,))
        return notice_to_wire(alone).SerializeToString()

    @classmethod
    def from_bytes(cls, stored: bytes) -> SealedObligation:
        """Read what `to_bytes` wrote."""
        notice = notice_from_wire(notices_pb2.Notice.FromString(stored))
        system = notice.systems[0]
        return cls(notice, system, system.identities[0])


def obligations_of(
    record: Record, *, system_id: SystemId, organisation_id: str
) -> Iterator[SealedObligation]:
    """Yield what a record obliges this system to; nothing where only others are addressed.

    What is addressed to other systems of the organisation is dropped unread.

    Raises:
        RejectedInput: The record is not a sound notice, or lies in another's topic.
    """
    message = decode(record.value, record.headers, notices_pb2.Notice)
    ours = [one for one in message.systems if one.system_id == system_id]
    if message.systems and not ours:
        return
    del message.systems[:]
    message.systems.extend(ours)
    notice = notice_from_wire(message)
    if notice.organisation_id != organisation_id:
        raise RejectedInput("wrong_organisation", "the notice is another organisation's")
    if notice_topic(notice.right, organisation_id).name != record.topic:
        raise RejectedInput("wrong_topic", "the notice's right is not the topic's")
    for system in notice.systems:
        for identity in system.identities:
            yield SealedObligation(notice, system, identity, record)
