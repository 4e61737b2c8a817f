"""`python -m dsr_fanout`."""

from __future__ import annotations

from dsr_fanout.bootstrap import start
from dsr_fanout.settings import FanoutSettings
from dsr_fanout.worker import log_as_we_do
from dsr_runtime import logs
from dsr_runtime.process import Process, run
from dsr_runtime.settings import load
from dsr_runtime.tracing import export

__all__ = ["main"]


def main() -> None:
    """Read the settings and run the service until it is told to stop."""
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
