"""One process: what it is, and how it is born."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dsr_cli.stack.errors import StackError, readable_os_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LARGEST_LOG = 20_000_000


def _nothing_to_prepare(note: Callable[[str], None]) -> None:
    del note


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """A process that a stack starts, watches and stops."""

    name: str
    """Also the name of its pid file, log file and data folder."""

    argv: tuple[str, ...]
    ready: Callable[[], bool]
    """Asked until true, from a thread of its own; false means not yet."""

    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the environment of the process that starts it."""

    cwd: Path | None = None
    ports: tuple[int, ...] = ()
    """What it listens on; each must be free before it starts."""

    address: str = ""
    """Where it serves, for people: an address or a URL."""

    prepare: Callable[[Callable[[str], None]], None] = _nothing_to_prepare
    """Called before each start, with a listener for progress; must be safe to repeat."""

    finish: Callable[[int, Callable[[str], None]], None] | None = None
    """Called with the pid once it is ready, before it counts as started."""

    after: tuple[str, ...] = ()
    """Names of those that must be ready before this one starts."""

    ready_timeout: float = 90.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 15.0
    """Seconds between the stop signal and SIGKILL."""

    death_signal: signal.Signals = signal.SIGKILL
    """What it gets when an attached stack's process is gone."""

    user: str | None = None
    """Run as this user; for programs that refuse to run as root."""


def spawn(spec: ProcessSpec, log: Path, *, bound_to_parent: bool) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, writing to a log file.

    Args:
        spec: What to start; it has been prepared.
        log: Written at its end; put aside when it has grown large.
        bound_to_parent: Whether the kernel signals it when the *thread* that called this ends,
            even by SIGKILL. Call from a thread that lives as long as the process should.

    Raises:
        StackError: The program or the log file cannot be opened.
    """
    with readable_os_errors(f"write the log of {spec.name}"):
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        file = log.open("ab")
    bind = _binder(spec.death_signal) if bound_to_parent and sys.platform == "linux" else None
    with file:
        try:
            return subprocess.Popen(  # noqa: S603 - the specs are our own
                spec.argv,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=spec.cwd,
                env={**os.environ, **spec.env},
                start_new_session=True,
                user=spec.user,
                group=group_of(spec.user),
                extra_groups=None if spec.user is None else [],
                preexec_fn=bind,  # noqa: PLW1509 - two system calls, nothing that takes a lock
            )
        except OSError as error:
            message = f"cannot start {spec.name}: {spec.argv[0]}: {error.strerror}"
            raise StackError(message) from error


def group_of(user: str | None) -> int | None:
    """Return the primary group of a user; nothing for staying as we are."""
    return None if user is None else pwd.getpwnam(user).pw_gid


def _binder(death_signal: signal.Signals) -> Callable[[], None]:
    """Return what a child calls between fork and exec to die with its parent."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def bind() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            # The parent ended before the kernel was told: nobody will signal us any more.
            os._exit(1)

    return bind
