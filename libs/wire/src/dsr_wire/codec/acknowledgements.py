"""Acknowledgements and exemptions."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from dsr_contracts.v1 import acknowledgements_pb2
from dsr_core.acknowledgements import Acknowledgement, Exemption, check
from dsr_core.errors import RejectedInput
from dsr_core.exports import Delivery
from dsr_core.ids import RequestId, SystemId
from dsr_wire.codec.fields import (
    disposition_from_wire,
    disposition_to_wire,
    number,
    right_from_wire,
    right_to_wire,
    slug,
    storable,
    texts,
    time_from_wire,
    time_to_wire,
    uuid_text,
)

__all__ = [
    "acknowledgement_from_bytes",
    "acknowledgement_to_wire",
    "delivery_from_wire",
    "delivery_to_wire",
]

_REASON_LIMIT = 500


def acknowledgement_to_wire(one: Acknowledgement) -> acknowledgements_pb2.Acknowledgement:
    """Return an answer as a message."""
    message = acknowledgements_pb2.Acknowledgement(
        request_id=one.request_id,
        system_id=one.system_id,
        right=right_to_wire(one.right),
        disposition=disposition_to_wire(one.disposition),
        sequence=one.sequence,
        answered_at=time_to_wire(one.answered_at),
        records=one.records,
        exemptions=[
            acknowledgements_pb2.Exemption(
                ground=exemption.ground,
                categories=exemption.categories,
                records=exemption.records,
                review_at=time_to_wire(exemption.review_at),
            )
            for exemption in one.exemptions
        ],
        reason=one.reason[:_REASON_LIMIT],
        sealed_links=one.sealed_links,
    )
    if one.retry_at is not None:
        message.retry_at.CopyFrom(time_to_wire(one.retry_at))
    if one.delivery is not None:
        message.delivery.CopyFrom(delivery_to_wire(one.delivery))
    return message


def acknowledgement_from_bytes(leaf: bytes) -> Acknowledgement:
    """Read an answer as it stands in a batch, and check that it is complete.

    Raises:
        RejectedInput: It cannot be decoded, or is incomplete, or does not answer its right.
    """
    try:
        message = acknowledgements_pb2.Acknowledgement.FromString(leaf)
    except DecodeError as error:
        raise RejectedInput("undecodable", "not an acknowledgement") from error
    has_retry = message.HasField("retry_at")
    has_delivery = message.HasField("delivery")
    answer = Acknowledgement(
        request_id=RequestId(uuid_text(message.request_id, field="request_id")),
        system_id=SystemId(slug(message.system_id, field="system_id")),
        right=right_from_wire(message.right),
        disposition=disposition_from_wire(message.disposition),
        sequence=message.sequence,
        answered_at=time_from_wire(message.answered_at, field="answered_at"),
        records=message.records,
        exemptions=tuple(map(_exemption, message.exemptions)),
        reason=message.reason[:_REASON_LIMIT],
        retry_at=time_from_wire(message.retry_at, field="retry_at") if has_retry else None,
        delivery=delivery_from_wire(message.delivery) if has_delivery else None,
        sealed_links=message.sealed_links,
    )
    check(answer)
    return answer


def delivery_to_wire(one: Delivery) -> acknowledgements_pb2.Delivery:
    """Return the reference to an export as a message."""
    return acknowledgements_pb2.Delivery(
        export_id=one.export_id,
        sealed_key=one.sealed_key,
        size=one.size,
        index_size=one.index_size,
        index_digest=one.index_digest,
        files=one.files,
    )


def delivery_from_wire(message: acknowledgements_pb2.Delivery) -> Delivery:
    """Return the reference to an export that a message holds.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    return Delivery(
        export_id=uuid_text(message.export_id, field="delivery.export_id"),
        sealed_key=message.sealed_key,
        size=number(message.size, field="delivery.size"),
        index_size=number(message.index_size, field="delivery.index_size"),
        index_digest=message.index_digest,
        files=number(message.files, field="delivery.files"),
    )


def _exemption(message: acknowledgements_pb2.Exemption) -> Exemption:
    return Exemption(
        ground=storable(message.ground, field="exemptions.ground"),
        review_at=time_from_wire(message.review_at, field="exemptions.review_at"),
        categories=texts(message.categories, field="exemptions.categories"),
        records=number(message.records, field="exemptions.records"),
    )
