"""Keys: which are in use and since when, and which are to be replaced.

How long each kind is used is the advice of NIST SP 800-57 Part 1 Rev. 5, table 1: two years for a key
that wraps keys or authenticates, three for one that signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dsr_cli.api.client import ApiError
from dsr_cli.api.internal import InternalApi
from dsr_cli.connection import Internal
from dsr_cli.doctor.findings import Finding, fault, fine, warning
from dsr_cli.kafka.admin import KafkaAdmin
from dsr_cli.kafka.reading import Found, records
from dsr_contracts.v1 import registry_pb2
from dsr_core.errors import RejectedInput
from dsr_core.registry import Registry
from dsr_wire.envelope import decode
from dsr_wire.topics import REGISTRY

__all__ = ["of_intake", "of_systems", "signing_since", "standing"]

_WRAPS_FOR = timedelta(days=2 * 365)
_HASHES_FOR = timedelta(days=2 * 365)
_SIGNS_FOR = timedelta(days=3 * 365)
_TOLD_BEFORE = timedelta(days=30)
_SHOWN = 3


def of_intake(connection: Internal) -> Iterator[Finding]:
    """Yield how the keys that intake works with stand: those that wrap, and those that find persons."""
    try:
        found = InternalApi(connection).keys()
    except ApiError as error:
        yield warning("keys", f"intake does not say ({error})", "call as a privacy officer")
        return
    yield from standing(found, now=datetime.now(UTC))


def standing(found: Mapping[str, Any], *, now: datetime) -> Iterator[Finding]:
    """Yield what intake's answer about its keys means at a time."""
    unknown = [one["kek_id"] for one in found["keks"] if not one["is_known"]]
    if unknown:
        todo = "give intake that key back: `dsr keys status`"
        yield fault("keys", f"not at hand: {', '.join(unknown)}", todo)
    for one in found["keks"]:
        since = one["oldest_at"]
        age = f", the oldest since {since[:10]}" if since else ""
        seen = f"{one['kek_id']}: {one['keys']} requests{age}"
        if since and _is_old(since, _WRAPS_FOR, now):
            todo = (
                "`dsr keys rotate --reason TEXT --yes`, then `dsr keys destroy` of the former one"
            )
            yield warning("keys", seen, todo)
        else:
            yield fine("keys", seen)
    # Versions of intake before this one do not say since when.
    for one in found["lookup_keys"]:
        since = one.get("first_seen_at")
        if one["makes"] and since:
            yield _lookup(one["key_id"], since, now)


def _lookup(key_id: str, since: str, now: datetime) -> Finding:
    part, seen = "keys: lookup", f"{key_id}: persons are found by it since {since[:10]}"
    if _is_old(since, _HASHES_FOR, now):
        return warning(part, seen, "replace it as docs/keys.md says, in its order")
    return fine(part, seen)


def of_systems(admin: KafkaAdmin, registry: Registry) -> Iterator[Finding]:
    """Yield since when the systems of the registry sign with their present keys."""
    asked = {one.id for one in registry.systems if one.retired_on is None}
    since = signing_since(records(admin, lambda name: name == REGISTRY.name))
    known = {system_id: at for system_id, at in since.items() if system_id in asked}
    if not known:
        return
    now = datetime.now(UTC)
    old = sorted(one for one, at in known.items() if now > at + _SIGNS_FOR - _TOLD_BEFORE)
    part, oldest = "keys: systems", min(known, key=lambda one: known[one])
    if old:
        more = f" and {len(old) - _SHOWN} more" if len(old) > _SHOWN else ""
        seen = f"sign with a key of three years: {', '.join(old[:_SHOWN])}{more}"
        yield warning(part, seen, "their teams replace it: `dsr-sdk keys rotate`, docs/keys.md")
    else:
        yield fine(part, f"{oldest} signs for longest, since {known[oldest]:%Y-%m-%d}")


def signing_since(found: Iterable[Found]) -> dict[str, datetime]:
    """Return since when each system signs with its present key, by the records of its registration."""
    since: dict[str, tuple[str, datetime]] = {}
    for one in found:
        try:
            keys = decode(one.value, one.headers, registry_pb2.SystemKeys)
        except RejectedInput:
            continue  # another kind of record, or one that the services refuse too
        at = keys.registered_at.ToDatetime(tzinfo=UTC)
        before = since.get(keys.system_id)
        if before is None or before[0] != keys.signing.key_id:
            since[keys.system_id] = (keys.signing.key_id, at)
    return {system_id: at for system_id, (_, at) in since.items()}


def _is_old(since: str, used_for: timedelta, now: datetime) -> bool:
    return now > datetime.fromisoformat(since) + used_for - _TOLD_BEFORE
