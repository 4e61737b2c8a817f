import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegistryVersion(_message.Message):
    __slots__ = ("digest", "canonical", "published_at")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CANONICAL_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_AT_FIELD_NUMBER: _ClassVar[int]
    digest: str
    canonical: bytes
    published_at: _timestamp_pb2.Timestamp
    def __init__(self, digest: _Optional[str] = ..., canonical: _Optional[bytes] = ..., published_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SystemKeys(_message.Message):
    __slots__ = ("system_id", "signing", "sealing", "registered_at", "former_signing", "revoked")
    SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNING_FIELD_NUMBER: _ClassVar[int]
    SEALING_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_FIELD_NUMBER: _ClassVar[int]
    FORMER_SIGNING_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    system_id: str
    signing: PublicKey
    sealing: PublicKey
    registered_at: _timestamp_pb2.Timestamp
    former_signing: _containers.RepeatedCompositeFieldContainer[PublicKey]
    revoked: _containers.RepeatedCompositeFieldContainer[RevokedKey]
    def __init__(self, system_id: _Optional[str] = ..., signing: _Optional[_Union[PublicKey, _Mapping]] = ..., sealing: _Optional[_Union[PublicKey, _Mapping]] = ..., registered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., former_signing: _Optional[_Iterable[_Union[PublicKey, _Mapping]]] = ..., revoked: _Optional[_Iterable[_Union[RevokedKey, _Mapping]]] = ...) -> None: ...

class RevokedKey(_message.Message):
    __slots__ = ("key_id", "revoked_at", "reason")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    REVOKED_AT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    revoked_at: _timestamp_pb2.Timestamp
    reason: str
    def __init__(self, key_id: _Optional[str] = ..., revoked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class PublicKey(_message.Message):
    __slots__ = ("key_id", "algorithm", "key")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    algorithm: str
    key: bytes
    def __init__(self, key_id: _Optional[str] = ..., algorithm: _Optional[str] = ..., key: _Optional[bytes] = ...) -> None: ...
