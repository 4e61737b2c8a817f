"""Write the lifecycle's table and diagram into docs/lifecycle.md; with --check, say whether they are fresh."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dsr_core.lifecycle import TRANSITIONS, State

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "lifecycle.md"
BEGIN = "<!-- states: written by tools/gen_lifecycle.py -->\n"
END = "<!-- end of states -->\n"


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


def rendered(document: str) -> str:
    """Return the document with fresh states between its markers.

    Raises:
        ValueError: The markers are not there.
    """
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{states()}\n{END}{after}"


def main() -> int:
    """Write or check; 1 when the document is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    check = parser.parse_args().check
    document = DOCUMENT.read_text()
    fresh = rendered(document)
    if check:
        if fresh != document:
            sys.stderr.write("docs/lifecycle.md is stale: run tools/gen_lifecycle.py\n")
        return int(fresh != document)
    DOCUMENT.write_text(fresh)
    return 0


if __name__ == "__main__":
    sys.exit(main())
