"""Temporal, as a client: starting, hinting, and what must be registered beforehand."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    GetSystemInfoRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from dsr_core.cohorts import workflow_id
from dsr_core.errors import RejectedInput, Unavailable
from dsr_fanout.orders import (
    ANSWERED_SIGNAL,
    DECIDED_SIGNAL,
    DUE_AT,
    IDENTITY_SIGNAL,
    JURISDICTION,
    PHASE_SIGNAL,
    REPLAN_SIGNAL,
    REPLAN_WORKFLOW,
    RIGHT,
    SEARCH_ATTRIBUTES,
    SIZE,
    STATE,
    WORKFLOW,
    Decided,
    Order,
    State,
    Telling,
    Told,
    Verified,
)
from dsr_wire.codec.registry import PublishedRegistry

__all__ = [
    "TemporalWorkflows",
    "add_search_attributes",
    "ensure_search_attributes",
    "retention",
    "server_of",
]

log = structlog.get_logger(__name__)

_RPC_TIMEOUT = timedelta(seconds=10)

_PAGE = 50
"""Cohorts that are told of a registry version at a time."""


class TemporalWorkflows:
    """The port `Workflows`."""

    def __init__(self, client: Client, *, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, order: Order) -> bool:
        """Start a cohort's workflow."""
        return await self._started(order, request_eager_start=True)

    async def decided(self, order: Order, decided: Decided) -> bool:
        """Signal a request's workflow, and start it where it does not run."""
        return await self._started(order, start_signal=DECIDED_SIGNAL, start_signal_args=[decided])

    async def _started(self, order: Order, **how: Any) -> bool:
        size = len(order.request_ids)
        try:
            await self._client.start_workflow(
                WORKFLOW,
                order,
                id=workflow_id(order.cohort_id),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(RIGHT, order.right),
                        SearchAttributePair(JURISDICTION, order.jurisdiction),
                        SearchAttributePair(
                            STATE,
                            State.OPEN
                            if order.verify_identity_by is None
                            else State.AWAITING_IDENTITY,
                        ),
                        SearchAttributePair(DUE_AT, order.due_at),
                        SearchAttributePair(SIZE, size),
                    ]
                ),
                static_summary=f"{order.right}, {order.jurisdiction}, {size}",
                rpc_timeout=_RPC_TIMEOUT,
                **how,
            )
        except WorkflowAlreadyStartedError:
            return False
        except RPCError as error:
            reason = error.status.name
            if await self._is_for_ever(error):
                detail = f"temporal will never take this cohort ({reason})"
                raise RejectedInput("refused_by_temporal", detail) from error
            raise Unavailable(f"temporal did not start it ({reason})") from error
        return True

    async def _is_for_ever(self, error: RPCError) -> bool:
        """Tell whether what was refused is to blame, and not what an operator has yet to do.

        A namespace that lacks our search attributes refuses every order with the same status: who
        dead-lettered then would hide every person whose clock runs.
        """
        if error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
            # gRPC's words for a call that is too large; a limit on the rate has the same status.
            return "message" in error.message and "larger than max" in error.message
        if error.status is not RPCStatusCode.INVALID_ARGUMENT:
            return False
        try:
            return not await _absent_attributes(self._client)
        except (RPCError, RuntimeError):
            return False

    async def replan(self, version: PublishedRegistry) -> bool:
        """Start the workflow that tells all cohorts of a registry version."""
        digest, second = version.registry.digest, int(version.published_at.timestamp())
        try:
            await self._client.start_workflow(
                REPLAN_WORKFLOW,
                Telling(digest=digest),
                id=f"dsr-replan-{digest}-{second}",
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                rpc_timeout=_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        except RPCError as error:
            raise Unavailable(f"temporal did not start it ({error.status.name})") from error
        return True

    async def tell_running(self, telling: Telling) -> Told:
        """Signal a page of the running cohorts."""
        request = ListWorkflowExecutionsRequest(
            namespace=self._client.namespace,
            page_size=_PAGE,
            next_page_token=b64decode(telling.page),
            query=f"WorkflowType = '{WORKFLOW}' and ExecutionStatus = 'Running'",
        )
        try:
            listed = await self._client.workflow_service.list_workflow_executions(
                request, timeout=_RPC_TIMEOUT
            )
        except RPCError as error:
            raise Unavailable(f"temporal listed nothing ({error.status.name})") from error
        ids = [one.execution.workflow_id for one in listed.executions]
        told = await asyncio.gather(
            *(self._signal(one, REPLAN_SIGNAL, telling.digest) for one in ids)
        )
        return Told(told=sum(told), next=b64encode(listed.next_page_token).decode())

    async def hint(self, cohort_id: str) -> bool:
        """Tell a cohort's workflow to read again."""
        return await self._signal(workflow_id(cohort_id), ANSWERED_SIGNAL)

    async def phase_confirmed(self, cohort_id: str) -> bool:
        """Tell a cohort's workflow to read how far its phases have come."""
        return await self._signal(workflow_id(cohort_id), PHASE_SIGNAL)

    async def verified(self, cohort_id: str, verified: Verified) -> bool:
        """Tell a cohort's workflow that it is proven who asks."""
        return await self._signal(workflow_id(cohort_id), IDENTITY_SIGNAL, verified)

    async def _signal(self, identity: str, name: str, *arguments: object) -> bool:
        handle = self._client.get_workflow_handle(identity)
        try:
            await handle.signal(name, args=arguments, rpc_timeout=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise Unavailable(f"temporal took no signal ({error.status.name})") from error
        return True


async def ensure_search_attributes(client: Client) -> None:
    """Have the search attributes in the namespace; repeating it changes nothing.

    Where this service may not register any, an operator must have done so; starting a workflow says
    it if not.

    Raises:
        RuntimeError: One of them is there with another type.
    """
    try:
        absent = await _absent_attributes(client)
        if not absent:
            return
        await add_search_attributes(client, absent)
    except RPCError as error:
        if error.status not in {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}:
            raise
        log.warning("search attributes cannot be registered here", reason=error.status.name)
        return
    log.info("search attributes added", count=len(absent))


async def _absent_attributes(client: Client) -> dict[str, int]:
    """Return what the namespace lacks of our search attributes, by name and kind of value.

    Raises:
        RPCError: It does not say what it has.
        RuntimeError: It has one with another type.
    """
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), timeout=_RPC_TIMEOUT
    )
    present = {**listed.system_attributes, **listed.custom_attributes}
    wanted = {key.name: int(key.indexed_value_type) for key in SEARCH_ATTRIBUTES}
    wrong = sorted(name for name in wanted if present.get(name, wanted[name]) != wanted[name])
    if wrong:
        raise RuntimeError(f"search attributes of another type: {', '.join(wrong)}")
    return {name: kind for name, kind in wanted.items() if name not in present}


async def add_search_attributes(client: Client, kinds: Mapping[str, int]) -> None:
    """Register search attributes, by name and kind of value; those that are there already stay."""
    request = AddSearchAttributesRequest(namespace=client.namespace)
    for name, kind in kinds.items():
        request.search_attributes[name] = IndexedValueType.ValueType(kind)
    try:
        await client.operator_service.add_search_attributes(request, timeout=_RPC_TIMEOUT)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise


async def server_of(client: Client) -> str:
    """Return which Temporal answers, and in which namespace we are."""
    info = await client.workflow_service.get_system_info(
        GetSystemInfoRequest(), timeout=_RPC_TIMEOUT
    )
    return f"Temporal {info.server_version}, namespace {client.namespace}"


async def retention(client: Client) -> timedelta:
    """Return for how long Temporal remembers an ended workflow in this namespace."""
    described = await client.workflow_service.describe_namespace(
        DescribeNamespaceRequest(namespace=client.namespace), timeout=_RPC_TIMEOUT
    )
    return described.config.workflow_execution_retention_ttl.ToTimedelta()
