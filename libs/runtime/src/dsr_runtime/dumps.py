"""Core dumps off: a process that ends badly leaves none of its memory behind.

Keys and identities are in that memory. The limit keeps the kernel from writing a core file; the flag
keeps it from handing one to a collector too, which a limit of zero does not everywhere, and keeps
other processes of the same user from reading the memory by ptrace.
"""

from __future__ import annotations

import ctypes
import resource
import sys

__all__ = ["forbid_core_dumps"]

_PR_SET_DUMPABLE = 4
"""From Linux's `prctl.h`; see prctl(2), `PR_SET_DUMPABLE`."""


def forbid_core_dumps() -> None:
    """Have this process, and those that it starts, leave no core dump; it cannot be taken back.

    A process that executes another program is dumpable again, and keeps the limit.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        if library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE) failed")
