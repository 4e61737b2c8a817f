"""README's ways to submit a request, as they stand there."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from dsr_cli.group.bring_up import api_key
from support.loop import Loop
from support.readme import example


async def _run(loop: Loop, *command: str) -> str:
    environment = {
        **os.environ,
        "DSR_INTAKE_URL": loop.stack.settings.intake_url,
        "DSR_API_KEY": api_key(loop.stack),
    }
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_readme_curl_submits_and_a_retry_gives_the_same_answer(loop: Loop) -> None:
    first = json.loads(await _run(loop, "bash", "-c", example("curl")))
    again = json.loads(await _run(loop, "bash", "-c", example("curl")))
    assert first["state"] == "open"
    assert first["due_at"]
    assert again["id"] == first["id"]


async def test_readme_python_submits_and_reads_events(loop: Loop) -> None:
    output = await _run(loop, sys.executable, "-c", example("python"))
    data = next(line for line in output.splitlines() if line.startswith("data:"))
    assert json.loads(data.removeprefix("data:"))["request_id"]
