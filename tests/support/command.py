"""The command `dsr` from the outside: a process of its own, as a person types it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsr_cli.stack import StackSettings
from support.parts import ROOT

__all__ = ["Said", "dsr", "environment"]

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document, of a command that went well."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def fault(self) -> str:
        """The one line that says what is wrong, of a command that could not go on."""
        assert self.code == 1, (self.code, self.out, self.err)
        [line] = self.err.splitlines()
        return line


def environment(settings: StackSettings, **changes: str) -> dict[str, str]:
    """Return the environment in which `dsr` finds a stack, and nothing else of ours."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("DSR_")}
    place = {"DSR_PORT_BASE": str(settings.port_base), "DSR_DATA_DIR": str(settings.data_dir)}
    return {**kept, **place, "COLUMNS": "200", **changes}


async def dsr(
    settings: StackSettings,
    *arguments: str,
    cwd: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
) -> Said:
    """Run the command to its end; `before` is a program that starts it in its own way."""
    process = await asyncio.create_subprocess_exec(
        *before,
        sys.executable,
        "-c",
        "from dsr_cli.main import main; main()",
        *arguments,
        cwd=cwd,
        env=environment(settings, **(variables or {})),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), _TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return Said(process.returncode or 0, out.decode(), err.decode())
