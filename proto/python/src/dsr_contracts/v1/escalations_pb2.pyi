import datetime

from dsr_contracts.v1 import common_pb2 as _common_pb2
from dsr_contracts.v1 import requests_pb2 as _requests_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Escalation(_message.Message):
    __slots__ = ("cohort_id", "right", "regime", "due_at", "action", "escalated_at", "missing", "awaits_decision", "unusable", "tier_at")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    REGIME_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ESCALATED_AT_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    AWAITS_DECISION_FIELD_NUMBER: _ClassVar[int]
    UNUSABLE_FIELD_NUMBER: _ClassVar[int]
    TIER_AT_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    right: _common_pb2.Right
    regime: str
    due_at: _timestamp_pb2.Timestamp
    action: _requests_pb2.TierAction
    escalated_at: _timestamp_pb2.Timestamp
    missing: _containers.RepeatedCompositeFieldContainer[MissingSystem]
    awaits_decision: bool
    unusable: UnusableExport
    tier_at: _timestamp_pb2.Timestamp
    def __init__(self, cohort_id: _Optional[str] = ..., right: _Optional[_Union[_common_pb2.Right, str]] = ..., regime: _Optional[str] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., action: _Optional[_Union[_requests_pb2.TierAction, str]] = ..., escalated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., missing: _Optional[_Iterable[_Union[MissingSystem, _Mapping]]] = ..., awaits_decision: _Optional[bool] = ..., unusable: _Optional[_Union[UnusableExport, _Mapping]] = ..., tier_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UnusableExport(_message.Message):
    __slots__ = ("request_id", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class MissingSystem(_message.Message):
    __slots__ = ("system_id", "organisation_id", "requests")
    SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    system_id: str
    organisation_id: str
    requests: int
    def __init__(self, system_id: _Optional[str] = ..., organisation_id: _Optional[str] = ..., requests: _Optional[int] = ...) -> None: ...
