"""Write the lifecycle's table and diagram into docs/lifecycle.md; with --check, say whether they are fresh."""

from __future__ import annotations

import sys
from pathlib import Path

from generated import between_markers, write_or_check

from dsr_core.lifecycle import TRANSITIONS, State

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "lifecycle.md"


def states() -> str:
    """Return the table and the diagram of every transition."""
    rows = [f"| {before} | {event} | {after} |" for (before, event), after in TRANSITIONS.items()]
    arrows = [
        f"    {before} --> {after}: {event}" for (before, event), after in TRANSITIONS.items()
    ]
    left = {before for before, _ in TRANSITIONS}
    begins = [f"    [*] --> {State.RECEIVED}"]
    ends = [f"    {state} --> [*]" for state in State if state not in left]
    lines = ["| state | event | next state |", "|---|---|---|", *rows, ""]
    lines += ["```mermaid", "stateDiagram-v2", *begins, *arrows, *ends, "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check; 1 when the document is stale."""
    before = DOCUMENT.read_text()
    fresh = between_markers(before, "states", states(), tool="gen_lifecycle.py")
    return write_or_check(__doc__, {DOCUMENT: fresh})


if __name__ == "__main__":
    sys.exit(main())
