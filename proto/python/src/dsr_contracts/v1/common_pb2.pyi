from dsr_contracts.v1 import suppressions_pb2 as _suppressions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Right(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RIGHT_UNSPECIFIED: _ClassVar[Right]
    RIGHT_ACCESS: _ClassVar[Right]
    RIGHT_DELETION: _ClassVar[Right]
    RIGHT_CORRECTION: _ClassVar[Right]
    RIGHT_OPT_OUT: _ClassVar[Right]
    RIGHT_RESTRICTION: _ClassVar[Right]
    RIGHT_OBJECTION: _ClassVar[Right]
    RIGHT_PORTABILITY: _ClassVar[Right]

class Disposition(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISPOSITION_UNSPECIFIED: _ClassVar[Disposition]
    DISPOSITION_RECEIVED: _ClassVar[Disposition]
    DISPOSITION_IN_PROGRESS: _ClassVar[Disposition]
    DISPOSITION_ERASED: _ClassVar[Disposition]
    DISPOSITION_DELIVERED: _ClassVar[Disposition]
    DISPOSITION_NOT_FOUND: _ClassVar[Disposition]
    DISPOSITION_EXEMPT: _ClassVar[Disposition]
    DISPOSITION_PARTIALLY_EXEMPT: _ClassVar[Disposition]
    DISPOSITION_FAILED: _ClassVar[Disposition]
    DISPOSITION_UNRESOLVABLE: _ClassVar[Disposition]
    DISPOSITION_STOPPED: _ClassVar[Disposition]
    DISPOSITION_TOO_LATE: _ClassVar[Disposition]
    DISPOSITION_CORRECTED: _ClassVar[Disposition]
    DISPOSITION_ALREADY_RIGHT: _ClassVar[Disposition]
    DISPOSITION_INFORMED: _ClassVar[Disposition]
    DISPOSITION_ABSENT: _ClassVar[Disposition]
    DISPOSITION_PRESENT: _ClassVar[Disposition]
    DISPOSITION_HEEDED: _ClassVar[Disposition]
    DISPOSITION_REFUSED: _ClassVar[Disposition]
    DISPOSITION_RESTRICTED: _ClassVar[Disposition]
RIGHT_UNSPECIFIED: Right
RIGHT_ACCESS: Right
RIGHT_DELETION: Right
RIGHT_CORRECTION: Right
RIGHT_OPT_OUT: Right
RIGHT_RESTRICTION: Right
RIGHT_OBJECTION: Right
RIGHT_PORTABILITY: Right
DISPOSITION_UNSPECIFIED: Disposition
DISPOSITION_RECEIVED: Disposition
DISPOSITION_IN_PROGRESS: Disposition
DISPOSITION_ERASED: Disposition
DISPOSITION_DELIVERED: Disposition
DISPOSITION_NOT_FOUND: Disposition
DISPOSITION_EXEMPT: Disposition
DISPOSITION_PARTIALLY_EXEMPT: Disposition
DISPOSITION_FAILED: Disposition
DISPOSITION_UNRESOLVABLE: Disposition
DISPOSITION_STOPPED: Disposition
DISPOSITION_TOO_LATE: Disposition
DISPOSITION_CORRECTED: Disposition
DISPOSITION_ALREADY_RIGHT: Disposition
DISPOSITION_INFORMED: Disposition
DISPOSITION_ABSENT: Disposition
DISPOSITION_PRESENT: Disposition
DISPOSITION_HEEDED: Disposition
DISPOSITION_REFUSED: Disposition
DISPOSITION_RESTRICTED: Disposition

class Scope(_message.Message):
    __slots__ = ("categories", "organisation_ids", "system_ids", "since", "uses")
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    ORGANISATION_IDS_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_IDS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedScalarFieldContainer[str]
    organisation_ids: _containers.RepeatedScalarFieldContainer[str]
    system_ids: _containers.RepeatedScalarFieldContainer[str]
    since: str
    uses: _containers.RepeatedScalarFieldContainer[_suppressions_pb2.SuppressionKind]
    def __init__(self, categories: _Optional[_Iterable[str]] = ..., organisation_ids: _Optional[_Iterable[str]] = ..., system_ids: _Optional[_Iterable[str]] = ..., since: _Optional[str] = ..., uses: _Optional[_Iterable[_Union[_suppressions_pb2.SuppressionKind, str]]] = ...) -> None: ...
