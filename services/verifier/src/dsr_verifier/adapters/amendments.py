"""Amendments and what follows from them, as SQL over arrays, for the transaction and for readers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from dsr_contracts.v1 import obligations_pb2
from dsr_core.ids import RequestId
from dsr_verifier.adapters import statements
from dsr_verifier.adapters.plans import Connection, Plan, Plans, plan_id
from dsr_verifier.model import Breach, Effect, KeptAmendment, Key, key_of
from dsr_verifier.ports import LedgerRequest
from dsr_wire.codec.amendments import Amendment, amendment_from_wire
from dsr_wire.terms import in_order

__all__ = ["amend", "amendment_of", "applied", "breach", "keep", "waiting"]


def amendment_of(value: bytes) -> Amendment:
    """Return the amendment that a kept message holds."""
    return amendment_from_wire(obligations_pb2.ObligationsAmended.FromString(value))


async def keep(
    connection: Connection, amendments: Sequence[KeptAmendment], at: datetime
) -> list[int]:
    """Write amendments that are not there yet; return the places of those whose key is taken."""
    first: dict[Key, KeptAmendment] = {}
    for one in amendments:
        first.setdefault(key_of(one.amendment), one)
    kept = list(first.values())
    rows = await connection.fetch(
        statements.ADD_AMENDMENTS,
        *_key_columns(first),
        [one.amendment.cohort_id for one in kept],
        [one.amendment.amended_at for one in kept],
        [one.amendment.effective_at for one in kept],
        [one.value for one in kept],
        at,
    )
    if len(rows) == len(amendments):
        return []
    known = {
        (RequestId(str(row["request_id"])), row["revision"], row["kind"]): row["value"]
        for row in await connection.fetch(statements.KEPT_AMENDMENTS, *_key_columns(first))
    }
    return [
        place
        for place, one in enumerate(amendments)
        if _content(amendment_of(known[key_of(one.amendment)])) != _content(one.amendment)
    ]


async def waiting(connection: Connection, request_ids: Collection[RequestId]) -> list[Amendment]:
    """Return the amendments of these requests of which nothing has become yet, in order."""
    rows = await connection.fetch(statements.WAITING_AMENDMENTS, list(request_ids))
    return sorted((amendment_of(row["value"]) for row in rows), key=in_order)


async def applied(
    connection: Connection, request_ids: Collection[RequestId]
) -> dict[RequestId, tuple[Amendment, ...]]:
    """Return the amendments of these requests that were applied, in order."""
    found: defaultdict[RequestId, list[Amendment]] = defaultdict(list)
    for row in await connection.fetch(statements.APPLIED_AMENDMENTS, list(request_ids)):
        found[RequestId(str(row["request_id"]))].append(amendment_of(row["value"]))
    return {key: tuple(sorted(known, key=in_order)) for key, known in found.items()}


async def amend(
    connection: Connection,
    requests: Collection[tuple[LedgerRequest, Sequence[str]]],
    effects: Mapping[Key, Effect],
    at: datetime,
) -> None:
    """Write what amendments make of requests, each with its held systems, and what became of them."""
    plans = [Plan(one.registry_digest, one.systems, phases=one.phased) for one, _ in requests]
    if plans:
        await Plans.add(connection, {plan_id(one): one for one in plans})
        await connection.execute(
            statements.AMEND,
            [one.request_id for one, _ in requests],
            [one.cohort_id for one, _ in requests],
            [plan_id(one) for one in plans],
            [one.due_at for one, _ in requests],
            [one.stopping.value if one.stopping else None for one, _ in requests],
            [" ".join(held) or None for _, held in requests],
            [one.expected for one, _ in requests],
            [one.open_count for one, _ in requests],
        )
    await connection.execute(
        statements.SET_EFFECTS,
        *_key_columns(effects),
        [one.value for one in effects.values()],
        at,
    )


async def breach(
    connection: Connection,
    breaches: Collection[Breach],
    at: datetime,
    instead_of: Collection[RequestId],
) -> list[Breach]:
    """Write breaches; return the new ones. Of the requests in `instead_of` no others are left."""
    by_key = {(one.request_id, one.system_id, one.hold_id): one for one in breaches}
    keys = list(by_key)
    columns = (
        [request_id for request_id, _, _ in keys],
        [system_id for _, system_id, _ in keys],
        [hold_id for _, _, hold_id in keys],
    )
    if instead_of:
        await connection.execute(statements.DROP_BREACHES, list(instead_of), *columns)
    if not keys:
        return []
    rows = await connection.fetch(
        statements.ADD_BREACHES,
        *columns,
        [one.sequence for one in by_key.values()],
        [one.answered_at for one in by_key.values()],
        at,
    )
    return [
        by_key[RequestId(str(row["request_id"])), row["system_id"], str(row["hold_id"])]
        for row in rows
    ]


def _key_columns(keys: Iterable[Key]) -> tuple[list[RequestId], list[int], list[str]]:
    known = list(keys)
    return (
        [request_id for request_id, _, _ in known],
        [revision for _, revision, _ in known],
        [kind for _, _, kind in known],
    )


def _content(one: Amendment) -> tuple[object, ...]:
    return (one.cohort_id, one.effective_at, one.change)
