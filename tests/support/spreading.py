"""How a run of the tests is spread over processes: what stays together, and what begins first.

A process starts real parts of its own the first time that one of its tests needs them. The whole loop is
by far the dearest of them: all that shares one stays in one process, and those that each start another do
so one after the other. What takes longest begins first, and many small files come last: no process is
left alone with a long one at the end.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

__all__ = ["LOOPS_OF_THEIR_OWN", "Spreading", "together", "turn"]

_LOOP = "tests/e2e"

LOOPS_OF_THEIR_OWN = frozenset(
    f"{_LOOP}/{name}"
    for name in (
        "adding_a_right_test.py",
        "demo_test.py",
        "law_test.py",
        "reconciling_test.py",
        "restore_test.py",
    )
)
"""They share nothing with the rest of their folder; started at the same time, they would starve each other."""

_LONGEST_FIRST = (_LOOP, "tests/integration", "tests/workflow", "tests/bench", "tests/monitoring")
"""Folders with what waits for real parts; all the others come after them."""


def together(nodeid: str) -> str:
    """Return the name of what a test stays in one process with: its file, or all of its kind of loop."""
    file = nodeid.split("::", 1)[0]
    if file in LOOPS_OF_THEIR_OWN:
        return "loops of their own"
    return "the loop" if file.startswith(f"{_LOOP}/") else file


def turn(nodeid: str) -> int:
    """Return when a test's turn comes: the lowest is first, and equal ones stay in their order."""
    folders = enumerate(_LONGEST_FIRST)
    found = (n for n, folder in folders if nodeid.startswith(f"{folder}/"))
    return next(found, len(_LONGEST_FIRST))


class Spreading(LoadFileScheduling):  # type: ignore[misc]  # the library has no types
    """Gives a process one file after another; those of a loop go to the same."""

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)
