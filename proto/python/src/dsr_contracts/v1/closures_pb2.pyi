import datetime

from dsr_contracts.v1 import common_pb2 as _common_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_FULFILLED: _ClassVar[Outcome]
    OUTCOME_PARTLY_FULFILLED: _ClassVar[Outcome]
    OUTCOME_NOT_VERIFIED: _ClassVar[Outcome]
    OUTCOME_WITHDRAWN: _ClassVar[Outcome]
    OUTCOME_REFUSED: _ClassVar[Outcome]
    OUTCOME_REFERRED: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_FULFILLED: Outcome
OUTCOME_PARTLY_FULFILLED: Outcome
OUTCOME_NOT_VERIFIED: Outcome
OUTCOME_WITHDRAWN: Outcome
OUTCOME_REFUSED: Outcome
OUTCOME_REFERRED: Outcome

class Closures(_message.Message):
    __slots__ = ("cohort_id", "closures")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSURES_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    closures: _containers.RepeatedCompositeFieldContainer[Closure]
    def __init__(self, cohort_id: _Optional[str] = ..., closures: _Optional[_Iterable[_Union[Closure, _Mapping]]] = ...) -> None: ...

class Closure(_message.Message):
    __slots__ = ("request_id", "right", "outcome", "closed_at", "obligations", "evidence_digest", "registry_digest")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_FIELD_NUMBER: _ClassVar[int]
    OBLIGATIONS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    right: _common_pb2.Right
    outcome: Outcome
    closed_at: _timestamp_pb2.Timestamp
    obligations: int
    evidence_digest: bytes
    registry_digest: str
    def __init__(self, request_id: _Optional[str] = ..., right: _Optional[_Union[_common_pb2.Right, str]] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., closed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., obligations: _Optional[int] = ..., evidence_digest: _Optional[bytes] = ..., registry_digest: _Optional[str] = ...) -> None: ...
