"""`python -m dsr_fanout`."""

from __future__ import annotations

import argparse
import sys

from dsr_fanout.bootstrap import start
from dsr_fanout.settings import FanoutSettings
from dsr_fanout.worker import log_as_we_do
from dsr_runtime import logs
from dsr_runtime.checking import check
from dsr_runtime.loading import load
from dsr_runtime.process import Process, run
from dsr_runtime.temporal import connection_of
from dsr_runtime.tracing import export

__all__ = ["main"]


def main() -> None:
    """Read the settings and run the service until it is told to stop; or check them."""
    parser = argparse.ArgumentParser(prog="dsr-fanout", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    checking = commands.add_parser(
        "check", help="say what is wrong with the settings; start nothing"
    )
    checking.add_argument("--json", action="store_true", help="for a program")
    asked = parser.parse_args()
    if asked.command == "check":
        sys.exit(check(FanoutSettings, connection_of, as_json=asked.json))
    settings = load(FanoutSettings)
    logs.configure(service="fanout", style=settings.log_format, level=settings.log_level)
    log_as_we_do()

    async def begin(process: Process) -> None:
        if settings.traces:
            from dsr_wire.spans import SpanRecorder  # noqa: PLC0415 - it loads OpenTelemetry

            export(process, "fanout", SpanRecorder)
        await start(settings, process)

    run("fanout", begin)


if __name__ == "__main__":
    main()
