"""A disk that is small or full, for one command: only it and what it starts see that disk.

The rest of the machine keeps the folder as it is, and nothing is left behind. Run as a program, it
mounts the disk and becomes the command, which works as root and, where the system lets anyone have
namespaces of their own, as anyone else.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["fill", "on_small_disk"]

_NEW_MOUNTS = 0x00020000
_NEW_USERS = 0x10000000
_PRIVATE_AND_BELOW = (1 << 18) | (1 << 14)
_PIECE = b"\0" * 4096


def on_small_disk(folder: Path, *, kilobytes: int, full: bool = False) -> list[str]:
    """Return what to put before a command so that it finds this folder to be a disk of that size."""
    return [sys.executable, __file__, str(folder), str(kilobytes), "full" if full else "empty"]


def fill(folder: Path) -> None:
    """Leave no room on the folder's disk."""
    with (folder / "filling").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(_PIECE)
        except OSError:
            return


def _mount(folder: str, kilobytes: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    _try(libc.unshare(_NEW_MOUNTS if user == 0 else _NEW_MOUNTS | _NEW_USERS), "unshare")
    if user != 0:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    _try(libc.mount(b"none", b"/", None, _PRIVATE_AND_BELOW, None), "mount /")
    options = f"size={kilobytes}k,mode=777".encode()
    _try(libc.mount(b"none", folder.encode(), b"tmpfs", 0, options), f"mount {folder}")


def _try(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


if __name__ == "__main__":
    _folder, _kilobytes, _filling, *_command = sys.argv[1:]
    _mount(_folder, _kilobytes)
    if _filling == "full":
        fill(Path(_folder))
    os.execvp(_command[0], _command)  # noqa: S606 - the command is the test's own
