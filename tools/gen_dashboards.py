"""Write deploy/monitoring/dashboards from tools/dashboards; with --check, say whether they are fresh."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dashboards.pages import DASHBOARDS
from dashboards.panels import Dashboard, rendered
from generated import write_or_check

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "monitoring" / "dashboards"


def render(dashboard: Dashboard) -> str:
    """Return the file of one dashboard."""
    return json.dumps(rendered(dashboard), indent=2) + "\n"


def main() -> int:
    """Write or check; 1 when a file is stale, missing or left over."""
    files = {FOLDER / f"{one.uid}.json": render(one) for one in DASHBOARDS}
    return write_or_check(__doc__, files, set(FOLDER.glob("*.json")) - files.keys())


if __name__ == "__main__":
    sys.exit(main())
