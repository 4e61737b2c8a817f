"""Starts the process: settings first, everything else from them."""

from __future__ import annotations

import argparse
import asyncio
import sys

from dsr_intake import bootstrap
from dsr_intake.bootstrap.keys import keys
from dsr_intake.bootstrap.officer import add_officer
from dsr_intake.settings import Settings
from dsr_runtime import logs, process
from dsr_runtime.checking import check
from dsr_runtime.loading import load
from dsr_runtime.migrations import migrate_alone
from dsr_runtime.settings import PostgresSettings
from dsr_runtime.tracing import export


def main() -> None:
    """Run intake until it is told to stop; or migrate, check the settings, or make a privacy officer."""
    parser = argparse.ArgumentParser(prog="dsr-intake", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    officer = commands.add_parser(
        "officer",
        help="make a privacy officer, who can say who else comes in; DSR_POSTGRES_DSN alone is needed",
    )
    officer.add_argument("name", help="what people call them")
    commands.add_parser(
        "migrate", help="bring the schemas to this version; DSR_POSTGRES_* alone are needed"
    )
    checking = commands.add_parser(
        "check", help="say what is wrong with the settings; start nothing"
    )
    checking.add_argument("--json", action="store_true", help="for a program")
    asked = parser.parse_args()
    if asked.command == "check":
        sys.exit(check(Settings, keys, as_json=asked.json))
    if asked.command == "officer":
        key = asyncio.run(add_officer(load(PostgresSettings), asked.name))
        sys.stdout.write(f"{key}\n")
        return
    if asked.command == "migrate":
        at = load(PostgresSettings)
        asyncio.run(migrate_alone(at, package="dsr_intake", schema="intake"))
        return
    chosen = load(Settings)
    logs.configure(service="intake", style=chosen.log_format, level=chosen.log_level)

    async def begin(running: process.Process) -> None:
        if chosen.traces:
            from dsr_wire.spans import SpanRecorder  # noqa: PLC0415 - it loads OpenTelemetry

            export(running, "intake", SpanRecorder)
        await bootstrap.start(running, chosen)

    process.run("intake", begin)


if __name__ == "__main__":
    main()
