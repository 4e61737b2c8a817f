"""Changed registries, and their publication on a running loop."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from support.command import dsr
from support.loop import Loop
from support.parts import ROOT

__all__ = ["files", "publish"]


def files(folder: Path, **changed: tuple[str, str]) -> Path:
    """Copy the example registry, with a text replaced in some of its files."""
    shutil.copytree(ROOT / "registry", folder)
    for name, (pattern, replacement) in changed.items():
        path = folder / f"{name.replace('_', '-')}.yaml"
        text, count = re.subn(pattern, replacement, path.read_text(), flags=re.DOTALL)
        assert count == 1, (name, pattern)
        path.write_text(text)
    return folder


async def publish(loop: Loop, folder: Path) -> None:
    """Publish a registry, as an operator does."""
    publishing = ("registry", "publish", str(folder), "--reason", "a test", "--apply")
    said = await dsr(loop.stack.settings, *publishing)
    assert said.code == 0, said.err
