import datetime

from dsr_contracts.v1 import commands_pb2 as _commands_pb2
from dsr_contracts.v1 import common_pb2 as _common_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ObligationsOpened(_message.Message):
    __slots__ = ("cohort_id", "right", "regime", "registry_digest", "due_at", "opened_at", "request_ids", "systems", "expected_systems", "rules_digest", "after_request_ids", "received_at", "scope")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    REGIME_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    SYSTEMS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_SYSTEMS_FIELD_NUMBER: _ClassVar[int]
    RULES_DIGEST_FIELD_NUMBER: _ClassVar[int]
    AFTER_REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    right: _common_pb2.Right
    regime: str
    registry_digest: str
    due_at: _timestamp_pb2.Timestamp
    opened_at: _timestamp_pb2.Timestamp
    request_ids: _containers.RepeatedScalarFieldContainer[str]
    systems: _containers.RepeatedCompositeFieldContainer[AddressedSystem]
    expected_systems: int
    rules_digest: str
    after_request_ids: _containers.RepeatedScalarFieldContainer[str]
    received_at: _timestamp_pb2.Timestamp
    scope: _common_pb2.Scope
    def __init__(self, cohort_id: _Optional[str] = ..., right: _Optional[_Union[_common_pb2.Right, str]] = ..., regime: _Optional[str] = ..., registry_digest: _Optional[str] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., opened_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_ids: _Optional[_Iterable[str]] = ..., systems: _Optional[_Iterable[_Union[AddressedSystem, _Mapping]]] = ..., expected_systems: _Optional[int] = ..., rules_digest: _Optional[str] = ..., after_request_ids: _Optional[_Iterable[str]] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scope: _Optional[_Union[_common_pb2.Scope, _Mapping]] = ...) -> None: ...

class AddressedSystem(_message.Message):
    __slots__ = ("system_id", "organisation_id", "looks_again", "phase")
    SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    LOOKS_AGAIN_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    system_id: str
    organisation_id: str
    looks_again: bool
    phase: int
    def __init__(self, system_id: _Optional[str] = ..., organisation_id: _Optional[str] = ..., looks_again: _Optional[bool] = ..., phase: _Optional[int] = ...) -> None: ...

class PhaseTold(_message.Message):
    __slots__ = ("cohort_id", "phase", "told_at", "is_due")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    TOLD_AT_FIELD_NUMBER: _ClassVar[int]
    IS_DUE_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    phase: int
    told_at: _timestamp_pb2.Timestamp
    is_due: bool
    def __init__(self, cohort_id: _Optional[str] = ..., phase: _Optional[int] = ..., told_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., is_due: _Optional[bool] = ...) -> None: ...

class ObligationsAmended(_message.Message):
    __slots__ = ("cohort_id", "request_id", "revision", "amended_at", "left_cohort", "plan_changed", "due_date_moved", "stopped", "hold_placed", "hold_lifted", "obligation_settled", "effective_at")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    AMENDED_AT_FIELD_NUMBER: _ClassVar[int]
    LEFT_COHORT_FIELD_NUMBER: _ClassVar[int]
    PLAN_CHANGED_FIELD_NUMBER: _ClassVar[int]
    DUE_DATE_MOVED_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    HOLD_PLACED_FIELD_NUMBER: _ClassVar[int]
    HOLD_LIFTED_FIELD_NUMBER: _ClassVar[int]
    OBLIGATION_SETTLED_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    request_id: str
    revision: int
    amended_at: _timestamp_pb2.Timestamp
    left_cohort: LeftCohort
    plan_changed: PlanChanged
    due_date_moved: DueDateMoved
    stopped: _commands_pb2.Stopped
    hold_placed: _commands_pb2.HoldPlaced
    hold_lifted: _commands_pb2.HoldLifted
    obligation_settled: _commands_pb2.ObligationSettled
    effective_at: _timestamp_pb2.Timestamp
    def __init__(self, cohort_id: _Optional[str] = ..., request_id: _Optional[str] = ..., revision: _Optional[int] = ..., amended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., left_cohort: _Optional[_Union[LeftCohort, _Mapping]] = ..., plan_changed: _Optional[_Union[PlanChanged, _Mapping]] = ..., due_date_moved: _Optional[_Union[DueDateMoved, _Mapping]] = ..., stopped: _Optional[_Union[_commands_pb2.Stopped, _Mapping]] = ..., hold_placed: _Optional[_Union[_commands_pb2.HoldPlaced, _Mapping]] = ..., hold_lifted: _Optional[_Union[_commands_pb2.HoldLifted, _Mapping]] = ..., obligation_settled: _Optional[_Union[_commands_pb2.ObligationSettled, _Mapping]] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LeftCohort(_message.Message):
    __slots__ = ("to_cohort_id",)
    TO_COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    to_cohort_id: str
    def __init__(self, to_cohort_id: _Optional[str] = ...) -> None: ...

class PlanChanged(_message.Message):
    __slots__ = ("registry_digest", "added", "removed_system_ids", "successions")
    REGISTRY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_SYSTEM_IDS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSIONS_FIELD_NUMBER: _ClassVar[int]
    registry_digest: str
    added: _containers.RepeatedCompositeFieldContainer[AddressedSystem]
    removed_system_ids: _containers.RepeatedScalarFieldContainer[str]
    successions: _containers.RepeatedCompositeFieldContainer[Succession]
    def __init__(self, registry_digest: _Optional[str] = ..., added: _Optional[_Iterable[_Union[AddressedSystem, _Mapping]]] = ..., removed_system_ids: _Optional[_Iterable[str]] = ..., successions: _Optional[_Iterable[_Union[Succession, _Mapping]]] = ...) -> None: ...

class Succession(_message.Message):
    __slots__ = ("retired_system_id", "successor", "since")
    RETIRED_SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESSOR_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    retired_system_id: str
    successor: AddressedSystem
    since: _timestamp_pb2.Timestamp
    def __init__(self, retired_system_id: _Optional[str] = ..., successor: _Optional[_Union[AddressedSystem, _Mapping]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DueDateMoved(_message.Message):
    __slots__ = ("due_at",)
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    due_at: _timestamp_pb2.Timestamp
    def __init__(self, due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
