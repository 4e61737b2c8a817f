"""How every process of a stack is, asked now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from dsr_cli.stack.events import PartStatus, RunningState
from dsr_cli.stack.supervisor import Supervisor, memory_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsr_cli.stack.process import ProcessSpec
    from dsr_cli.stack.records import Records


def status_of(
    specs: Mapping[str, ProcessSpec], *, records: Records, supervisor: Supervisor
) -> list[PartStatus]:
    """Tell how each process is: those of these specs, and any others that have a pid file."""
    names = [*specs, *(record.name for record in records if record.name not in specs)]
    one = partial(_one, specs=specs, records=records, supervisor=supervisor)
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return list(pool.map(one, names))


def _one(
    name: str, *, specs: Mapping[str, ProcessSpec], records: Records, supervisor: Supervisor
) -> PartStatus:
    spec, record = specs.get(name), records.read(name)
    address = spec.address if spec else record.address if record else ""
    log = str(supervisor.log(name))
    pid = supervisor.pid(name)
    if pid is None:
        return PartStatus(name=name, state="stopped", address=address, log=log)
    return PartStatus(
        name=name,
        state=_state(spec),
        pid=pid,
        address=address,
        memory_bytes=memory_bytes(pid),
        log=log,
    )


def _state(spec: ProcessSpec | None) -> RunningState:
    """Ask a running process whether it is ready, where it is known how to ask it."""
    if spec is None:
        return "running"
    return "ready" if spec.ready() else "starting"
