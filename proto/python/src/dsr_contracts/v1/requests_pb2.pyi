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

class TierAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_ACTION_UNSPECIFIED: _ClassVar[TierAction]
    TIER_ACTION_REMIND_SYSTEMS: _ClassVar[TierAction]
    TIER_ACTION_ESCALATE_TO_ORGANISATION: _ClassVar[TierAction]
    TIER_ACTION_ESCALATE_TO_PRIVACY_OFFICE: _ClassVar[TierAction]
    TIER_ACTION_RECORD_BREACH: _ClassVar[TierAction]
TIER_ACTION_UNSPECIFIED: TierAction
TIER_ACTION_REMIND_SYSTEMS: TierAction
TIER_ACTION_ESCALATE_TO_ORGANISATION: TierAction
TIER_ACTION_ESCALATE_TO_PRIVACY_OFFICE: TierAction
TIER_ACTION_RECORD_BREACH: TierAction

class CohortAccepted(_message.Message):
    __slots__ = ("cohort_id", "right", "regime", "jurisdiction", "scope", "identifier_kinds", "registry_digest", "received_at", "accepted_at", "due_at", "request_ids", "rules_digest", "tiers", "verify_identity_by", "held_before", "after_request_ids")
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    REGIME_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_KINDS_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_AT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    RULES_DIGEST_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    VERIFY_IDENTITY_BY_FIELD_NUMBER: _ClassVar[int]
    HELD_BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    cohort_id: str
    right: _common_pb2.Right
    regime: str
    jurisdiction: str
    scope: _common_pb2.Scope
    identifier_kinds: _containers.RepeatedScalarFieldContainer[str]
    registry_digest: str
    received_at: _timestamp_pb2.Timestamp
    accepted_at: _timestamp_pb2.Timestamp
    due_at: _timestamp_pb2.Timestamp
    request_ids: _containers.RepeatedScalarFieldContainer[str]
    rules_digest: str
    tiers: _containers.RepeatedCompositeFieldContainer[Tier]
    verify_identity_by: _timestamp_pb2.Timestamp
    held_before: _timestamp_pb2.Timestamp
    after_request_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cohort_id: _Optional[str] = ..., right: _Optional[_Union[_common_pb2.Right, str]] = ..., regime: _Optional[str] = ..., jurisdiction: _Optional[str] = ..., scope: _Optional[_Union[_common_pb2.Scope, _Mapping]] = ..., identifier_kinds: _Optional[_Iterable[str]] = ..., registry_digest: _Optional[str] = ..., received_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., accepted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_ids: _Optional[_Iterable[str]] = ..., rules_digest: _Optional[str] = ..., tiers: _Optional[_Iterable[_Union[Tier, _Mapping]]] = ..., verify_identity_by: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., held_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., after_request_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Tier(_message.Message):
    __slots__ = ("action", "at")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    action: TierAction
    at: _timestamp_pb2.Timestamp
    def __init__(self, action: _Optional[_Union[TierAction, str]] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
