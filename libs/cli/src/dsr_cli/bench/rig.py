"""The stack of a benchmark: its own, from nothing, and gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
from temporalio.service import RPCError

from dsr_cli.bench.meter import Meter
from dsr_cli.bench.registry import synthetic_registry
from dsr_cli.bench.submitting import Client
from dsr_cli.errors import CommandError
from dsr_cli.group.principals import officer
from dsr_cli.group.provision import create_databases, provision
from dsr_cli.stack import ProcessSpec, Stack, StackEvent, StackSettings, probes
from dsr_cli.stack.kafka import SECURITY_PROTOCOL
from dsr_cli.stack.specs import INTAKE, service_specs
from dsr_core.registry import Registry
from dsr_core.rights import Right
from dsr_runtime.kafka import KafkaConnection

__all__ = ["DATABASE", "PARTS", "Rig", "running_rig"]

DATABASE = "bench"
"""The systems' database, apart from the services'."""

PARTS = ("kafka", "temporal", "postgres")

_LIMITS = {"calls_per_s": 1_000_000, "calls_at_once": 100_000}

_FURTHER_PORTS = 60
"""How far from a service's port that of its second process is; of the third, four further."""

_FAULTS = (
    OSError,
    EOFError,
    RuntimeError,  # Kafka's clients raise these
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    RPCError,
)
"""What goes wrong when a part of the stack goes away."""

Listen = Callable[[StackEvent], None]


@dataclass(frozen=True, slots=True)
class Rig:
    """Running parts with the benchmark's registry, and what is added to them."""

    stack: Stack
    registry: Registry
    listen: Listen

    @property
    def systems(self) -> int:
        """How many systems there are."""
        return len(self.registry.systems)

    @property
    def kafka(self) -> KafkaConnection:
        """Kafka, as the administrator reaches it."""
        credentials = self.stack.kafka_admin_credentials
        return KafkaConnection(
            bootstrap=self.stack.kafka_bootstrap,
            security_protocol=SECURITY_PROTOCOL,
            username=credentials.username,
            password=credentials.password,
            ca_file=self.stack.kafka_ca_file,
        )

    @property
    def database(self) -> str:
        """The address of the systems' database."""
        return self.stack.postgres_dsn(DATABASE)

    def services(self, *, workers: int = 1) -> list[ProcessSpec]:
        """Return the three services; nothing that a bench erases is more than is usual.

        Args:
            workers: In how many processes each of fanout and the verifier runs. They share Kafka's
                partitions and Temporal's tasks; intake's callers know one address, so there is one.
        """
        no_stop = {"DSR_BREAKER_FLOOR": "1000000000"}
        specs = [replace(one, env={**one.env, **no_stop}) for one in service_specs(self.stack)]
        further = [
            _further(one, number, self.stack.settings.host)
            for one in specs
            if one.name != INTAKE
            for number in range(2, workers + 1)
        ]
        return [*specs, *further]

    def start(self, specs: Iterable[ProcessSpec]) -> list[str]:
        """Start processes, those that were stopped before as well; return their names once all are ready."""
        names = []
        for spec in specs:
            if spec.name not in self.stack.names:
                self.stack.add(spec)
            names.append(spec.name)
        self.stack.up(self.listen)
        return names

    def stop(self, names: Iterable[str]) -> None:
        """Stop processes, the last first."""
        for name in reversed(list(names)):
            self.stack.stop(name)

    def check(self, names: Iterable[str]) -> None:
        """Return if the parts and these processes run.

        Raises:
            CommandError: One does not.
        """
        for name in (*names, *PARTS):
            if not self.stack.is_running(name):
                raise CommandError(f"{name} has ended")

    def pids(self, names: Iterable[str]) -> dict[str, int]:
        """Return the process of each name.

        Raises:
            CommandError: One does not run.
        """
        found = {}
        for name in names:
            pid = self.stack.pid(name)
            if pid is None:
                raise CommandError(f"{name} has ended")
            found[name] = pid
        return found

    def meter(self, names: Iterable[str]) -> Meter:
        """Return what counts the cost of the parts and these processes.

        Raises:
            CommandError: One does not run.
        """
        return Meter(self.pids((*names, *PARTS)))

    def api_client(self, name: str = "benchmark") -> Client:
        """Create an API client of intake, which must be running; it may call as fast as it can."""
        body = {"name": name, "limits": _LIMITS, "reason": "a measurement"}
        created = officer(self.stack).create_client(body)
        return Client(self.stack.settings.intake_url, str(created["api_key"]))


@contextmanager
def running_rig(
    systems: int,
    *,
    keep: bool,
    listen: Listen,
    rights: Sequence[Right] = (Right.DELETION,),
    partitions: int | None = None,
) -> Iterator[Rig]:
    """Run the parts for so many systems; they end with this, whatever happens.

    Args:
        systems: How many systems the registry has.
        keep: Leave data and logs; after a fault they stay in any case.
        listen: Told what starts and stops.
        rights: What the systems are asked for.
        partitions: Of the topics that several processes share; as their table says if not given.

    Raises:
        CommandError: Something of the stack failed; says what.
    """
    settings = _settings()
    Stack(settings, attached=True).reset()
    stack = Stack(settings, attached=True)
    registry = synthetic_registry(systems, *rights)
    try:
        try:
            stack.up(listen)
            provision(stack, registry, partitions=partitions)
            create_databases(stack, [DATABASE])
            yield Rig(stack, registry, listen)
        finally:
            stack.down()
    except CommandError as error:
        raise CommandError(f"{error} (logs: {_relative(settings.logs_dir)})") from error
    except _FAULTS as error:
        raise CommandError(
            f"{type(error).__name__}: {error} (logs: {_relative(settings.logs_dir)})"
        ) from error
    if not keep:
        stack.reset()


def _further(spec: ProcessSpec, number: int, host: str) -> ProcessSpec:
    """Return another process of a service, on ports of its own."""
    moved = _FURTHER_PORTS + 4 * (number - 2)
    [port] = (one + moved for one in spec.ports)
    ports = {
        name: str(int(spec.env[name]) + moved)
        for name in ("DSR_HTTP_PORT", "DSR_TEMPORAL_METRICS_PORT")
        if name in spec.env
    }
    return replace(
        spec,
        name=f"{spec.name}-{number}",
        env={**spec.env, **ports},
        ports=(port,),
        address=f"http://{host}:{port}",
        ready=lambda: probes.http_ok(f"http://{host}:{port}/readyz"),
    )


def _settings() -> StackSettings:
    standard = StackSettings.from_environment()
    folder = standard.checkout / ".dsr" / f"bench-{standard.port_base}"
    return replace(standard, data_dir=folder)


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
