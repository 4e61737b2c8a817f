import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RequestStatesChanged(_message.Message):
    __slots__ = ("cohort_id", "changes")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    changes: _containers.RepeatedCompositeFieldContainer[RequestStateChanged]
    def __init__(self, cohort_id: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[RequestStateChanged, _Mapping]]] = ...) -> None: ...

class RequestStateChanged(_message.Message):
    __slots__ = ("request_id", "state", "outcome", "changed_at")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    state: str
    outcome: str
    changed_at: _timestamp_pb2.Timestamp
    def __init__(self, request_id: _Optional[str] = ..., state: _Optional[str] = ..., outcome: _Optional[str] = ..., changed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CohortAnswered(_message.Message):
    __slots__ = ("cohort_id", "answered_at")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    answered_at: _timestamp_pb2.Timestamp
    def __init__(self, cohort_id: _Optional[str] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
