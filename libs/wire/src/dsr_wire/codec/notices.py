"""Notices: what fanout tells the systems of one organisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dsr_contracts.v1 import notices_pb2
from dsr_core.errors import RejectedInput
from dsr_core.exports import ProtectedField, Protection
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_wire.codec.fields import (
    right_from_wire,
    right_to_wire,
    scope_from_wire,
    scope_to_wire,
    slug,
    text,
    time_from_wire,
    time_to_wire,
    uuid_text,
)

__all__ = [
    "Instruction",
    "Notice",
    "SealedIdentity",
    "SystemNotice",
    "notice_from_wire",
    "notice_to_wire",
    "system_notice_from_wire",
    "system_notice_to_wire",
]


class Instruction(StrEnum):
    """What the addressed systems are to do."""

    PERFORM = "perform"
    """What the right asks for."""

    STOP = "stop"
    """Nothing more; `stopped` or `too_late` is owed. No identity comes along."""

    SUSPEND = "suspend"
    """Erase nothing more until a later notice says `perform`. Nothing is owed; no identity comes along."""

    LOOK = "look"
    """Whether what was erased is still gone; what the right asks for only where something was found."""


_INSTRUCTION_TO_WIRE: dict[Instruction, notices_pb2.Instruction] = {
    Instruction.PERFORM: notices_pb2.INSTRUCTION_UNSPECIFIED,
    Instruction.STOP: notices_pb2.INSTRUCTION_STOP,
    Instruction.SUSPEND: notices_pb2.INSTRUCTION_SUSPEND,
    Instruction.LOOK: notices_pb2.INSTRUCTION_LOOK,
}
_INSTRUCTION_FROM_WIRE: dict[int, Instruction] = {
    number: one for one, number in _INSTRUCTION_TO_WIRE.items()
}


_PROTECTION_TO_WIRE: dict[Protection, notices_pb2.Protection] = {
    Protection.THIRD_PARTY: notices_pb2.PROTECTION_THIRD_PARTY,
    Protection.SECRET: notices_pb2.PROTECTION_SECRET,
    Protection.NEVER_DISCLOSED: notices_pb2.PROTECTION_NEVER_DISCLOSED,
}
_PROTECTION_FROM_WIRE: dict[int, Protection] = {
    number: one for one, number in _PROTECTION_TO_WIRE.items()
}


@dataclass(frozen=True, slots=True)
class SealedIdentity:
    """A data subject's identity for one system's eyes, under one request."""

    request_id: RequestId
    sealed: bytes
    """Empty where the notice's instruction needs no identity."""


@dataclass(frozen=True, slots=True)
class SystemNotice:
    """What one system owes: one entry a subject request."""

    system_id: SystemId
    identities: tuple[SealedIdentity, ...]
    key_id: str
    """The sealing key of the system that the content key was sealed to."""

    sealed_key: bytes
    """The key of the identities, for the system's eyes."""

    answers_since: datetime | None = None
    """Since when it has the data of others as well: an answer from before does not count."""

    look_again: bool = False
    """Whether it has to look again after it has erased; until it is absent, it is owed."""

    protected_fields: tuple[ProtectedField, ...] = ()
    """Fields whose values are not handed over as they are, sorted by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Tells the systems of one organisation what they owe for requests of one cohort."""

    notice_id: str
    organisation_id: OrganisationId
    cohort_id: CohortId
    right: Right
    regime: str
    registry_digest: str
    due_at: datetime
    sent_at: datetime
    reminder: int
    """0 for the first notice, then the number of the reminder."""

    scope: Scope
    systems: tuple[SystemNotice, ...]
    instruction: Instruction = Instruction.PERFORM
    revision: int = 0
    """Of the command that it follows from, 0 where none: of two notices about one request the higher counts."""

    held_before: datetime | None = None
    """Set where systems only look: what they held before then is meant."""


def notice_to_wire(notice: Notice) -> notices_pb2.Notice:
    """Return a notice as a message."""
    return notices_pb2.Notice(
        notice_id=notice.notice_id,
        organisation_id=notice.organisation_id,
        cohort_id=notice.cohort_id,
        right=right_to_wire(notice.right),
        regime=notice.regime,
        registry_digest=notice.registry_digest,
        due_at=time_to_wire(notice.due_at),
        sent_at=time_to_wire(notice.sent_at),
        reminder=notice.reminder,
        scope=scope_to_wire(notice.scope),
        systems=[system_notice_to_wire(one) for one in notice.systems],
        instruction=_INSTRUCTION_TO_WIRE[notice.instruction],
        revision=notice.revision,
        held_before=time_to_wire(notice.held_before) if notice.held_before else None,
    )


def notice_from_wire(message: notices_pb2.Notice) -> Notice:
    """Return the notice that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    if not message.systems:
        raise RejectedInput("invalid_field", "systems is empty", field="systems")
    instruction = _INSTRUCTION_FROM_WIRE.get(message.instruction)
    if instruction is None:
        detail = "instruction is newer than this version"
        raise RejectedInput("unknown_instruction", detail, field="instruction")
    return Notice(
        notice_id=text(message.notice_id, field="notice_id"),
        organisation_id=OrganisationId(slug(message.organisation_id, field="organisation_id")),
        cohort_id=CohortId(uuid_text(message.cohort_id, field="cohort_id")),
        right=right_from_wire(message.right),
        regime=text(message.regime, field="regime"),
        registry_digest=text(message.registry_digest, field="registry_digest"),
        due_at=time_from_wire(message.due_at, field="due_at"),
        sent_at=time_from_wire(message.sent_at, field="sent_at"),
        reminder=message.reminder,
        scope=scope_from_wire(message.scope),
        systems=tuple(system_notice_from_wire(one) for one in message.systems),
        instruction=instruction,
        revision=message.revision,
        held_before=(
            time_from_wire(message.held_before, field="held_before")
            if message.HasField("held_before")
            else None
        ),
    )


def system_notice_to_wire(one: SystemNotice) -> notices_pb2.SystemNotice:
    """Return one system's part as a message."""
    return notices_pb2.SystemNotice(
        system_id=one.system_id,
        identities=[
            notices_pb2.SealedIdentity(request_id=identity.request_id, sealed=identity.sealed)
            for identity in one.identities
        ],
        key_id=one.key_id,
        sealed_key=one.sealed_key,
        answers_since=time_to_wire(one.answers_since) if one.answers_since else None,
        look_again=one.look_again,
        protected_fields=[
            notices_pb2.ProtectedField(
                path=each.path, protection=_PROTECTION_TO_WIRE[each.protection]
            )
            for each in one.protected_fields
        ],
    )


def system_notice_from_wire(message: notices_pb2.SystemNotice) -> SystemNotice:
    """Return one system's part that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    return SystemNotice(
        SystemId(slug(message.system_id, field="systems.system_id")),
        tuple(
            SealedIdentity(
                RequestId(uuid_text(one.request_id, field="systems.identities.request_id")),
                one.sealed,
            )
            for one in message.identities
        ),
        message.key_id,
        message.sealed_key,
        time_from_wire(message.answers_since, field="systems.answers_since")
        if message.HasField("answers_since")
        else None,
        message.look_again,
        tuple(_protected_field(one) for one in message.protected_fields),
    )


def _protected_field(message: notices_pb2.ProtectedField) -> ProtectedField:
    """Read how a field is protected; what is newer than this version is refused, not handed over."""
    protection = _PROTECTION_FROM_WIRE.get(message.protection)
    field = "systems.protected_fields"
    if protection is None:
        detail = "a protection is newer than this version"
        raise RejectedInput("unknown_protection", detail, field=field)
    return ProtectedField(text(message.path, field=field), protection)
