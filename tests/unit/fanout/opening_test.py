"""Opening: in which phase each planned system is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dsr_core.errors import RejectedInput
from dsr_core.ids import RequestId
from dsr_fanout.application.opening import count_of, phases_of, planned_systems
from dsr_fanout.application.ordering import ReminderPolicy, order_of
from dsr_fanout.orders import Order
from dsr_wire.codec.requests import cohort_accepted_from_wire, cohort_accepted_to_wire
from support.builders import NOW, a_registry, a_request_id, an_accepted_cohort

ACCESS = RequestId(a_request_id(9))


def an_order(**changes: object) -> Order:
    cohort = an_accepted_cohort(request_ids=(a_request_id(1),), **changes)
    return order_of(cohort, ReminderPolicy(fraction=0.5), traceparent=None, at=NOW)


def test_without_an_order_all_are_asked_in_the_first_phase() -> None:
    registry, order = a_registry(), an_order()
    later = phases_of(registry, order, planned_systems(registry, order))
    assert (later, count_of(later)) == ({}, 1)


def test_nobody_is_asked_in_the_first_phase_where_data_is_handed_over_before() -> None:
    registry, order = a_registry(), an_order(after=(ACCESS,))
    systems = planned_systems(registry, order)
    later = phases_of(registry, order, systems)
    assert later == {one.id: 1 for one in systems}
    assert count_of(later) == 2


def test_who_is_only_asked_to_look_waits_for_nothing() -> None:
    registry, order = a_registry(), replace(an_order(after=(ACCESS,)), held_before=NOW)
    assert phases_of(registry, order, planned_systems(registry, order)) == {}


@pytest.mark.parametrize(
    ("members", "after"),
    [
        ((a_request_id(1), a_request_id(2)), (ACCESS,)),
        ((a_request_id(1),), (ACCESS, ACCESS)),
        ((a_request_id(1),), ("no id",)),
    ],
    ids=["several-members", "twice", "no-uuid"],
)
def test_what_cannot_come_after_is_refused(
    members: tuple[RequestId, ...], after: tuple[RequestId, ...]
) -> None:
    message = cohort_accepted_to_wire(an_accepted_cohort(request_ids=members, after=after))
    with pytest.raises(RejectedInput) as refused:
        cohort_accepted_from_wire(message)
    assert refused.value.field == "after_request_ids"
