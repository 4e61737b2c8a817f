"""The command `dsr-verifier`."""

from __future__ import annotations

from dsr_runtime import logs
from dsr_runtime.process import Process, run
from dsr_runtime.settings import load
from dsr_verifier.bootstrap import start
from dsr_verifier.settings import VerifierSettings

__all__ = ["main"]


def main() -> None:
    """Run the verifier until SIGTERM."""
    settings = load(VerifierSettings)
    logs.configure(service="verifier", style=settings.log_format, level=settings.log_level)

    async def begin(process: Process) -> None:
        await start(process, settings)

    run("verifier", begin)


if __name__ == "__main__":
    main()
