import datetime

from dsr_contracts.v1 import closures_pb2 as _closures_pb2
from dsr_contracts.v1 import common_pb2 as _common_pb2
from dsr_contracts.v1 import requests_pb2 as _requests_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubjectRequestCommand(_message.Message):
    __slots__ = ("cohort_id", "request_id", "revision", "effective_at", "recorded_at", "identity_verified", "withdrawn", "hold_placed", "hold_lifted", "deadline_extended", "obligation_settled", "clarification_asked", "clarification_given", "stopped", "identity_expanded", "alone")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_VERIFIED_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    HOLD_PLACED_FIELD_NUMBER: _ClassVar[int]
    HOLD_LIFTED_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_EXTENDED_FIELD_NUMBER: _ClassVar[int]
    OBLIGATION_SETTLED_FIELD_NUMBER: _ClassVar[int]
    CLARIFICATION_ASKED_FIELD_NUMBER: _ClassVar[int]
    CLARIFICATION_GIVEN_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_EXPANDED_FIELD_NUMBER: _ClassVar[int]
    ALONE_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    request_id: str
    revision: int
    effective_at: _timestamp_pb2.Timestamp
    recorded_at: _timestamp_pb2.Timestamp
    identity_verified: IdentityVerified
    withdrawn: Withdrawn
    hold_placed: HoldPlaced
    hold_lifted: HoldLifted
    deadline_extended: DeadlineExtended
    obligation_settled: ObligationSettled
    clarification_asked: ClarificationAsked
    clarification_given: ClarificationGiven
    stopped: Stopped
    identity_expanded: IdentityExpanded
    alone: _requests_pb2.CohortAccepted
    def __init__(self, cohort_id: _Optional[str] = ..., request_id: _Optional[str] = ..., revision: _Optional[int] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., identity_verified: _Optional[_Union[IdentityVerified, _Mapping]] = ..., withdrawn: _Optional[_Union[Withdrawn, _Mapping]] = ..., hold_placed: _Optional[_Union[HoldPlaced, _Mapping]] = ..., hold_lifted: _Optional[_Union[HoldLifted, _Mapping]] = ..., deadline_extended: _Optional[_Union[DeadlineExtended, _Mapping]] = ..., obligation_settled: _Optional[_Union[ObligationSettled, _Mapping]] = ..., clarification_asked: _Optional[_Union[ClarificationAsked, _Mapping]] = ..., clarification_given: _Optional[_Union[ClarificationGiven, _Mapping]] = ..., stopped: _Optional[_Union[Stopped, _Mapping]] = ..., identity_expanded: _Optional[_Union[IdentityExpanded, _Mapping]] = ..., alone: _Optional[_Union[_requests_pb2.CohortAccepted, _Mapping]] = ...) -> None: ...

class IdentityVerified(_message.Message):
    __slots__ = ("method", "due_at", "tiers")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    method: str
    due_at: _timestamp_pb2.Timestamp
    tiers: _containers.RepeatedCompositeFieldContainer[_requests_pb2.Tier]
    def __init__(self, method: _Optional[str] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tiers: _Optional[_Iterable[_Union[_requests_pb2.Tier, _Mapping]]] = ...) -> None: ...

class Withdrawn(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Stopped(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: _closures_pb2.Outcome
    def __init__(self, outcome: _Optional[_Union[_closures_pb2.Outcome, str]] = ...) -> None: ...

class HoldPlaced(_message.Message):
    __slots__ = ("hold_id", "system_ids")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_IDS_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    system_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, hold_id: _Optional[str] = ..., system_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class HoldLifted(_message.Message):
    __slots__ = ("hold_id",)
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    hold_id: str
    def __init__(self, hold_id: _Optional[str] = ...) -> None: ...

class DeadlineExtended(_message.Message):
    __slots__ = ("due_at",)
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    due_at: _timestamp_pb2.Timestamp
    def __init__(self, due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ObligationSettled(_message.Message):
    __slots__ = ("system_id", "disposition", "proposed_by", "approved_by", "reason")
    SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    DISPOSITION_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    system_id: str
    disposition: _common_pb2.Disposition
    proposed_by: str
    approved_by: str
    reason: str
    def __init__(self, system_id: _Optional[str] = ..., disposition: _Optional[_Union[_common_pb2.Disposition, str]] = ..., proposed_by: _Optional[str] = ..., approved_by: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ClarificationAsked(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ClarificationGiven(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class IdentityExpanded(_message.Message):
    __slots__ = ("system_ids",)
    SYSTEM_IDS_FIELD_NUMBER: _ClassVar[int]
    system_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, system_ids: _Optional[_Iterable[str]] = ...) -> None: ...
