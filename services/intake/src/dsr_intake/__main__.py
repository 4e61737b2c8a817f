"""Starts the process: settings first, everything else from them."""

from __future__ import annotations

from dsr_intake import bootstrap
from dsr_intake.settings import Settings
from dsr_runtime import logs, process, settings


def main() -> None:
    """Run intake until it is told to stop."""
    chosen = settings.load(Settings)
    logs.configure(service="intake", style=chosen.log_format, level=chosen.log_level)
    process.run("intake", lambda running: bootstrap.start(running, chosen))


if __name__ == "__main__":
    main()
