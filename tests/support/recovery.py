"""PostgreSQL as an operator keeps it: a base backup, the archived log, and going back to a point of it."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import asyncpg

from dsr_cli.stack import Stack
from dsr_cli.stack.binaries import postgres_binaries
from dsr_cli.stack.postgres import NAME
from dsr_cli.stack.process import group_of
from dsr_cli.stack.tools import run_tool
from support.waiting import eventually

__all__ = ["Backups"]


class Backups:
    """The backups of a stack's PostgreSQL; whoever uses it connects anew when it was away."""

    def __init__(self, stack: Stack) -> None:
        """Give the stack; nothing is backed up yet."""
        self._stack = stack
        folder = stack.settings.folder(NAME)
        self._data, self._base = folder / "data", folder / "base"
        self._archive, self._lost = folder / "archive", folder / "lost"
        self._user = self._data.owner()

    async def begin(self) -> None:
        """Have the log archived from now on."""
        self._archive.mkdir()
        self._give(self._archive)
        kept = f"{self._archive}/%f"
        await self._asked("alter system set archive_mode = on")
        await self._asked(f"alter system set archive_command = 'test ! -f {kept} && cp %p {kept}'")
        await asyncio.to_thread(self._stack.stop, NAME)
        await asyncio.to_thread(self._stack.start, NAME)

    async def take(self) -> None:
        """Take a base backup of the running server, without its log, which is in the archive."""
        command = [str(postgres_binaries() / "pg_basebackup")]
        command += ["--dbname", self._stack.postgres_dsn("postgres")]
        command += ["--pgdata", str(self._base), "--checkpoint", "fast", "--wal-method", "none"]
        user = self._user if os.geteuid() == 0 else None
        await asyncio.to_thread(run_tool, command, cwd=Path("/"), user=user)

    async def mark(self, name: str) -> None:
        """Name this moment in the log, and wait until it is in the archive."""
        await self._asked(f"select pg_create_restore_point('{name}')")
        segment = await self._asked("select pg_walfile_name(pg_switch_wal())")
        kept = self._archive / str(segment)
        await eventually(kept.exists, within=60, what="the log is archived")

    async def go_back_to(self, name: str) -> None:
        """Put the server back to the moment of that name: the base backup, and the log up to it."""
        await asyncio.to_thread(self._stack.stop, NAME)
        self._data.rename(self._lost)
        self._base.rename(self._data)
        with (self._data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"restore_command = 'cp {self._archive}/%f %p'\n")
            settings.write(f"recovery_target_name = '{name}'\n")
            settings.write("recovery_target_action = 'promote'\n")
        signal = self._data / "recovery.signal"
        signal.touch()
        self._give(signal)
        await asyncio.to_thread(self._stack.start, NAME)
        await eventually(self._is_back, within=60, what="the server has gone back")

    async def _is_back(self) -> bool:
        return not await self._asked("select pg_is_in_recovery()")

    async def _asked(self, statement: str) -> object:
        connection = await asyncpg.connect(self._stack.postgres_dsn("postgres"))
        try:
            found: object = await connection.fetchval(statement)
            return found
        finally:
            await connection.close()

    def _give(self, path: Path) -> None:
        shutil.chown(path, self._user, group_of(self._user))
