"""Links: other identifiers of a person, which a system has found and intake alone may read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from google.protobuf.message import DecodeError

from dsr_contracts.v1 import links_pb2, notices_pb2
from dsr_core.errors import RejectedInput
from dsr_core.identity import Identifier
from dsr_core.ids import RequestId, SystemId
from dsr_core.linking import LINKS_LIMIT, Link, LinkProof
from dsr_core.resolving import Confidence
from dsr_wire.codec.fields import (
    number,
    short,
    slug,
    time_from_wire,
    time_to_wire,
    uuid_text,
)

__all__ = [
    "LinksFound",
    "links_found_from_wire",
    "links_found_to_wire",
    "links_from_bytes",
    "links_to_bytes",
]

_PADDED_TO = 512
"""Short lists all have this length, so that who sees them sealed cannot tell them apart."""

_OVERHEAD = 3
"""Bytes that padding takes beside itself: its tag, and its length in two."""

_SHORT_LENGTH = 128
"""A padding that is shorter says its length in one byte."""

_CONFIDENCE_TO_WIRE: dict[Confidence, links_pb2.Confidence] = {
    one: getattr(links_pb2, f"CONFIDENCE_{one.name}") for one in Confidence
}
_CONFIDENCE_FROM_WIRE: dict[int, Confidence] = {
    number: one for one, number in _CONFIDENCE_TO_WIRE.items()
}
_PROOF_TO_WIRE: dict[LinkProof, links_pb2.LinkProof] = {
    one: getattr(links_pb2, f"LINK_PROOF_{one.name}") for one in LinkProof
}
_PROOF_FROM_WIRE: dict[int, LinkProof] = {number: one for one, number in _PROOF_TO_WIRE.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksFound:
    """A system's answer, its signature verified, holds links."""

    request_id: RequestId
    system_id: SystemId
    sequence: int
    answered_at: datetime
    sealed: bytes


def links_found_to_wire(one: LinksFound) -> links_pb2.LinksFound:
    """Return what is told of an answer's links as a message."""
    return links_pb2.LinksFound(
        request_id=one.request_id,
        system_id=one.system_id,
        sequence=one.sequence,
        answered_at=time_to_wire(one.answered_at),
        sealed=one.sealed,
    )


def links_found_from_wire(message: links_pb2.LinksFound) -> LinksFound:
    """Return what a message tells of an answer's links.

    Raises:
        RejectedInput: A field is missing or wrong.
    """
    if not message.sealed:
        raise RejectedInput("invalid_field", "sealed is empty", field="sealed")
    return LinksFound(
        request_id=RequestId(uuid_text(message.request_id, field="request_id")),
        system_id=SystemId(slug(message.system_id, field="system_id")),
        sequence=number(message.sequence, field="sequence"),
        answered_at=time_from_wire(message.answered_at, field="answered_at"),
        sealed=message.sealed,
    )


def links_to_bytes(links: tuple[Link, ...]) -> bytes:
    """Return links as they are sealed, filled up to a length that tells little of them."""
    message = links_pb2.Links(
        links=[
            links_pb2.Link(
                identifier=notices_pb2.Identifier(
                    kind=one.identifier.kind, value=one.identifier.value
                ),
                through=one.through,
                confidence=_CONFIDENCE_TO_WIRE[one.confidence],
                proof=_PROOF_TO_WIRE[one.proof],
            )
            for one in links
        ]
    )
    padding = -(message.ByteSize() + _OVERHEAD) % _PADDED_TO
    message.padding = bytes(padding if padding >= _SHORT_LENGTH else padding + _PADDED_TO)
    return message.SerializeToString()


def links_from_bytes(content: bytes) -> tuple[Link, ...]:
    """Read links as they were sealed; values are normalised, and repeats dropped.

    Raises:
        RejectedInput: They cannot be decoded, are too many, or one is none.
    """
    try:
        message = links_pb2.Links.FromString(content)
    except DecodeError as error:
        raise RejectedInput("undecodable", "these are no links") from error
    if not 1 <= len(message.links) <= LINKS_LIMIT:
        detail = f"an answer holds 1 to {LINKS_LIMIT} links"
        raise RejectedInput("too_many_links", detail, field="links")
    return tuple(dict.fromkeys(_link(one) for one in message.links))


def _link(message: links_pb2.Link) -> Link:
    confidence = _CONFIDENCE_FROM_WIRE.get(message.confidence)
    proof = _PROOF_FROM_WIRE.get(message.proof)
    if confidence is None or proof is None:
        detail = "confidence or proof is unspecified or unknown"
        raise RejectedInput("invalid_field", detail, field="confidence")
    return Link(
        Identifier.of(message.identifier.kind, message.identifier.value),
        short(message.through, field="through"),
        confidence,
        proof,
    )
