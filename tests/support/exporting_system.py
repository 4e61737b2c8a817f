"""A system as a process of its own, which hands over for the notices that it finds in a file.

`python -m support.exporting_system FOLDER`: the folder has `keys.json`, `records` and `content.json`;
it gets `answers` once every request is delivered, and `memory`, the most that the process has held.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from dsr_sdk import AccessRequest, File, Row, SqliteOutcomeStore, Subscriber, SystemKeyPair
from dsr_sdk.testing import FakeBroker, FakeBus, acknowledgements_in
from dsr_wire.topics import ACKNOWLEDGEMENTS
from support.waiting import eventually

PIECE = 1024 * 1024


async def serve(folder: Path) -> None:
    keys = SystemKeyPair.from_json((folder / "keys.json").read_text())
    records = pickle.loads((folder / "records").read_bytes())  # noqa: S301 - the test's own
    content = json.loads((folder / "content.json").read_text())
    broker = FakeBroker()
    for one in records:
        broker.append(one)
    subscriber = Subscriber(
        keys.system_id,
        organisation_id="acme",
        keys=keys,
        outcomes=SqliteOutcomeStore(folder / "outcomes.sqlite"),
        store=os.environ["DSR_STORE_URL"],
    )

    @subscriber.access
    async def access(request: AccessRequest) -> AsyncIterator[Row | File]:
        email = request.identity.first("email")
        for number in range(content["rows"]):
            yield Row("orders", {"id": number, "of": email, "text": content["text"]})
        for number in range(content["tiny"]):
            yield File(f"notes/{number:06d}.txt", b"a note")
        pieces = (bytes([number % 251]) * PIECE for number in range(content["pieces"]))
        yield File("large.bin", pieces)

    serving = asyncio.create_task(subscriber.serve(FakeBus(broker)))

    def delivered() -> bool:
        answers = acknowledgements_in(broker.records(ACKNOWLEDGEMENTS.name), keys.public)
        found = {one.request_id for one in answers if one.delivery}
        return len(found) == int(content["requests"])

    await eventually(delivered, within=160)
    await subscriber.stop()
    await serving
    (folder / "answers").write_bytes(pickle.dumps(broker.records(ACKNOWLEDGEMENTS.name)))


def peak() -> int:
    """Return the most bytes that this process, and no parent of it, has held."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    from dsr_sdk.logs import log_to_stderr

    log_to_stderr()
    place = Path(sys.argv[1])
    asyncio.run(serve(place))
    (place / "memory").write_text(str(peak()))
