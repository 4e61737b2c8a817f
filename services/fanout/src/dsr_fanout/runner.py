"""The workflow's sandbox, and what is kept out of it for speed.

The SDK asks a workflow in which context each payload is converted, three times a payload, and the
sandbox answers by running code in itself: a quarter of what a cohort cost this process. Only codecs
and external storage care for a context. Fanout has neither, so the answer is the same outside.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from py_compile import compile as write_bytecode
from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info

import dsr_fanout
from dsr_fanout import workflows
from dsr_fanout.workflows import cohort, replan

__all__ = ["CohortRunner"]

_NO_STORE = StorageDriverStoreContext(target=None)

_PASSED_THROUGH = ("dsr_fanout.course", "dsr_fanout.orders")
"""They keep no state, and read no clock but the workflow's."""

_LOADED_AGAIN = (dsr_fanout, workflows, cohort, replan)
"""The modules that the sandbox loads for each workflow."""


class CohortRunner(WorkflowRunner):
    """Runs workflows in the SDK's sandbox; `_PASSED_THROUGH` is not loaded anew for each of them."""

    def __init__(self) -> None:
        restrictions = SandboxRestrictions.default.with_passthrough_modules(*_PASSED_THROUGH)
        self._sandboxed = SandboxedWorkflowRunner(restrictions=restrictions)

    def prepare_workflow(self, defn: Any) -> None:
        """Check that the workflow can be loaded in the sandbox, and have its bytecode at hand.

        Where Python writes none by itself (PYTHONDONTWRITEBYTECODE, as images often set it), the
        sandbox would compile the source again for every workflow.
        """
        for module in _LOADED_AGAIN:
            with suppress(OSError):  # a read-only installation brings its bytecode, or is slower
                write_bytecode(str(Path(module.__file__ or "")), doraise=False, quiet=2)
        self._sandboxed.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Load the workflow for one run of it."""
        return _Instance(self._sandboxed.create_instance(det))


class _Instance(WorkflowInstance):
    """A workflow in its sandbox, whose payloads have no context."""

    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._sandboxed.activate(act)

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()

    def get_serialization_context(self, command_info: object) -> None:  # noqa: ARG002 - the SDK's signature
        return None

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:  # noqa: ARG002 - as above
        return _NO_STORE
