"""Single fields: what every message's codec shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from dsr_contracts.v1 import common_pb2, suppressions_pb2
from dsr_core.errors import RejectedInput
from dsr_core.ids import OrganisationId, RequestId, SystemId, is_slug, is_uuid
from dsr_core.plan import Scope
from dsr_core.rights import Disposition, Right
from dsr_core.suppressions import SuppressionKind

__all__ = [
    "after_from_wire",
    "disposition_from_wire",
    "disposition_to_wire",
    "number",
    "right_from_wire",
    "right_to_wire",
    "scope_from_wire",
    "scope_to_wire",
    "short",
    "slug",
    "storable",
    "suppression_kind_from_wire",
    "suppression_kind_to_wire",
    "text",
    "texts",
    "time_from_wire",
    "time_to_wire",
    "uuid_text",
    "uuid_texts",
]

_RIGHT_TO_WIRE: dict[Right, common_pb2.Right] = {
    right: getattr(common_pb2, f"RIGHT_{right.name}") for right in Right
}
_RIGHT_FROM_WIRE: dict[int, Right] = {number: right for right, number in _RIGHT_TO_WIRE.items()}
_DISPOSITION_TO_WIRE: dict[Disposition, common_pb2.Disposition] = {
    one: getattr(common_pb2, f"DISPOSITION_{one.name}") for one in Disposition
}
_DISPOSITION_FROM_WIRE: dict[int, Disposition] = {
    number: one for one, number in _DISPOSITION_TO_WIRE.items()
}
_SUPPRESSION_TO_WIRE: dict[SuppressionKind, suppressions_pb2.SuppressionKind] = {
    one: getattr(suppressions_pb2, f"SUPPRESSION_KIND_{one.name}") for one in SuppressionKind
}
_SUPPRESSION_FROM_WIRE: dict[int, SuppressionKind] = {
    number: one for one, number in _SUPPRESSION_TO_WIRE.items()
}


def suppression_kind_to_wire(kind: SuppressionKind) -> suppressions_pb2.SuppressionKind:
    """Return the number that stands for what is not to be done."""
    return _SUPPRESSION_TO_WIRE[kind]


def suppression_kind_from_wire(number: int, *, field: str) -> SuppressionKind:
    """Return what is not to be done for a number, or refuse it."""
    kind = _SUPPRESSION_FROM_WIRE.get(number)
    if kind is None:
        raise RejectedInput("invalid_field", f"{field} is unspecified or unknown", field=field)
    return kind


def right_to_wire(right: Right) -> common_pb2.Right:
    """Return the number that stands for a right."""
    return _RIGHT_TO_WIRE[right]


def right_from_wire(number: int) -> Right:
    """Return the right that a number stands for, or refuse it."""
    right = _RIGHT_FROM_WIRE.get(number)
    if right is None:
        raise RejectedInput("invalid_field", "right is unspecified or unknown", field="right")
    return right


def disposition_to_wire(disposition: Disposition) -> common_pb2.Disposition:
    """Return the number that stands for a disposition."""
    return _DISPOSITION_TO_WIRE[disposition]


def disposition_from_wire(number: int) -> Disposition:
    """Return the disposition that a number stands for, or refuse it."""
    disposition = _DISPOSITION_FROM_WIRE.get(number)
    if disposition is None:
        detail = "disposition is unspecified or unknown"
        raise RejectedInput("invalid_field", detail, field="disposition")
    return disposition


def time_to_wire(at: datetime) -> Timestamp:
    """Return a time as a protobuf timestamp, in UTC."""
    seconds, microseconds = divmod((at - _EPOCH) // timedelta(microseconds=1), 1_000_000)
    return Timestamp(seconds=seconds, nanos=microseconds * 1000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000_000
"""In nanoseconds."""

_LARGEST = 2**63 - 1
_SHORT = 128
"""Characters of a code or a name that this project chose; the longest today has 120 at most."""

_MANY = 1_000
"""Codes in one list; the API takes 100."""


def time_from_wire(message: Timestamp, *, field: str) -> datetime:
    """Return the time of a protobuf timestamp, or refuse one that is absent or out of range."""
    seconds, nanos = message.seconds, message.nanos
    try:
        at = _EPOCH + timedelta(0, seconds, nanos // 1000)
    except OverflowError as error:
        raise RejectedInput("invalid_field", f"{field} is out of range", field=field) from error
    if not 0 <= nanos < _SECOND:
        raise RejectedInput("invalid_field", f"{field} is out of range", field=field)
    if at == _EPOCH:
        raise RejectedInput("invalid_field", f"{field} is missing", field=field)
    return at


def number(value: int, *, field: str) -> int:
    """Return a number that every store can hold: 63 bits."""
    if value > _LARGEST:
        raise RejectedInput("invalid_field", f"{field} is out of range", field=field)
    return value


def text(value: str, *, field: str) -> str:
    """Return a text that must not be empty."""
    if not value:
        raise RejectedInput("invalid_field", f"{field} is empty", field=field)
    return storable(value, field=field)


def short(value: str, *, field: str) -> str:
    """Return a code or a name, which is not empty and not long."""
    if len(value) > _SHORT:
        detail = f"{field} is longer than {_SHORT} characters"
        raise RejectedInput("invalid_field", detail, field=field)
    return text(value, field=field)


def storable(value: str, *, field: str) -> str:
    """Return a text that every store can hold: PostgreSQL's has no character zero."""
    if "\x00" in value:
        raise RejectedInput("invalid_field", f"{field} holds the character zero", field=field)
    return value


def texts(values: Sequence[str], *, field: str) -> tuple[str, ...]:
    """Return codes or names, sorted."""
    return tuple(sorted(short(value, field=field) for value in _few(values, field=field)))


def _few(values: Sequence[str], *, field: str) -> Sequence[str]:
    if len(values) > _MANY:
        raise RejectedInput("invalid_field", f"{field} has more than {_MANY}", field=field)
    return values


def slug(value: str, *, field: str) -> str:
    """Return an id that the registry chose."""
    if not is_slug(value):
        raise RejectedInput("invalid_field", f"{field} is not a registry id", field=field)
    return value


def uuid_text(value: str, *, field: str) -> str:
    """Return an id that intake chose."""
    if not is_uuid(value):
        raise RejectedInput("invalid_field", f"{field} is not a UUID", field=field)
    return value


def uuid_texts(values: Iterable[str], *, field: str) -> tuple[str, ...]:
    """Return ids that intake chose: at least one, none twice."""
    ids = tuple(uuid_text(value, field=field) for value in values)
    if not ids or len(set(ids)) != len(ids):
        detail = f"{field} must hold at least one id and none twice"
        raise RejectedInput("invalid_field", detail, field=field)
    return ids


def after_from_wire(values: Sequence[str], members: Sequence[str]) -> tuple[RequestId, ...]:
    """Return the requests that a cohort comes after: few, none twice, and of a cohort of one alone."""
    if not values:
        return ()
    if len(members) > 1:
        detail = "after_request_ids is of cohorts of one"
        raise RejectedInput("invalid_field", detail, field="after_request_ids")
    ids = uuid_texts(_few(values, field="after_request_ids"), field="after_request_ids")
    return tuple(map(RequestId, ids))


def scope_to_wire(scope: Scope) -> common_pb2.Scope:
    """Return a scope as a message."""
    return common_pb2.Scope(
        categories=scope.categories,
        organisation_ids=scope.organisation_ids,
        system_ids=scope.system_ids,
        since=scope.since.isoformat() if scope.since is not None else "",
        uses=[suppression_kind_to_wire(one) for one in scope.uses],
    )


def scope_from_wire(message: common_pb2.Scope) -> Scope:
    """Return the scope that a message holds."""
    organisations = sorted(
        OrganisationId(slug(one, field="scope.organisation_ids"))
        for one in _few(message.organisation_ids, field="scope.organisation_ids")
    )
    systems = sorted(
        SystemId(slug(one, field="scope.system_ids"))
        for one in _few(message.system_ids, field="scope.system_ids")
    )
    categories = texts(message.categories, field="scope.categories")
    return Scope(
        categories,
        tuple(organisations),
        tuple(systems),
        _day_from_wire(message.since, field="scope.since"),
        tuple(
            sorted({suppression_kind_from_wire(one, field="scope.uses") for one in message.uses})
        ),
    )


def _day_from_wire(value: str, *, field: str) -> date | None:
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise RejectedInput("invalid_field", f"{field} is no day", field=field)
    return day
