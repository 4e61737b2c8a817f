"""Builders of sealed notices, and the reader of what was answered."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.acknowledgements import Acknowledgement
from dsr_core.corrections import Rectification
from dsr_core.exports import ProtectedField
from dsr_core.identity import Identifier, Identity
from dsr_core.ids import CohortId, OrganisationId, RequestId, SystemId, uuid7
from dsr_core.plan import Scope
from dsr_core.rights import Right
from dsr_sdk.bus import Record
from dsr_wire.codec.acknowledgements import acknowledgement_from_bytes
from dsr_wire.codec.notices import (
    Instruction,
    Notice,
    SealedIdentity,
    SystemNotice,
    notice_to_wire,
)
from dsr_wire.envelope import Outgoing, decode, encode
from dsr_wire.keys import SystemPublicKeys
from dsr_wire.merkle import leaf_hash
from dsr_wire.sealing import Sealer
from dsr_wire.signing import is_signed_by
from dsr_wire.topics import notice_topic

__all__ = ["a_notice", "a_notice_record", "acknowledgements_in", "an_identity", "new_request_id"]

IdentityLike = Identity | Mapping[str, str | Sequence[str]]
"""An identity, or values by kind: `{"email": "a@example.com"}`."""


def new_request_id() -> RequestId:
    """Return an id that no request has had."""
    return RequestId(uuid7(time.time_ns() // 1_000_000, secrets.token_bytes(10)))


def an_identity(values: IdentityLike) -> Identity:
    """Make an identity from values by kind."""
    if isinstance(values, Identity):
        return values
    return Identity.of(
        Identifier.of(kind, value)
        for kind, given in values.items()
        for value in ((given,) if isinstance(given, str) else given)
    )


def a_notice(
    identities: Mapping[RequestId, IdentityLike],
    *,
    to: Iterable[SystemPublicKeys],
    organisation_id: str = "acme",
    right: Right = Right.DELETION,
    reminder: int = 0,
    notice_id: str | None = None,
    due_in: timedelta = timedelta(days=30),
    scope: Scope | None = None,
    instruction: Instruction = Instruction.PERFORM,
    revision: int = 0,
    answers_since: datetime | None = None,
    look_again: bool = False,
    held_before: datetime | None = None,
    package_key: bytes = b"",
    protected: Sequence[ProtectedField] = (),
    rectification: Rectification | None = None,
    link_keys: Mapping[RequestId, bytes] | None = None,
) -> Notice:
    """Make a notice that seals every identity for every system; none where it stops or suspends.

    Args:
        identities: What names the data subject of each request.
        to: The public keys of the systems addressed.
        organisation_id: The organisation that owns them.
        right: What is asked for.
        reminder: 0 for a first notice.
        notice_id: Another than a new one, for redelivery.
        due_in: How long from now the answers are due.
        scope: What part of the data is meant; all of it unless given.
        instruction: Whether to do what the right asks, to look, to stop, or to suspend.
        revision: Of two notices about one request the higher one counts.
        answers_since: When the systems took over the data of others; answers from before do not count.
        look_again: Whether an erasure counts only once it was looked at again.
        held_before: With the instruction to look: what was held before then is meant.
        package_key: The public key that exports are sealed to; for access.
        protected: Fields whose values are not handed over as they are; for access.
        rectification: What is to be put right; for correction.
        link_keys: The public key of each request that links are sealed to; for a system that resolves.
    """
    now = datetime.now(UTC)
    return Notice(
        notice_id=notice_id or new_request_id(),
        organisation_id=OrganisationId(organisation_id),
        cohort_id=CohortId(next(iter(identities), None) or new_request_id()),
        right=right,
        regime="default",
        registry_digest="test",
        due_at=now + due_in,
        sent_at=now,
        reminder=reminder,
        scope=scope or Scope(),
        systems=tuple(
            replace(
                _part_of(
                    one,
                    identities,
                    right,
                    instruction,
                    _With(package_key, rectification, link_keys or {}),
                ),
                answers_since=answers_since,
                look_again=look_again,
                protected_fields=tuple(protected),
            )
            for one in to
        ),
        instruction=instruction,
        revision=revision,
        held_before=held_before,
    )


class _With(NamedTuple):
    """What is sealed along with an identity."""

    package_key: bytes
    rectification: Rectification | None
    link_keys: Mapping[RequestId, bytes]


def _part_of(
    keys: SystemPublicKeys,
    identities: Mapping[RequestId, IdentityLike],
    right: Right,
    instruction: Instruction,
    along: _With,
) -> SystemNotice:
    if instruction in {Instruction.PERFORM, Instruction.LOOK}:
        return _sealed_for(keys, identities, right, along)
    named = tuple(SealedIdentity(request_id, b"") for request_id in identities)
    return SystemNotice(SystemId(keys.system_id), named, "", b"")


def _sealed_for(
    keys: SystemPublicKeys,
    identities: Mapping[RequestId, IdentityLike],
    right: Right,
    along: _With,
) -> SystemNotice:
    sealer = Sealer(system_id=keys.system_id, right=right, key=keys.sealing)
    sealed = tuple(
        SealedIdentity(
            request_id,
            sealer.seal(
                an_identity(values),
                request_id=request_id,
                package_key=along.package_key,
                rectification=along.rectification,
                link_key=along.link_keys.get(request_id, b""),
            ),
        )
        for request_id, values in identities.items()
    )
    return SystemNotice(SystemId(keys.system_id), sealed, keys.sealing.id, sealer.sealed_key)


def a_notice_record(notice: Notice) -> Outgoing:
    """Make the record that brings a notice to its organisation."""
    return encode(
        notice_to_wire(notice),
        topic=notice_topic(notice.right, notice.organisation_id).name,
        key=notice.cohort_id,
        event_id=notice.notice_id,
        source="fanout",
        at=notice.sent_at,
    )


def acknowledgements_in(
    records: Iterable[Record], keys: SystemPublicKeys
) -> tuple[Acknowledgement, ...]:
    """Return every answer in these records, as the verifier reads them.

    Raises:
        AssertionError: A batch is not signed by the system, or holds another system's answer.
    """
    found: list[Acknowledgement] = []
    for record in records:
        batch = decode(record.value, record.headers, acknowledgements_pb2.SignedAcknowledgements)
        is_signed = is_signed_by(
            keys.signing.key,
            system_id=keys.system_id,
            leaf_hashes=[leaf_hash(leaf) for leaf in batch.acknowledgements],
            signature=batch.signature,
        )
        answers = [acknowledgement_from_bytes(leaf) for leaf in batch.acknowledgements]
        if not is_signed or any(one.system_id != keys.system_id for one in answers):
            raise AssertionError("a batch of acknowledgements is not the system's own")
        found.extend(answers)
    return tuple(found)
