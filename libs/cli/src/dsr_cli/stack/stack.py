"""The local stack: Kafka, Temporal, PostgreSQL and what is added to them."""

from __future__ import annotations

import signal
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Self

from dsr_cli.stack import folder, kafka, postgres, temporal
from dsr_cli.stack.errors import StackError
from dsr_cli.stack.events import EventKind, PartStatus, StackEvent, ignore_event
from dsr_cli.stack.lock import StackLock
from dsr_cli.stack.records import Records
from dsr_cli.stack.secret_store import Credentials, SecretStore
from dsr_cli.stack.status import status_of
from dsr_cli.stack.supervisor import Supervisor
from dsr_cli.stack.waves import together, waves

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from dsr_cli.stack.process import ProcessSpec
    from dsr_cli.stack.settings import StackSettings


class Stack:
    """One stack on one data folder.

    Attached, it is this process's own: it ends with it, even by SIGKILL. Detached, it stays,
    and another process takes it over by the same settings. Data survives both.
    """

    def __init__(self, settings: StackSettings, *, attached: bool) -> None:
        self.settings = settings
        self.secrets = SecretStore(settings.secrets_dir)
        self._attached = attached
        self._records = Records(settings.run_dir)
        self._lock = StackLock(settings.run_dir / "lock")
        self._supervisor = Supervisor(
            records=self._records,
            logs_dir=settings.logs_dir,
            host=settings.host,
            attached=attached,
        )
        self._specs: dict[str, ProcessSpec] = {}
        self._is_up = False
        self._cancelled = threading.Event()
        self._speaking = threading.Lock()
        self._on_event: Callable[[StackEvent], None] = ignore_event
        for spec in (
            kafka.kafka_spec(settings, self.secrets),
            temporal.temporal_spec(settings),
            postgres.postgres_spec(settings, self.secrets),
        ):
            self.add(spec)

    def __enter__(self) -> Self:
        """Start everything that has been added."""
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything, whatever happened."""
        self.down()

    @property
    def kafka_bootstrap(self) -> str:
        """What Kafka's clients connect to."""
        return self.settings.kafka_bootstrap

    @property
    def kafka_ca_file(self) -> Path:
        """The authority to trust for Kafka's certificate, in PEM; there once Kafka has been up."""
        return self.settings.certificates.ca_file

    @property
    def kafka_admin_credentials(self) -> Credentials:
        """The super user: may do everything, so no service has it."""
        return Credentials(username=kafka.ADMIN, password=self.secrets.secret(kafka.ADMIN_SECRET))

    @property
    def temporal_address(self) -> str:
        """What Temporal's clients connect to."""
        return self.settings.temporal_address

    @property
    def temporal_ui_url(self) -> str:
        """Temporal's web UI."""
        return self.settings.temporal_ui_url

    def postgres_dsn(self, database: str = postgres.DATABASE, *, user: str = postgres.USER) -> str:
        """Return a `postgresql://` address of a database for a user, with its password."""
        return postgres.dsn(self.settings, self.secrets, database, user=user)

    def postgres_password(self, user: str) -> str:
        """Return a user's password, made at the first call."""
        return postgres.password_of(self.secrets, user)

    @property
    def is_claimed(self) -> bool:
        """Whether this object has the data folder: an attached stack, from its first `up` to `down`."""
        return self._lock.is_held

    @property
    def names(self) -> list[str]:
        """Every process of this stack, in the order of starting."""
        return list(self._specs)

    def add(self, spec: ProcessSpec) -> None:
        """Make a process part of the stack; the next `up` starts it.

        Raises:
            ValueError: There is one of that name, or it waits for one that is not there.
        """
        if spec.name in self._specs:
            message = f"{spec.name} is already part of the stack"
            raise ValueError(message)
        missing = [name for name in spec.after if name not in self._specs]
        if missing:
            message = f"{spec.name} starts after {', '.join(missing)}: unknown"
            raise ValueError(message)
        self._specs[spec.name] = spec

    def up(self, on_event: Callable[[StackEvent], None] | None = None) -> None:
        """Start what is not running and return once everything is ready.

        May be repeated after `add`: what runs stays as it is. If anything fails, everything
        is stopped again.

        Raises:
            StackError: Why it could not be started, and what to do.
        """
        self._on_event = on_event or ignore_event
        if not self._is_up:
            self._claim()
        complete = False
        try:
            for wave, specs in enumerate(waves(self._specs.values())):
                together(
                    [partial(self._start, spec, wave) for spec in specs], cancelled=self._cancelled
                )
            complete = self._is_up = True
        finally:
            if not complete:
                self._cancelled.set()
                self._stop_all()
                self._lock.release()
            elif not self._attached:
                self._lock.release()

    def _claim(self) -> None:
        """Take the data folder, or raise while nothing has been changed."""
        self._cancelled.clear()
        settings = self.settings
        folder.make_ready(settings.data_dir, logs_dir=settings.logs_dir, run_dir=settings.run_dir)
        self._lock.acquire(advice=f"stop it, or start beside it: {self._elsewhere}")
        try:
            self._refuse_if_running()
            self._check_ports()
        except StackError:
            self._lock.release()
            raise

    def _refuse_if_running(self) -> None:
        running = self._records.running()
        if running:
            pids = ", ".join(f"{record.name} {record.pid}" for record in running)
            message = (
                f"a stack is already running on {self.settings.data_dir} (pids: {pids}); "
                f"`dsr stack down` stops it, or start beside it: {self._elsewhere}"
            )
            raise StackError(message)

    def _check_ports(self) -> None:
        for spec in self._specs.values():
            try:
                self._supervisor.check_ports(spec)
            except StackError as error:
                message = f"{error}; free it, or move the whole stack: {self._elsewhere}"
                raise StackError(message) from None

    @property
    def _elsewhere(self) -> str:
        return f"DSR_PORT_BASE={self.settings.next_port_base} make ..."

    def start(self, name: str) -> None:
        """Start one process, and return once it is ready; if it runs already, change nothing.

        Raises:
            StackError: It could not be started.
        """
        spec = self._spec(name)
        self._cancelled.clear()
        in_order = enumerate(waves(self._specs.values()))
        self._start(spec, next(wave for wave, specs in in_order if spec in specs))

    def _start(self, spec: ProcessSpec, wave: int) -> None:
        if self._supervisor.is_running(spec.name):
            return
        began = time.monotonic()

        def note(detail: str) -> None:
            kind: EventKind = "starting" if detail == "" else "preparing"
            self._tell(kind, spec.name, detail, time.monotonic() - began)

        try:
            self._supervisor.start(spec, wave=wave, note=note, cancelled=self._cancelled)
        except StackError:
            self._tell("failed", spec.name, seconds=time.monotonic() - began)
            raise
        if not self._cancelled.is_set():
            self._tell("ready", spec.name, spec.address, time.monotonic() - began)

    def stop(self, name: str) -> None:
        """Stop one process, gently first; if it does not run, change nothing."""
        self._tell("stopping", name)
        self._supervisor.stop(name)
        self._tell("stopped", name)

    def restart(self, name: str) -> None:
        """Stop one process and start it again."""
        self.stop(name)
        self.start(name)

    def kill(self, name: str, sig: signal.Signals = signal.SIGKILL) -> None:
        """Send one process a signal; after SIGKILL it and its descendants are gone on return.

        SIGKILL, SIGSTOP and SIGCONT reach its descendants as well.

        Raises:
            StackError: It is not running.
        """
        self._supervisor.kill(name, sig)

    def pid(self, name: str) -> int | None:
        """Return the pid of a process, nothing if it is not running."""
        return self._supervisor.pid(name)

    def is_running(self, name: str) -> bool:
        """Tell whether a process runs, ready or not."""
        return self._supervisor.is_running(name)

    def down(self, on_event: Callable[[StackEvent], None] | None = None) -> None:
        """Stop everything, in the reverse order of starting; repeating it changes nothing.

        Data stays. A detached stack is stopped whole, also what another process added to it.

        Raises:
            StackError: The stack belongs to another process.
        """
        self._on_event = on_event or self._on_event
        self._cancelled.set()
        if not self.settings.run_dir.is_dir():
            return
        self._lock.acquire(advice="that process stops it when it ends")
        try:
            self._stop_all()
        finally:
            self._is_up = False
            self._lock.release()

    def _stop_all(self) -> None:
        records = list(self._records)
        for wave in sorted({record.wave for record in records}, reverse=True):
            names = [record.name for record in records if record.wave == wave]
            together([partial(self.stop, name) for name in names], cancelled=self._cancelled)

    def reset(self, on_event: Callable[[StackEvent], None] | None = None) -> None:
        """Stop everything and remove its data, its logs and its secrets.

        Raises:
            StackError: The stack belongs to another process, or the folder is not a stack's.
        """
        settings = self.settings
        if not settings.data_dir.exists():
            return
        if folder.is_ours(settings.data_dir):
            self.down(on_event)
            settings.run_dir.mkdir(exist_ok=True)
            self._lock.acquire(advice="that process stops it when it ends")
        try:
            folder.empty(settings.data_dir, keep=settings.run_dir)
        finally:
            self._lock.release()

    def status(self) -> list[PartStatus]:
        """Tell how every process is: those of this stack, and those added by another process."""
        return status_of(self._specs, records=self._records, supervisor=self._supervisor)

    def _spec(self, name: str) -> ProcessSpec:
        if name not in self._specs:
            message = f"no process {name!r} in the stack; there are {', '.join(self._specs)}"
            raise StackError(message)
        return self._specs[name]

    def _tell(self, kind: EventKind, name: str, detail: str = "", seconds: float = 0.0) -> None:
        with self._speaking:
            self._on_event(StackEvent(kind=kind, name=name, detail=detail, seconds=seconds))
