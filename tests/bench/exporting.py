"""One system of `dsr bench package` as a process of its own: it hands over so many bytes, and rows besides.

`dsr bench` starts it, and tells it what it needs by a file.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from dsr_sdk import (
    AccessRequest,
    File,
    KafkaConnection,
    Row,
    SqliteOutcomeStore,
    Subscriber,
    SystemKeyPair,
)

_PIECE = 1024 * 1024


def subscriber(told: dict[str, Any]) -> Subscriber:
    """Return the system; what it yields is made on the way, and never held."""
    made = Subscriber(
        system_id=told["system_id"],
        organisation_id=told["organisation_id"],
        keys=SystemKeyPair.from_json(Path(told["keys_file"]).read_text(encoding="utf-8")),
        kafka=KafkaConnection(
            bootstrap=told["kafka"],
            username=told["username"],
            password=told["password"],
            ca_file=Path(told["kafka_ca_file"]),
        ),
        outcomes=SqliteOutcomeStore(Path(told["outcomes_file"])),
        store=told["store"],
    )
    piece = os.urandom(_PIECE)

    @made.access
    async def access(request: AccessRequest) -> AsyncIterator[Row | File]:
        person = request.identity.first("account_id")
        for number in range(told["rows"]):
            yield Row("orders", {"id": number, "of": person, "city": "Berlin", "text": "x" * 60})
        yield File("film.mp4", (piece for _ in range(told["size"] // _PIECE)), "video/mp4")

    return made


async def main(told: dict[str, Any]) -> None:
    """Serve until SIGTERM."""
    system = subscriber(told)
    system.on_ready(Path(told["ready_file"]).touch)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    serving = asyncio.create_task(system.serve())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait([stopped, serving], return_when=asyncio.FIRST_COMPLETED)
    await system.stop()
    await serving


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
