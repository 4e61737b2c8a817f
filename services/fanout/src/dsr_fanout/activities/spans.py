"""Spans of activities. The trace comes with the order, so that a workflow itself knows nothing of it.

That keeps the workflow's sandbox as small as it is, and its histories the same with and without traces.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from dsr_core import tracing
from dsr_fanout.orders import Order

__all__ = ["Spans"]


class Spans(Interceptor):
    """Has each activity of a cohort in a span, below the one in which its workflow was started."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        """Return what stands before an activity."""
        return _Inbound(next)


class _Inbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        order = _order(input.args)
        if order is None:
            return await self.next.execute_activity(input)
        with tracing.span(
            activity.info().activity_type,
            parent=order.traceparent,
            cohort_id=order.cohort_id,
            right=order.right,
            count=len(order.request_ids),
        ):
            return await self.next.execute_activity(input)


def _order(arguments: Sequence[Any]) -> Order | None:
    given = arguments[0] if arguments else None
    found = given if isinstance(given, Order) else getattr(given, "order", None)
    return found if isinstance(found, Order) else None
