"""Refusing answers: one dead letter for each batch that holds some, which says where they are."""

from __future__ import annotations

from collections.abc import Mapping

from dsr_core.errors import RejectedInput
from dsr_verifier.ports import Batch, Refusal

__all__ = ["Faults", "refusals_of"]

_MENTIONED = 20
"""How many answers' places the detail of a dead letter names."""

Faults = dict[str, list[tuple[int, RejectedInput]]]
"""What is wrong with answers, by batch and place."""


def refusals_of(batches: Mapping[str, Batch], faults: Faults) -> list[Refusal]:
    """Return a refusal for each batch that holds refused answers: the first one's reason, all places."""
    return [
        Refusal(batches[batch_id].received, _joined(found, batches[batch_id].size))
        for batch_id, found in faults.items()
        if found
    ]


def _joined(found: list[tuple[int, RejectedInput]], size: int) -> RejectedInput:
    places = sorted(found, key=lambda one: one[0])
    first = places[0][1]
    named = ", ".join(str(index) for index, _ in places[:_MENTIONED])
    more = "" if len(places) <= _MENTIONED else ", ..."
    detail = f"{len(places)} of {size} answers refused, at {named}{more}; the first: {first.detail}"
    return RejectedInput(first.reason, detail, field=first.field)
