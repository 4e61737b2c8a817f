"""The command `dsr-verifier`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from dsr_runtime import logs
from dsr_runtime.checking import check
from dsr_runtime.loading import load
from dsr_runtime.migrations import migrate_alone
from dsr_runtime.process import Process, run
from dsr_runtime.settings import PostgresSettings
from dsr_runtime.tracing import export
from dsr_verifier.bootstrap import SCHEMA, start
from dsr_verifier.bootstrap.log import log_keys
from dsr_verifier.settings import VerifierSettings

__all__ = ["main"]


def main() -> None:
    """Run the verifier until SIGTERM; or migrate; or check the settings."""
    parser = argparse.ArgumentParser(prog="dsr-verifier", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser(
        "migrate", help="bring the schema to this version; DSR_POSTGRES_* alone are needed"
    )
    checking = commands.add_parser(
        "check", help="say what is wrong with the settings; start nothing"
    )
    checking.add_argument("--json", action="store_true", help="for a program")
    asked = parser.parse_args()
    if asked.command == "check":
        sys.exit(check(VerifierSettings, log_keys, as_json=asked.json))
    if asked.command == "migrate":
        asyncio.run(migrate_alone(load(PostgresSettings), package="dsr_verifier", schema=SCHEMA))
        return
    settings = load(VerifierSettings)
    logs.configure(service="verifier", style=settings.log_format, level=settings.log_level)

    async def begin(process: Process) -> None:
        if settings.traces:
            from dsr_wire.spans import SpanRecorder  # noqa: PLC0415 - it loads OpenTelemetry

            export(process, "verifier", SpanRecorder)
        await start(process, settings)

    run("verifier", begin)


if __name__ == "__main__":
    main()
