import datetime

from dsr_contracts.v1 import common_pb2 as _common_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SignedAcknowledgements(_message.Message):
    __slots__ = ("system_id", "key_id", "signature", "acknowledgements")
    SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENTS_FIELD_NUMBER: _ClassVar[int]
    system_id: str
    key_id: str
    signature: bytes
    acknowledgements: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, system_id: _Optional[str] = ..., key_id: _Optional[str] = ..., signature: _Optional[bytes] = ..., acknowledgements: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Acknowledgement(_message.Message):
    __slots__ = ("request_id", "system_id", "right", "disposition", "sequence", "answered_at", "records", "exemptions", "reason", "retry_at", "delivery", "sealed_links")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_ID_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    DISPOSITION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    EXEMPTIONS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AT_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    SEALED_LINKS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    system_id: str
    right: _common_pb2.Right
    disposition: _common_pb2.Disposition
    sequence: int
    answered_at: _timestamp_pb2.Timestamp
    records: int
    exemptions: _containers.RepeatedCompositeFieldContainer[Exemption]
    reason: str
    retry_at: _timestamp_pb2.Timestamp
    delivery: Delivery
    sealed_links: bytes
    def __init__(self, request_id: _Optional[str] = ..., system_id: _Optional[str] = ..., right: _Optional[_Union[_common_pb2.Right, str]] = ..., disposition: _Optional[_Union[_common_pb2.Disposition, str]] = ..., sequence: _Optional[int] = ..., answered_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., records: _Optional[int] = ..., exemptions: _Optional[_Iterable[_Union[Exemption, _Mapping]]] = ..., reason: _Optional[str] = ..., retry_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., delivery: _Optional[_Union[Delivery, _Mapping]] = ..., sealed_links: _Optional[bytes] = ...) -> None: ...

class Delivery(_message.Message):
    __slots__ = ("export_id", "sealed_key", "size", "index_size", "index_digest", "files")
    EXPORT_ID_FIELD_NUMBER: _ClassVar[int]
    SEALED_KEY_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    INDEX_SIZE_FIELD_NUMBER: _ClassVar[int]
    INDEX_DIGEST_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    export_id: str
    sealed_key: bytes
    size: int
    index_size: int
    index_digest: bytes
    files: int
    def __init__(self, export_id: _Optional[str] = ..., sealed_key: _Optional[bytes] = ..., size: _Optional[int] = ..., index_size: _Optional[int] = ..., index_digest: _Optional[bytes] = ..., files: _Optional[int] = ...) -> None: ...

class Exemption(_message.Message):
    __slots__ = ("ground", "categories", "records", "review_at")
    GROUND_FIELD_NUMBER: _ClassVar[int]
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    REVIEW_AT_FIELD_NUMBER: _ClassVar[int]
    ground: str
    categories: _containers.RepeatedScalarFieldContainer[str]
    records: int
    review_at: _timestamp_pb2.Timestamp
    def __init__(self, ground: _Optional[str] = ..., categories: _Optional[_Iterable[str]] = ..., records: _Optional[int] = ..., review_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
