import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SuppressionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUPPRESSION_KIND_UNSPECIFIED: _ClassVar[SuppressionKind]
    SUPPRESSION_KIND_MARKETING: _ClassVar[SuppressionKind]
    SUPPRESSION_KIND_SALE_OR_SHARING: _ClassVar[SuppressionKind]
    SUPPRESSION_KIND_RE_IMPORT: _ClassVar[SuppressionKind]
SUPPRESSION_KIND_UNSPECIFIED: SuppressionKind
SUPPRESSION_KIND_MARKETING: SuppressionKind
SUPPRESSION_KIND_SALE_OR_SHARING: SuppressionKind
SUPPRESSION_KIND_RE_IMPORT: SuppressionKind

class Suppression(_message.Message):
    __slots__ = ("kind", "digest", "key_id", "since")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    kind: SuppressionKind
    digest: bytes
    key_id: str
    since: _timestamp_pb2.Timestamp
    def __init__(self, kind: _Optional[_Union[SuppressionKind, str]] = ..., digest: _Optional[bytes] = ..., key_id: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
