"""Draw the plan of the example group into the documentation; with --check, say whether it is fresh."""

from __future__ import annotations

import sys

from generated import ROOT, write_or_check

from dsr_cli.registry.load import load_registry
from dsr_cli.registry.plan_svg import plan_svg
from dsr_cli.registry.planned import planned
from dsr_core.plan import Scope
from dsr_core.rights import Right


def main() -> int:
    """Write or check the picture."""
    registry = load_registry(ROOT / "registry")
    picture = plan_svg(planned(registry, Right.DELETION, Scope(), ["email"]))
    return write_or_check(__doc__, {ROOT / "docs" / "plan.svg": picture})


if __name__ == "__main__":
    sys.exit(main())
