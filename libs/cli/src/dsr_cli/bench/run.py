"""A whole benchmark: the stack up, what is measured, the lean loop beside it, the stack gone."""

from __future__ import annotations

from dataclasses import replace

import uvloop

from dsr_cli.bench.intake import IntakeReport, measure_intake
from dsr_cli.bench.loop import Plan, measure_loop
from dsr_cli.bench.machine import machine
from dsr_cli.bench.memory import Memory
from dsr_cli.bench.overload import OverloadReport, measure_overload
from dsr_cli.bench.packages import PackageReport, measure_package
from dsr_cli.bench.progress import Bars
from dsr_cli.bench.report import Report, beside
from dsr_cli.bench.rig import running_rig
from dsr_cli.bench.turns import measure_in_turn
from dsr_cli.bench.waiting_workflows import WaitingReport, measure_waiting
from dsr_cli.bench.warming import warm_kafka
from dsr_cli.errors import CommandError
from dsr_core.rights import Right

__all__ = ["run_intake", "run_loop", "run_overload", "run_package", "run_waiting"]


def run_loop(
    *,
    systems: int,
    requests: int,
    batch: int | None,
    concurrency: int,
    rate: float | None,
    with_lean: bool,
    keep: bool,
    workers: int = 1,
    partitions: int | None = None,
    right: Right = Right.DELETION,
) -> Report:
    """Measure the loop with deletions, in turn with the lean one on the same stack if that is wanted.

    With the right of access that is measured instead of the lean loop: second, on the same stack.

    Raises:
        CommandError: A request was lost, the stack failed, or the right is not measured.
    """
    if right not in {Right.DELETION, Right.ACCESS}:
        raise CommandError("deletion and access are measured, and no other right")
    bars = Bars()
    plan = Plan(
        requests=requests,
        batch=batch,
        concurrency=concurrency,
        rate=rate,
        workers=workers,
        partitions=partitions,
        machine=machine(),
    )
    rights = sorted({Right.DELETION, right})
    with running_rig(
        systems, keep=keep, listen=bars.listen, rights=rights, partitions=partitions
    ) as rig:
        bars.say("warming Kafka up")
        uvloop.run(warm_kafka(rig))
        if with_lean and right is Right.DELETION:
            return measure_in_turn(rig, plan, bars)
        report = measure_loop(rig, plan, bars)
        if right is Right.ACCESS:
            return beside(report, measure_loop(rig, replace(plan, right=right), bars))
        return report


def run_intake(*, requests: int, concurrency: int, batch: int, keep: bool) -> IntakeReport:
    """Measure intake alone.

    Raises:
        CommandError: A request was refused, or the stack failed.
    """
    bars = Bars()
    with running_rig(5, keep=keep, listen=bars.listen) as rig:
        bars.say("warming Kafka up")
        uvloop.run(warm_kafka(rig))
        return measure_intake(
            rig,
            requests=requests,
            concurrency=concurrency,
            batch=batch,
            machine=machine(),
            bars=bars,
        )


def run_overload(
    *, systems: int, times: float, seconds: float, keep: bool
) -> tuple[OverloadReport, Memory]:
    """Measure what more than the loop can sustain does to it.

    Raises:
        CommandError: A request was lost, a service held too much, or the stack failed.
    """
    bars = Bars()
    with running_rig(systems, keep=keep, listen=bars.listen) as rig:
        bars.say("warming Kafka up")
        uvloop.run(warm_kafka(rig))
        return measure_overload(rig, times=times, seconds=seconds, machine=machine(), bars=bars)


def run_package(
    *, systems: int, size: int, rows: int, first_rows: int, keep: bool
) -> tuple[PackageReport, Memory]:
    """Measure one large package, from the systems to the download.

    Raises:
        CommandError: It was not made, or a process held too much.
    """
    bars = Bars()
    with running_rig(systems, keep=keep, listen=bars.listen, rights=[Right.ACCESS]) as rig:
        return measure_package(
            rig, size=size, rows=rows, first_rows=first_rows, machine=machine(), bars=bars
        )


def run_waiting(*, systems: int, requests: int, cached_workflows: int, keep: bool) -> WaitingReport:
    """Measure what open requests cost, and a restart among them.

    Raises:
        CommandError: A request was lost, or the stack failed.
    """
    bars = Bars()
    with running_rig(systems, keep=keep, listen=bars.listen) as rig:
        bars.say("warming Kafka up")
        uvloop.run(warm_kafka(rig))
        return measure_waiting(
            rig,
            requests=requests,
            cached_workflows=cached_workflows,
            machine=machine(),
            bars=bars,
        )
