import datetime

from dsr_contracts.v1 import notices_pb2 as _notices_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Confidence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONFIDENCE_UNSPECIFIED: _ClassVar[Confidence]
    CONFIDENCE_PROBABLE: _ClassVar[Confidence]
    CONFIDENCE_VERIFIED: _ClassVar[Confidence]

class LinkProof(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINK_PROOF_UNSPECIFIED: _ClassVar[LinkProof]
    LINK_PROOF_SAME_LOGIN: _ClassVar[LinkProof]
    LINK_PROOF_VERIFIED_CONTACT: _ClassVar[LinkProof]
    LINK_PROOF_CONTRACT: _ClassVar[LinkProof]
    LINK_PROOF_SAME_DEVICE: _ClassVar[LinkProof]
    LINK_PROOF_MATCHED_DATA: _ClassVar[LinkProof]
CONFIDENCE_UNSPECIFIED: Confidence
CONFIDENCE_PROBABLE: Confidence
CONFIDENCE_VERIFIED: Confidence
LINK_PROOF_UNSPECIFIED: LinkProof
LINK_PROOF_SAME_LOGIN: LinkProof
LINK_PROOF_VERIFIED_CONTACT: LinkProof
LINK_PROOF_CONTRACT: LinkProof
LINK_PROOF_SAME_DEVICE: LinkProof
LINK_PROOF_MATCHED_DATA: LinkProof

class Links(_message.Message):
    __slots__ = ("links", "padding")
    LINKS_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    links: _containers.RepeatedCompositeFieldContainer[Link]
    padding: bytes
    def __init__(self, links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ..., padding: _Optional[bytes] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("identifier", "through", "confidence", "proof")
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    identifier: _notices_pb2.Identifier
    through: str
    confidence: Confidence
    proof: LinkProof
    def __init__(self, identifier: _Optional[_Union[_notices_pb2.Identifier, _Mapping]] = ..., through: _Optional[str] = ..., confidence: _Optional[_Union[Confidence, str]] = ..., proof: _Optional[_Union[LinkProof, str]] = ...) -> None: ...

class LinksFound(_message.Message):
    __slots__ = ("request_id", "system_id", "sequence", "answered_at", "sealed")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    system_id: str
    sequence: int
    answered_at: _timestamp_pb2.Timestamp
    sealed: bytes
    def __init__(self, request_id: _Optional[str] = ..., system_id: _Optional[str] = ..., sequence: _Optional[int] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sealed: _Optional[bytes] = ...) -> None: ...
