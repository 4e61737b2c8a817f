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

class Instruction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INSTRUCTION_UNSPECIFIED: _ClassVar[Instruction]
    INSTRUCTION_STOP: _ClassVar[Instruction]
    INSTRUCTION_SUSPEND: _ClassVar[Instruction]
    INSTRUCTION_LOOK: _ClassVar[Instruction]

class Protection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROTECTION_UNSPECIFIED: _ClassVar[Protection]
    PROTECTION_THIRD_PARTY: _ClassVar[Protection]
    PROTECTION_SECRET: _ClassVar[Protection]
    PROTECTION_NEVER_DISCLOSED: _ClassVar[Protection]
INSTRUCTION_UNSPECIFIED: Instruction
INSTRUCTION_STOP: Instruction
INSTRUCTION_SUSPEND: Instruction
INSTRUCTION_LOOK: Instruction
PROTECTION_UNSPECIFIED: Protection
PROTECTION_THIRD_PARTY: Protection
PROTECTION_SECRET: Protection
PROTECTION_NEVER_DISCLOSED: Protection

class Notice(_message.Message):
    __slots__ = ("notice_id", "organisation_id", "cohort_id", "right", "regime", "registry_digest", "due_at", "sent_at", "reminder", "scope", "systems", "instruction", "revision", "held_before")
    NOTICE_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_ID_FIELD_NUMBER: _ClassVar[int]
    COHORT_ID_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    REGIME_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    SENT_AT_FIELD_NUMBER: _ClassVar[int]
    REMINDER_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SYSTEMS_FIELD_NUMBER: _ClassVar[int]
    INSTRUCTION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    HELD_BEFORE_FIELD_NUMBER: _ClassVar[int]
    notice_id: str
    organisation_id: str
    cohort_id: str
    right: _common_pb2.Right
    regime: str
    registry_digest: str
    due_at: _timestamp_pb2.Timestamp
    sent_at: _timestamp_pb2.Timestamp
    reminder: int
    scope: _common_pb2.Scope
    systems: _containers.RepeatedCompositeFieldContainer[SystemNotice]
    instruction: Instruction
    revision: int
    held_before: _timestamp_pb2.Timestamp
    def __init__(self, notice_id: _Optional[str] = ..., organisation_id: _Optional[str] = ..., cohort_id: _Optional[str] = ..., right: _Optional[_Union[_common_pb2.Right, str]] = ..., regime: _Optional[str] = ..., registry_digest: _Optional[str] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sent_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reminder: _Optional[int] = ..., scope: _Optional[_Union[_common_pb2.Scope, _Mapping]] = ..., systems: _Optional[_Iterable[_Union[SystemNotice, _Mapping]]] = ..., instruction: _Optional[_Union[Instruction, str]] = ..., revision: _Optional[int] = ..., held_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SystemNotice(_message.Message):
    __slots__ = ("system_id", "identities", "key_id", "sealed_key", "answers_since", "look_again", "protected_fields")
    SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SEALED_KEY_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_SINCE_FIELD_NUMBER: _ClassVar[int]
    LOOK_AGAIN_FIELD_NUMBER: _ClassVar[int]
    PROTECTED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    system_id: str
    identities: _containers.RepeatedCompositeFieldContainer[SealedIdentity]
    key_id: str
    sealed_key: bytes
    answers_since: _timestamp_pb2.Timestamp
    look_again: bool
    protected_fields: _containers.RepeatedCompositeFieldContainer[ProtectedField]
    def __init__(self, system_id: _Optional[str] = ..., identities: _Optional[_Iterable[_Union[SealedIdentity, _Mapping]]] = ..., key_id: _Optional[str] = ..., sealed_key: _Optional[bytes] = ..., answers_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., look_again: _Optional[bool] = ..., protected_fields: _Optional[_Iterable[_Union[ProtectedField, _Mapping]]] = ...) -> None: ...

class ProtectedField(_message.Message):
    __slots__ = ("path", "protection")
    PATH_FIELD_NUMBER: _ClassVar[int]
    PROTECTION_FIELD_NUMBER: _ClassVar[int]
    path: str
    protection: Protection
    def __init__(self, path: _Optional[str] = ..., protection: _Optional[_Union[Protection, str]] = ...) -> None: ...

class SealedIdentity(_message.Message):
    __slots__ = ("request_id", "sealed")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    sealed: bytes
    def __init__(self, request_id: _Optional[str] = ..., sealed: _Optional[bytes] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ("identifiers", "package_key", "corrections", "statement", "link_key")
    IDENTIFIERS_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_KEY_FIELD_NUMBER: _ClassVar[int]
    CORRECTIONS_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    LINK_KEY_FIELD_NUMBER: _ClassVar[int]
    identifiers: _containers.RepeatedCompositeFieldContainer[Identifier]
    package_key: bytes
    corrections: _containers.RepeatedCompositeFieldContainer[Correction]
    statement: str
    link_key: bytes
    def __init__(self, identifiers: _Optional[_Iterable[_Union[Identifier, _Mapping]]] = ..., package_key: _Optional[bytes] = ..., corrections: _Optional[_Iterable[_Union[Correction, _Mapping]]] = ..., statement: _Optional[str] = ..., link_key: _Optional[bytes] = ...) -> None: ...

class Correction(_message.Message):
    __slots__ = ("category", "old_value", "new_value")
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    OLD_VALUE_FIELD_NUMBER: _ClassVar[int]
    NEW_VALUE_FIELD_NUMBER: _ClassVar[int]
    category: str
    old_value: str
    new_value: str
    def __init__(self, category: _Optional[str] = ..., old_value: _Optional[str] = ..., new_value: _Optional[str] = ...) -> None: ...

class Identifier(_message.Message):
    __slots__ = ("kind", "value")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    value: str
    def __init__(self, kind: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class SealRequest(_message.Message):
    __slots__ = ("registry_digest", "system_ids", "request_ids")
    REGISTRY_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_IDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_IDS_FIELD_NUMBER: _ClassVar[int]
    registry_digest: str
    system_ids: _containers.RepeatedScalarFieldContainer[str]
    request_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, registry_digest: _Optional[str] = ..., system_ids: _Optional[_Iterable[str]] = ..., request_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class SealResponse(_message.Message):
    __slots__ = ("systems",)
    SYSTEMS_FIELD_NUMBER: _ClassVar[int]
    systems: _containers.RepeatedCompositeFieldContainer[SystemNotice]
    def __init__(self, systems: _Optional[_Iterable[_Union[SystemNotice, _Mapping]]] = ...) -> None: ...
