"""Write deploy/monitoring/dashboards from tools/dashboards; with --check, say whether they are fresh."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from dashboards.pages import DASHBOARDS
from dashboards.panels import Dashboard, rendered

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "monitoring" / "dashboards"


def render(dashboard: Dashboard) -> str:
    """Return the file of one dashboard."""
    return json.dumps(rendered(dashboard), indent=2) + "\n"


def main() -> int:
    """Write or check; 1 when a file is stale, missing or left over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when stale")
    files = {FOLDER / f"{one.uid}.json": render(one) for one in DASHBOARDS}
    if parser.parse_args().check:
        there = {path: path.read_text() for path in FOLDER.glob("*.json")}
        if there != files:
            sys.stderr.write("deploy/monitoring/dashboards is stale: run `make docs`\n")
            return 1
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
