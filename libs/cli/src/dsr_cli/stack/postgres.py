"""PostgreSQL 18, run by its own programs, reached by TCP with a password."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from dsr_cli.stack import probes
from dsr_cli.stack.binaries import postgres_binaries
from dsr_cli.stack.errors import StackError, readable_os_errors
from dsr_cli.stack.process import ProcessSpec, group_of
from dsr_cli.stack.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from dsr_cli.stack.secret_store import SecretStore
    from dsr_cli.stack.settings import StackSettings

NAME = "postgres"
USER = "dsr"
DATABASE = "dsr"
_SECRET = "postgres"  # noqa: S105 - the name of a secret

AS_ROOT = "as root: "
"""What a step begins with that changes this machine outside the data folder; people must see it."""

_SYSTEM_USER = "dsr-postgres"
"""Runs PostgreSQL where we are root, as which it refuses to run."""

_ACCOUNTS = Path("/etc/passwd")


def dsn(settings: StackSettings, secrets: SecretStore, database: str, *, user: str = USER) -> str:
    """Return the address of a database for a user, with its password."""
    password = password_of(secrets, user)
    return f"postgresql://{user}:{password}@{settings.host}:{settings.postgres_port}/{database}"


def password_of(secrets: SecretStore, user: str) -> str:
    """Return a user's password, made at the first call."""
    return secrets.secret(_SECRET if user == USER else f"{_SECRET}-{user}")


def postgres_spec(settings: StackSettings, secrets: SecretStore) -> ProcessSpec:
    """Return how PostgreSQL runs here; its data survives a restart and a crash."""
    binaries = postgres_binaries()
    folder = settings.folder(NAME)
    data = folder / "data"
    user = _SYSTEM_USER if os.geteuid() == 0 else None

    def prepare(note: Callable[[str], None]) -> None:
        with readable_os_errors("make PostgreSQL's data folder"):
            folder.mkdir(parents=True, exist_ok=True)
            if user is not None:
                announced = _as_root(folder, binaries)
                if announced:
                    note(announced)
                _ensure_system_user()
                _let_reach(folder, binaries)
                shutil.chown(folder, user, group_of(user))
            if not data.exists():
                note("making the database")
                _make_cluster(binaries, data, secrets.secret(_SECRET), user)
            # Written by the account that PostgreSQL runs as, through the folder it owns.
            (data / "postgresql.conf").write_text(_configuration(settings), encoding="utf-8")

    return ProcessSpec(
        name=NAME,
        argv=(str(binaries / "postgres"), "-D", str(data)),
        cwd=Path("/"),
        ports=(settings.postgres_port,),
        address=f"{settings.host}:{settings.postgres_port}",
        prepare=prepare,
        ready=lambda: probes.postgres_answers(dsn(settings, secrets, DATABASE)),
        # SIGINT ends sessions in good order; SIGTERM would wait for clients to leave.
        stop_signal=signal.SIGINT,
        # SIGKILL would leave its shared memory behind.
        death_signal=signal.SIGQUIT,
        user=user,
    )


def _configuration(settings: StackSettings) -> str:
    values = {
        "listen_addresses": f"'{settings.host}'",
        "port": settings.postgres_port,
        "unix_socket_directories": "''",
        "max_connections": 300,
        "shared_buffers": "128MB",
        "fsync": "on",
        "synchronous_commit": "on",
        "password_encryption": "scram-sha-256",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
    }
    return "".join(f"{key} = {value}\n" for key, value in values.items())


def _make_cluster(binaries: Path, data: Path, password: str, user: str | None) -> None:
    """Make the data folder with its user and database; it appears complete or not at all."""
    half_made = data.with_name("half-made")
    shutil.rmtree(half_made, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=data.parent) as folder:
        password_file = Path(folder) / "password"
        password_file.write_text(password, encoding="utf-8")
        if user is not None:
            shutil.chown(folder, user, group_of(user))
            shutil.chown(password_file, user, group_of(user))
        run_tool(
            [
                str(binaries / "initdb"),
                *("--pgdata", str(half_made)),
                *("--username", USER),
                *("--pwfile", str(password_file)),
                *("--auth", "scram-sha-256"),
                *("--encoding", "UTF8"),
                *("--locale-provider", "builtin"),
                *("--builtin-locale", "C.UTF-8"),
                *("--locale", "C"),
                # Nothing of value is in it yet; a power cut in its first seconds needs a reset.
                "--no-sync",
            ],
            cwd=Path("/"),
            user=user,
        )
    # Single-user mode needs no server and no port.
    single = [str(binaries / "postgres"), "--single", "-D", str(half_made), "postgres"]
    run_tool(single, text=f"CREATE DATABASE {DATABASE}\n", cwd=Path("/"), user=user)
    half_made.rename(data)


def _as_root(*folders: Path) -> str:
    """Say what is about to be changed on this machine since we are root; empty where nothing is."""
    changes = [] if _has_account() else [f"creating the system user {_SYSTEM_USER}"]
    closed = _closed_parents(*folders)
    if closed:
        changes.append(f"letting other accounts pass (o+x) {', '.join(map(str, closed))}")
    return f"{AS_ROOT}{'; '.join(changes)}" if changes else ""


def _ensure_system_user() -> None:
    """Have an account without a login for PostgreSQL."""
    # Stacks that start at once take turns: two of useradd may each write the accounts without the other's.
    with _ACCOUNTS.open("rb") as accounts:
        fcntl.flock(accounts, fcntl.LOCK_EX)
        if not _has_account():
            _make_account()


def _make_account() -> None:
    why = "PostgreSQL does not run as root, and no account could be made for it"
    useradd = shutil.which("useradd")
    if useradd is None:
        raise StackError(f"{why} (there is no useradd); run this as an ordinary user")
    command = [useradd, "--system", "--user-group", "--no-create-home"]
    command += ["--shell", "/usr/sbin/nologin", _SYSTEM_USER]
    try:
        run_tool(command)
    except StackError as error:
        if not _has_account():
            message = f"{why} ({error}); run this as an ordinary user"
            raise StackError(message) from error


def _has_account() -> bool:
    """Tell whether the account is there; another stack may just have made it."""
    return any(entry.pw_name == _SYSTEM_USER for entry in pwd.getpwall())


def _let_reach(*folders: Path) -> None:
    """Let other accounts pass through, not look into, the folders above these.

    Only done as root, for the account that PostgreSQL runs as.
    """
    for parent in _closed_parents(*folders):
        parent.chmod(parent.stat().st_mode | stat.S_IXOTH)


def _closed_parents(*folders: Path) -> list[Path]:
    """Return the folders above these that other accounts cannot pass through."""
    parents = dict.fromkeys(parent for folder in folders for parent in folder.resolve().parents)
    return [parent for parent in parents if not parent.stat().st_mode & stat.S_IXOTH]
